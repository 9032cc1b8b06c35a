//! `farthing`: parses the arguments, runs one command, and leaves with its exit code.
//! Owns the process-wide choices of cryptography and memory allocation. Refuses everything else: see `cli.rs`.

use std::process::ExitCode;

/// A proxy allocates a little for every request on every thread; this one does it with less CPU than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // rustls has no provider of its own, and building a client without one panics. Installing fails only if one is
    // installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    let code = farthing::cli::run();
    farthing::logging::flush();
    code
}

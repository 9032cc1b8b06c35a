//! `farthing`: parses the arguments, runs one command, and leaves with its exit code.
//! Owns the process-wide choice of cryptography. Refuses everything else: see `cli.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // rustls has no provider of its own, and building a client without one panics. Installing fails only if one is
    // installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    farthing::cli::run()
}

//! The side-by-side proxy benchmark: what a call costs through Farthing, through nginx, and without a proxy.
//! Owns the roles: this program starts itself again as mock upstream and as load generator, so that each is a process of
//! its own and the CPU time of a proxy is only the proxy's. Prints figures; never judges them. See docs/performance.md.

mod alarm;
mod child;
mod client;
mod cpu;
mod fault;
mod load;
mod memory;
mod message;
mod options;
mod plan;
mod proxies;
mod report;
mod rounds;
mod samples;
mod scenario;
mod scratch;
mod table;
mod upstream;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::fault::Fault;
use crate::options::{Options, Role};

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            table::complain(&fault);
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Fault> {
    if !options.bench && options.role == Role::All {
        return table::say("the load benchmark measures only when started by: cargo bench --bench load");
    }
    raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Fault::io("runtime"))?;
    runtime.block_on(async {
        match options.role {
            Role::All if options.memory => memory::compare(options).await,
            Role::All => rounds::compare(options).await,
            Role::Upstream => upstream::serve().await,
            Role::Load => load::run(options.plan()?).await,
            Role::Open => load::hold_open(options.plan()?).await,
        }
    })
}

/// A thousand streams are two thousand sockets in a proxy, more than the usual soft limit; children inherit it.
fn raise_file_limit() -> Result<(), Fault> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|errno| Fault::io("file limit")(errno.into()))
}

//! The commands that run or look after the gateway on this machine: serve, demo, check, migrate, verify.
//! Owns loading the configuration for each. Refuses to start anything on a configuration with a fault.

use std::net::SocketAddr;

use clap::Args;
use log::LevelFilter;
use serde_json::json;

use super::error::CliError;
use super::ledger;
use super::output::{Progress, Reply};
use crate::config::secrets::MASTER_ENCRYPTION_KEY;
use crate::config::{Config, Sources};
use crate::{app, demo, logging};

/// Run the gateway with a sandbox provider, a project and a key, ready to try; needs no configuration
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = loopback)]
    listen: SocketAddr,
}

impl Demo {
    pub(super) fn run(&self) -> Result<(), CliError> {
        start_log(LevelFilter::Warn)?;
        Ok(demo::run(self.listen)?)
    }
}

/// The demo has neither TLS nor secrets of its owner's choosing.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "expected an address such as 127.0.0.1:8080".to_owned())?;
    if address.ip().is_loopback() { Ok(address) } else { Err("the demo listens on this machine only".to_owned()) }
}

/// `farthing serve`.
pub(super) fn serve(sources: &Sources) -> Result<(), CliError> {
    let config = Config::load(sources)?;
    start_log(config.logging.level)?;
    Ok(app::serve(config, sources.clone())?)
}

/// `farthing check`: its reply, and whether it found the configuration sound.
///
/// # Errors
/// If it depends on the database whether the master key is a new one, and that cannot be read.
pub(super) fn check(sources: &Sources) -> Result<(Reply, bool), CliError> {
    let config = match Config::load(sources) {
        Ok(config) => config,
        Err(faults) => {
            return Ok((Reply { json: json!({ "ok": false, "faults": faults }), text: format!("{faults}\n") }, false));
        }
    };
    let weak = app::master_key_fault(&config)?.map(|problem| (MASTER_ENCRYPTION_KEY, problem));
    let found = weak.into_iter().chain(app::tls_fault(&config));
    let faults: Vec<_> = found.map(|(name, problem)| sources.fault(name, problem)).collect();
    if faults.is_empty() {
        let text = "configuration is sound\n".to_owned();
        return Ok((Reply { json: json!({ "ok": true, "faults": [] }), text }, true));
    }
    let text = faults.iter().map(|fault| format!("{fault}\n")).collect();
    Ok((Reply { json: json!({ "ok": false, "faults": faults }), text }, false))
}

/// `farthing migrate`.
pub(super) fn migrate(sources: &Sources) -> Result<Reply, CliError> {
    let config = Config::load_without_secrets(sources)?;
    start_log(LevelFilter::Warn)?;
    app::migrate(&config)?;
    let path = config.database.path;
    Ok(Reply { text: format!("{} is up to date\n", path.display()), json: json!({ "ok": true, "database": path }) })
}

/// `farthing ledger verify` on the database itself.
pub(super) fn verify(sources: &Sources) -> Result<Reply, CliError> {
    let config = for_reading(sources)?;
    let mut shown = Progress::default();
    let verdict = app::verify(&config, &mut |lines| shown.tell(&format!("{lines} lines checked")));
    shown.end();
    let verdict = verdict?;
    let json = serde_json::to_value(verdict).map_err(|error| CliError::Failed(format!("the verdict: {error}")))?;
    Ok(Reply { text: ledger::sentence(&json), json })
}

/// The configuration for a command that only reads the books.
pub(super) fn for_reading(sources: &Sources) -> Result<Config, CliError> {
    let config = Config::load_without_secrets(sources)?;
    start_log(LevelFilter::Warn)?;
    Ok(config)
}

/// The configuration for a command that reads, and needs a key to check what it reads.
pub(super) fn with_secrets(sources: &Sources) -> Result<Config, CliError> {
    let config = Config::load(sources)?;
    start_log(LevelFilter::Warn)?;
    Ok(config)
}

fn start_log(level: LevelFilter) -> Result<(), CliError> {
    logging::start(level).map_err(|error| CliError::Failed(format!("the log cannot start: {error}")))
}

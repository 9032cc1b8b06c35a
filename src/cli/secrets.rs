//! `farthing secrets`: which master key everything is sealed under, and a new one. Owns the order: the settings first, then the
//! server. Refuses to let the present key go: it becomes a previous one, and both are in the settings before anything is sealed.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::http::Api;
use super::online::ask;
use super::output::Reply;
use super::server;
use crate::admin::secrets::SecretsStatus;
use crate::app;
use crate::config::renewal::{self, Turn};
use crate::config::{Config, Fault, Sources};
use crate::web::manage::secrets::SecretsView;

const PATH: &str = "/api/system/secrets";
/// How often the server is asked how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// See which master key everything is sealed under, and change it
///
/// The master key is 32 bytes in base64, or a passphrase beside PERSISTENT_ENCRYPTION_SALT; both forms are known by an id.
#[derive(Debug, Args)]
pub(super) struct Secrets {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count what is sealed under the present master key, as the database says
    Status,
    /// Make a new master key and seal everything under it, while calls go on
    ///
    /// Writes the new key to .env, with the present one in MASTER_ENCRYPTION_KEY_PREVIOUS, and has a running server go over to
    /// it; without one the next start does. Where an earlier change is not finished, that one is. Where the key is not in .env
    /// itself, says what to set. Of two at the same moment one is refused.
    Rotate,
}

impl Secrets {
    pub(super) fn run(&self, sources: &Sources) -> Result<Reply, CliError> {
        match self.command {
            Command::Status => {
                let status = told(&app::secrets_status(&server::with_secrets(sources)?)?);
                Ok(Reply { text: sentence(&status), json: status })
            }
            Command::Rotate => self.rotate(sources),
        }
    }

    fn rotate(&self, sources: &Sources) -> Result<Reply, CliError> {
        let failed = |fault: Fault| CliError::Failed(fault.to_string());
        // Before anything is read, and to the end: what another one writes meanwhile would be lost.
        let turn = Turn::take(sources).map_err(failed)?;
        let config = server::with_secrets(sources)?;
        if is_done(&told(&app::secrets_status(&config)?)) {
            renewal::renew_master_key(sources, &turn).map_err(failed)?;
        }
        if app::is_served(&config)? {
            return self.go_over(sources);
        }
        let status = told(&app::secrets_status(&Config::load(sources)?)?);
        Ok(Reply { text: format!("{}{NEXT_START}", sentence(&status)), json: status })
    }

    /// Has the server go over to the key in the settings, and waits until it has.
    fn go_over(&self, sources: &Sources) -> Result<Reply, CliError> {
        let done = ask(&self.connection, sources, async |api| {
            let mut status = api.post(&format!("{PATH}/rotate"), &json!({})).await?;
            while !is_done(&status) {
                status = later(api).await?;
            }
            Ok(status)
        })?;
        Ok(Reply { text: format!("{}{KEEP}", sentence(&done)), json: done })
    }
}

const NEXT_START: &str = "the next start of the server seals everything under it\n";
const KEEP: &str = "keep the previous keys as long as you keep backups from before; then take them out of \
                    MASTER_ENCRYPTION_KEY_PREVIOUS\n";

async fn later(api: &Api) -> Result<Value, CliError> {
    tokio::time::sleep(LOOK).await;
    Ok(api.get(PATH).await?)
}

fn told(status: &SecretsStatus) -> Value {
    json!(SecretsView::from(status))
}

fn is_done(status: &Value) -> bool {
    status.get("state").and_then(Value::as_str) == Some("done")
}

/// The status in words.
fn sentence(status: &Value) -> String {
    let text = |name: &str| status.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rows = |name: &str| {
        let figure = |what: &str| status.pointer(&format!("/rows/{name}/{what}")).and_then(Value::as_i64).unwrap_or(0);
        format!("  {name}: {} of {}\n", figure("current"), figure("total"))
    };
    let rows = ["providers", "answers", "kept_keys"].map(rows).concat();
    format!("master key {} ({})\nsealed under it:\n{rows}", text("key_id"), text("state"))
}

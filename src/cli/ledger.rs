//! `farthing ledger`: whether the books balance, asked of the database or of a running server; their lines, and what
//! operators add. Owns the sentence that says so. Refuses to judge: the verdict comes from where the books are.

mod adjust;
mod export;
mod reconcile;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::connection::Connection;
use super::error::CliError;
use super::online::ask;
use super::output::{Reply, harmless};
use super::server;
use crate::config::Sources;

const PATH: &str = "/api/ledger/verify";

/// Check, export and adjust the books
#[derive(Debug, Args)]
pub(super) struct Ledger {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recompute every balance and amount; exit code 3 if anything does not add up
    Verify {
        /// Ask a running server instead of opening the database; so do --url and --token-file
        #[arg(long)]
        online: bool,
    },
    Export(export::Export),
    Adjust(adjust::Adjust),
    Adjustments(adjust::List),
    Reconcile(reconcile::Reconcile),
}

impl Ledger {
    /// The reply and whether all is in order; `None` where the answer went to standard output already.
    pub(super) fn run(&self, sources: &Sources) -> Result<Option<(Reply, bool)>, CliError> {
        let reply = match &self.command {
            Command::Verify { online } => {
                let reply = self.verify(*online, sources)?;
                let sound = balances(&reply.json);
                return Ok(Some((reply, sound)));
            }
            Command::Export(export) => return Ok(export.run(sources)?.map(|reply| (reply, true))),
            Command::Adjust(adjust) => ask(&self.connection, sources, async |api| adjust.run(api).await)?,
            Command::Reconcile(it) => ask(&self.connection, sources, async |api| it.run(api).await)?,
            Command::Adjustments(list) => ask(&self.connection, sources, async |api| list.run(api).await)?,
        };
        Ok(Some((reply, true)))
    }

    fn verify(&self, online: bool, sources: &Sources) -> Result<Reply, CliError> {
        if !online && !self.connection.is_given() {
            return server::verify(sources);
        }
        ask(&self.connection, sources, async |api| {
            let json = api.get(PATH).await?;
            Ok(Reply { text: sentence(&json), json })
        })
    }
}

/// Whether a verdict finds the books in order; a verdict that does not say so does not.
pub(super) fn balances(verdict: &Value) -> bool {
    verdict.get("ok").and_then(Value::as_bool).unwrap_or(false)
}

/// The verdict in words.
pub(super) fn sentence(verdict: &Value) -> String {
    // Beside a running server an offline reader cannot know what is in flight, and says null.
    let known = |name: &str| verdict.get(name).filter(|figure| !figure.is_null());
    let figure = |name: &str| known(name).map_or_else(|| "unknown".to_owned(), plain);
    let figures = format!(
        "{} entries, {} requests, {} open holds, imbalance {} USD",
        figure("entries"),
        figure("requests"),
        figure("open_holds"),
        figure("imbalance_usd")
    );
    let head = known("chain_head").map(|head| format!("chain head {}\n", plain(head))).unwrap_or_default();
    if balances(verdict) {
        return format!("the books balance: {figures}\n{head}");
    }
    let faults = verdict.get("faults").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let faults: String = faults.iter().map(|fault| format!("  {}\n", plain(fault))).collect();
    format!("the books do NOT balance: {figures}\n{faults}")
}

fn plain(value: &Value) -> String {
    harmless(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        let good =
            json!({"ok": true, "entries": 4, "requests": 2, "open_holds": 0, "imbalance_usd": "0", "faults": []});
        assert!(balances(&good));
        assert_eq!(sentence(&good), "the books balance: 4 entries, 2 requests, 0 open holds, imbalance 0 USD\n");
        assert!(!balances(&json!({})) && !balances(&json!({"ok": "true"})));
    }

    #[test]
    fn faults_are_named() {
        let bad = json!({"ok": false, "entries": 1, "faults": ["entry 7 has no price", {"account": "x"}]});
        let text = sentence(&bad);
        assert!(text.starts_with("the books do NOT balance: 1 entries"));
        assert!(text.contains("  entry 7 has no price\n") && text.contains("  {\"account\":\"x\"}\n"), "{text}");
    }
}

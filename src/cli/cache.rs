//! `farthing cache`: see how full the response cache is, and empty it. Owns the requests and what is said of them.

use clap::{Args, Subcommand};

use super::connection::Connection;
use super::error::CliError;
use super::http::{Api, query};
use super::output::Reply;
use super::table::shown;

const PATH: &str = "/api/cache";

/// See and empty the response cache: answers that are given again
#[derive(Debug, Args)]
pub(super) struct Cache {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show how full it is, and how often it had an answer
    Show,
    /// Throw away what is kept
    Purge {
        /// Only the answers of this project: its name or id
        #[arg(long)]
        project: Option<String>,
    },
}

impl Cache {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::Show => Ok(shown(api.get(PATH).await?)),
            Command::Purge { project } => Ok(shown(api.delete(&query(PATH, &[("project", project.clone())])).await?)),
        }
    }
}

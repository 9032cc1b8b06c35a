//! The commands that talk to a running server. Owns the actix system they run in and the client they share.
//! Refuses to open the database: what a server holds is asked of the server.

use clap::Subcommand;

use super::connection::Connection;
use super::error::CliError;
use super::http::Api;
use super::key::Key;
use super::model::Model;
use super::output::Reply;
use super::project::Project;
use super::provider::Provider;
use super::requests::Requests;
use super::run::Run;
use super::usage::Usage;
use crate::config::Sources;

#[derive(Debug, Subcommand)]
pub(super) enum Online {
    Project(Project),
    Key(Key),
    Provider(Provider),
    Model(Model),
    #[command(visible_alias = "request")]
    Requests(Requests),
    Run(Run),
    Usage(Usage),
}

impl Online {
    pub(super) fn run(&self, sources: &Sources) -> Result<Reply, CliError> {
        ask(self.connection(), sources, async |api| match self {
            Self::Project(project) => project.run(api).await,
            Self::Key(key) => key.run(api).await,
            Self::Provider(provider) => provider.run(api, sources).await,
            Self::Model(model) => model.run(api).await,
            Self::Requests(requests) => requests.run(api).await,
            Self::Run(run) => run.run(api).await,
            Self::Usage(usage) => usage.run(api).await,
        })
    }

    fn connection(&self) -> &Connection {
        match self {
            Self::Project(project) => &project.connection,
            Self::Key(key) => &key.connection,
            Self::Provider(provider) => &provider.connection,
            Self::Model(model) => &model.connection,
            Self::Requests(requests) => &requests.connection,
            Self::Run(run) => &run.connection,
            Self::Usage(usage) => &usage.connection,
        }
    }
}

/// Opens the connection and does the work with it.
pub(super) fn ask(
    connection: &Connection,
    sources: &Sources,
    work: impl AsyncFnOnce(&Api) -> Result<Reply, CliError>,
) -> Result<Reply, CliError> {
    let (url, token) = connection.resolve(sources)?;
    actix::System::new().block_on(async { work(&Api::new(&url, &token)?).await })
}

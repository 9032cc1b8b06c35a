//! The commands that talk to a running server. Owns the actix system they run in and the client they share.
//! Refuses to open the database: what a server holds is asked of the server.

use clap::Subcommand;

use super::cache::Cache;
use super::connection::Connection;
use super::error::CliError;
use super::group::Group;
use super::http::Api;
use super::key::Key;
use super::model::Model;
use super::output::Reply;
use super::project::Project;
use super::provider::Provider;
use super::requests::Requests;
use super::run::Run;
use super::session::Session;
use super::shadow::Shadow;
use super::token::Token;
use super::usage::Usage;
use crate::config::Sources;

#[derive(Debug, Subcommand)]
pub(super) enum Online {
    Project(Project),
    Key(Key),
    Token(Token),
    Provider(Provider),
    Model(Model),
    Group(Group),
    #[command(visible_alias = "request")]
    Requests(Requests),
    Run(Run),
    Session(Session),
    Cache(Cache),
    Shadow(Shadow),
    Usage(Usage),
}

impl Online {
    /// Runs the command. Gives its reply, unless it has written all there is to say by itself.
    pub(super) fn run(&self, sources: &Sources, json: bool) -> Result<Option<Reply>, CliError> {
        ask(self.connection(), sources, async |api| match self {
            Self::Project(project) => project.run(api).await.map(Some),
            Self::Key(key) => key.run(api).await.map(Some),
            Self::Token(token) => token.run(api).await.map(Some),
            Self::Provider(provider) => provider.run(api, sources).await.map(Some),
            Self::Model(model) => model.run(api).await.map(Some),
            Self::Group(group) => group.run(api).await.map(Some),
            Self::Requests(requests) => requests.run(api, json).await,
            Self::Run(run) => run.run(api).await.map(Some),
            Self::Session(session) => session.run(api).await.map(Some),
            Self::Cache(cache) => cache.run(api).await.map(Some),
            Self::Shadow(shadow) => shadow.run(api).await.map(Some),
            Self::Usage(usage) => usage.run(api).await.map(Some),
        })
    }

    fn connection(&self) -> &Connection {
        match self {
            Self::Project(project) => &project.connection,
            Self::Key(key) => &key.connection,
            Self::Token(token) => &token.connection,
            Self::Provider(provider) => &provider.connection,
            Self::Model(model) => &model.connection,
            Self::Group(group) => &group.connection,
            Self::Requests(requests) => &requests.connection,
            Self::Run(run) => &run.connection,
            Self::Session(session) => &session.connection,
            Self::Cache(cache) => &cache.connection,
            Self::Shadow(shadow) => &shadow.connection,
            Self::Usage(usage) => &usage.connection,
        }
    }
}

/// Opens the connection and does the work with it.
pub(super) fn ask<T>(
    connection: &Connection,
    sources: &Sources,
    work: impl AsyncFnOnce(&Api) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let (url, token) = connection.resolve(sources)?;
    actix::System::new().block_on(async { work(&Api::new(&url, &token)?).await })
}

//! `farthing requests list`: the filters of the list, and the query they make. Owns the flags' names, which are the API's.
//! Refuses to judge dates, zones and names: the server says what is wrong with them.

use clap::Args;
use clap::builder::PossibleValuesParser;
use farthing_actors::domain::CallStatus;

use super::PATH;
use crate::cli::http::query;

/// List requests, the latest first; every flag narrows the list
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those charged to this project, by its name or id
    #[arg(long)]
    project: Option<String>,
    /// Only those made with this key, by its id
    #[arg(long)]
    key: Option<String>,
    /// Only those of the run that the client named so
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// Only those that named this model
    #[arg(long)]
    model: Option<String>,
    /// Only those whose last attempt was at this provider, by its name or id
    #[arg(long)]
    provider: Option<String>,
    /// Only those that ended so
    #[arg(long, value_parser = PossibleValuesParser::new(CallStatus::ALL.iter().map(|status| status.name())))]
    status: Option<String>,
    /// Only those taken in from then on: a date, or a moment such as 2026-11-21T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Only those taken in before; a date means its beginning
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Whose dates, such as Europe/Berlin; UTC unless it is given
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Only those with this id, or one that begins so, such as req_0199a2
    #[arg(long, value_name = "ID")]
    search: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Where the list before ended: its next_cursor
    #[arg(long)]
    cursor: Option<String>,
}

impl List {
    /// The path that asks for it.
    pub(super) fn path(&self) -> String {
        query(
            PATH,
            &[
                ("project", self.project.clone()),
                ("key", self.key.clone()),
                ("run", self.run.clone()),
                ("model", self.model.clone()),
                ("provider", self.provider.clone()),
                ("status", self.status.clone()),
                ("from", self.from.clone()),
                ("to", self.to.clone()),
                ("time_zone", self.time_zone.clone()),
                ("search", self.search.clone()),
                ("limit", Some(self.limit.to_string())),
                ("cursor", self.cursor.clone()),
            ],
        )
    }
}

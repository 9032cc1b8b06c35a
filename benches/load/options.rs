//! What may be asked on the command line, after `cargo bench --bench load --`.
//! Owns names and defaults. Refuses unknown words, through clap.

use clap::{Parser, ValueEnum};

use crate::fault::Fault;
use crate::plan::Plan;
use crate::proxies::Kind;
use crate::scenario::Scenario;

/// Farthing beside nginx and beside no proxy: CPU per request and added latency, in one run.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Short runs, fewer rounds and only the three main scenarios: under a minute.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these scenarios, comma-separated.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Scenario>,
    /// Only these proxies, comma-separated.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "direct,nginx,farthing")]
    pub(crate) proxies: Vec<Kind>,
    /// Resident memory when idle and under 1,000 open streams, instead of time.
    #[arg(long)]
    pub(crate) memory: bool,
    /// Which part of the benchmark this process plays.
    #[arg(long, value_enum, default_value = "all", hide = true)]
    pub(crate) role: Role,
    /// What a load generator shall do, as JSON.
    #[arg(long, hide = true)]
    plan: Option<String>,
    /// Given by `cargo bench`; `cargo test` starts the program without it.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

/// The parts this program plays, each in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Starts everything, measures and prints.
    All,
    /// The mock provider.
    Upstream,
    /// The load generator.
    Load,
    /// Holds streams open until told to stop.
    Open,
}

impl Options {
    /// The plan of a load generator.
    pub(crate) fn plan(&self) -> Result<Plan, Fault> {
        let text = self.plan.as_deref().ok_or_else(|| Fault::Setup("the role needs --plan".into()))?;
        serde_json::from_str(text).map_err(|error| Fault::Setup(format!("the plan is not readable: {error}")))
    }
}

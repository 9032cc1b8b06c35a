//! The comparison: every scenario through every proxy, in turns, several rounds.
//! Owns the order: one proxy after the other within a round, so that a noisy minute of the machine meets all of them;
//! the table shows medians over the rounds.

use std::time::Duration;

use crate::child::{Part, run_load};
use crate::fault::Fault;
use crate::options::Options;
use crate::proxies::{Kind, Running};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::table::{self, say};

/// Work a proxy does behind an answer (a batch for the database) belongs to the answer's cost.
const AFTERMATH: Duration = Duration::from_millis(400);

const ROUNDS: usize = 3;
const QUICK_ROUNDS: usize = 2;

/// One run: what the callers saw, and what it cost the proxy.
pub(crate) struct Run {
    /// Which load.
    pub(crate) scenario: Scenario,
    /// Through which proxy.
    pub(crate) kind: Kind,
    /// What the callers saw.
    pub(crate) report: Report,
    /// The proxy's processor time, in microseconds.
    pub(crate) spent_us: Option<u64>,
}

/// Starts everything, measures, prints.
pub(crate) async fn compare(options: &Options) -> Result<(), Fault> {
    let machine = table::machine();
    let (_mock, proxies) = start(&options.proxies).await?;
    let scenarios = if options.only.is_empty() { Scenario::usual(options.quick) } else { &options.only };
    for proxy in &proxies {
        warm_up(proxy, scenarios)?;
    }
    let rounds = if options.quick { QUICK_ROUNDS } else { ROUNDS };
    let mut runs = Vec::new();
    for round in 1..=rounds {
        for scenario in scenarios {
            say(&format!("round {round} of {rounds}: {}", scenario.title()))?;
            for proxy in &proxies {
                runs.push(measure(*scenario, proxy, options.quick).await?);
            }
        }
    }
    table::preface(&machine, rounds)?;
    scenarios.iter().try_for_each(|scenario| table::scenario(*scenario, &options.proxies, &runs))
}

/// The mock, and each proxy in front of it.
pub(crate) async fn start(kinds: &[Kind]) -> Result<(Part, Vec<Running>), Fault> {
    let mock = Part::start("upstream", None)?;
    let upstream = mock.line.parse().map_err(|_| Fault::Setup(format!("not an address: {}", mock.line)))?;
    let mut proxies = Vec::new();
    for kind in kinds {
        proxies.push(Running::start(*kind, upstream).await?);
    }
    Ok((mock, proxies))
}

/// A tenth of each load, uncounted: connections, caches and allocators are then as in a server that has run a while.
fn warm_up(proxy: &Running, scenarios: &[Scenario]) -> Result<(), Fault> {
    for scenario in scenarios {
        let mut plan = scenario.plan(proxy, true);
        plan.requests = plan.requests.div_ceil(10);
        run_load(&plan)?;
    }
    Ok(())
}

async fn measure(scenario: Scenario, proxy: &Running, quick: bool) -> Result<Run, Fault> {
    let before = proxy.spent_us()?;
    let report = run_load(&scenario.plan(proxy, quick))?;
    tokio::time::sleep(AFTERMATH).await;
    let spent_us = proxy.spent_us()?.zip(before).map(|(after, before)| after.saturating_sub(before));
    Ok(Run { scenario, kind: proxy.kind, report, spent_us })
}

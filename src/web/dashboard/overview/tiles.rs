//! The figures at the top of the page.
//! Owns what is added up: projects at the top only, because a project below another is charged there too.

use farthing_actors::domain::{CallStatus, Money};
use farthing_actors::ledger::hold::Balance;

use super::projects::Projects;
use crate::admin::books::Line;
use crate::web::dashboard::shown::{self, Amount};

/// One figure with its name and a remark.
pub(super) struct Tile {
    pub(super) name: &'static str,
    pub(super) figure: Amount,
    pub(super) remark: String,
}

/// What the tiles are made of.
pub(super) struct Figures {
    limit: Money,
    spent: Money,
    held: Money,
    open_holds: usize,
    cost: Money,
    calls: usize,
    failed: usize,
    median_ms: Option<u64>,
}

impl Figures {
    /// `balances` are in the order of `projects`.
    pub(super) fn new(projects: &Projects, balances: &[Option<Balance>], open_holds: usize, calls: &[Line]) -> Self {
        let pairs = projects.shown.iter().zip(balances).filter(|(project, _)| project.parent.is_none());
        let tops: Vec<&Balance> = pairs.filter_map(|(_, balance)| balance.as_ref()).collect();
        Self {
            limit: tops.iter().map(|balance| balance.limit).sum(),
            spent: tops.iter().map(|balance| balance.spent).sum(),
            held: tops.iter().map(|balance| balance.held).sum(),
            open_holds,
            cost: calls.iter().map(|line| line.cost()).sum(),
            calls: calls.len(),
            failed: calls.iter().filter(|line| is_failure(line.entry.outcome.status)).count(),
            median_ms: median(calls.iter().map(|line| line.entry.outcome.latency_ms).collect()),
        }
    }

    pub(super) fn tiles(&self) -> Vec<Tile> {
        let last = format!("last {}", counted(self.calls, "call"));
        let median = self.median_ms.map_or_else(|| "–".to_owned(), shown::millis);
        vec![
            Tile {
                name: "Spent",
                figure: self.spent.into(),
                remark: format!("of {} budgeted", Amount::from(self.limit).short),
            },
            Tile {
                name: "Held",
                figure: self.held.into(),
                remark: format!("for {}", counted(self.open_holds, "call")),
            },
            Tile { name: "Cost", figure: self.cost.into(), remark: last.clone() },
            Tile { name: "Median latency", figure: plain(median), remark: last.clone() },
            Tile { name: "Failed", figure: plain(shown::count(self.failed)), remark: last },
        ]
    }
}

fn plain(figure: String) -> Amount {
    Amount { exact: figure.clone(), short: figure }
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", shown::count(number))
}

/// Neither a refusal nor a client that left is a failure of ours or of a provider's.
fn is_failure(status: CallStatus) -> bool {
    matches!(status, CallStatus::UpstreamCut | CallStatus::UpstreamError | CallStatus::Interrupted)
}

fn median(mut millis: Vec<u64>) -> Option<u64> {
    millis.sort_unstable();
    millis.get(millis.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_words() {
        let (limit, spent) = ("25".parse().unwrap(), "1.239".parse().unwrap());
        let none = Money::ZERO;
        let figures =
            Figures { limit, spent, held: none, open_holds: 1, cost: none, calls: 1_000, failed: 3, median_ms: None };
        let said: Vec<String> = figures
            .tiles()
            .iter()
            .map(|tile| format!("{}: {}, {}", tile.name, tile.figure.short, tile.remark))
            .collect();
        let expected = [
            "Spent: $1.23, of $25.00 budgeted",
            "Held: $0, for 1 call",
            "Cost: $0, last 1,000 calls",
            "Median latency: –, last 1,000 calls",
            "Failed: 3, last 1,000 calls",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!([median(vec![]), median(vec![7]), median(vec![9, 1, 5])], [None, Some(7), Some(5)]);
    }
}

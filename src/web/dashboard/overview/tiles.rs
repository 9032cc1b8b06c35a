//! The figures at the top of the page.
//! Owns what is added up: budgets of projects at the top only, because a project below another is charged there too.

use farthing_actors::domain::{Money, Timestamp};
use farthing_actors::ledger::hold::Balance;

use super::projects::Projects;
use crate::admin::books::{self, Line};
use crate::web::dashboard::shown::{self, Amount};

const MINUTE_MS: i64 = 60_000;
/// The last calls that are looked at.
pub(super) const MOST: usize = 200;

/// One figure with its name and a remark.
pub(super) struct Tile {
    pub(super) name: &'static str,
    pub(super) figure: Amount,
    pub(super) remark: String,
}

/// What happens right now.
#[derive(Debug, Clone, Copy)]
pub(super) struct House {
    pub(super) open_holds: usize,
    pub(super) in_flight: usize,
    pub(super) now: Timestamp,
}

/// What the tiles are made of.
pub(super) struct Figures {
    limit: Money,
    spent: Money,
    held: Money,
    today: books::Figures,
    house: House,
    calls: usize,
    last_minute: usize,
    median_ms: Option<u64>,
    slow_ms: Option<u64>,
}

impl Figures {
    /// `balances` are in the order of the projects.
    pub(super) fn new(
        (projects, balances): (&Projects, &[Option<Balance>]),
        calls: &[Line],
        today: books::Figures,
        house: House,
    ) -> Self {
        let pairs = projects.shown.iter().zip(balances).filter(|(project, _)| project.parent.is_none());
        let tops: Vec<&Balance> = pairs.filter_map(|(_, balance)| balance.as_ref()).collect();
        let since = house.now.0.saturating_sub(MINUTE_MS);
        let mut millis: Vec<u64> = calls.iter().map(|line| line.entry.outcome.latency_ms).collect();
        millis.sort_unstable();
        Self {
            limit: tops.iter().map(|balance| balance.limit).sum(),
            spent: tops.iter().map(|balance| balance.spent).sum(),
            held: tops.iter().map(|balance| balance.held).sum(),
            today,
            house,
            calls: calls.len(),
            last_minute: calls.iter().filter(|line| line.entry.closed_at.0 > since).count(),
            median_ms: at(&millis, 50),
            slow_ms: at(&millis, 99),
        }
    }

    pub(super) fn tiles(&self) -> Vec<Tile> {
        let usage = self.today.usage();
        let last = format!("last {}", counted(self.calls, "call"));
        let latency = |ms: Option<u64>| plain(ms.map_or_else(|| "–".to_owned(), shown::millis));
        vec![
            tile("Requests a second", plain(rate(self.last_minute)), format!("{} in the last minute", self.recent())),
            tile("Spent today", self.today.cost.into(), counted(self.today.requests, "request")),
            tile(
                "Tokens today",
                plain(shown::count(usage.prompt().saturating_add(usage.generated()))),
                format!("{} in, {} out", shown::count(usage.prompt()), shown::count(usage.generated())),
            ),
            tile(
                "Failed today",
                plain(shown::count(self.today.errors)),
                format!("and {} refused", shown::count(self.today.refused)),
            ),
            tile("Median latency", latency(self.median_ms), last.clone()),
            tile("Latency p99", latency(self.slow_ms), last),
            tile(
                "In flight",
                plain(shown::count(self.house.in_flight)),
                format!("{} held for {}", Amount::from(self.held).short, counted(self.house.open_holds, "call")),
            ),
            tile("Spent of budgets", self.spent.into(), format!("of {}", Amount::from(self.limit).short)),
        ]
    }

    /// More than are looked at may have come in the last minute.
    fn recent(&self) -> String {
        let more = if self.last_minute >= MOST { " or more" } else { "" };
        format!("{}{more}", shown::count(self.last_minute))
    }
}

fn tile(name: &'static str, figure: Amount, remark: String) -> Tile {
    Tile { name, figure, remark }
}

fn plain(figure: String) -> Amount {
    Amount { exact: figure.clone(), short: figure }
}

fn counted(number: impl ToString, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{} {noun}{plural}", shown::count(number))
}

/// Of so many in a minute, with one decimal.
fn rate(in_a_minute: usize) -> String {
    let tenths = in_a_minute.saturating_mul(10) / 60;
    format!("{}.{}", shown::count(tenths / 10), tenths % 10)
}

/// The figure below which so many percent of the sorted ones are.
fn at(sorted: &[u64], percent: usize) -> Option<u64> {
    let place = sorted.len().saturating_mul(percent) / 100;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_words() {
        let (limit, spent) = ("25".parse().unwrap(), "1.239".parse().unwrap());
        let house = House { open_holds: 1, in_flight: 2, now: Timestamp(0) };
        let mut today = books::Figures { requests: 1_200, errors: 3, refused: 4, cost: spent, ..Default::default() };
        today.classes[0] = 1_000;
        today.classes[4] = 50;
        let figures = Figures {
            limit,
            spent,
            held: Money::ZERO,
            today,
            house,
            calls: 200,
            last_minute: 93,
            median_ms: None,
            slow_ms: Some(1_250),
        };
        let said: Vec<String> = figures
            .tiles()
            .iter()
            .map(|tile| format!("{}: {}, {}", tile.name, tile.figure.short, tile.remark))
            .collect();
        let expected = [
            "Requests a second: 1.5, 93 in the last minute",
            "Spent today: $1.23, 1,200 requests",
            "Tokens today: 1,050, 1,000 in, 50 out",
            "Failed today: 3, and 4 refused",
            "Median latency: –, last 200 calls",
            "Latency p99: 1.2 s, last 200 calls",
            "In flight: 2, $0 held for 1 call",
            "Spent of budgets: $1.23, of $25.00",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_percentile_is_one_of_the_figures() {
        assert_eq!([at(&[], 50), at(&[7], 99), at(&[1, 5, 9], 50)], [None, Some(7), Some(5)]);
        assert_eq!(at(&(0..200).collect::<Vec<_>>(), 99), Some(198));
    }
}

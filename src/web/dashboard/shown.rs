//! Short forms: money, counts, times and circuits as people read them at a glance. The exact figure always stands beside them.
//! Owns the rules, which `static/js/pages/overview.js` repeats for live rows. Refuses rounding up: a short form is cut.

use std::sync::Arc;

use farthing_actors::breakers::CircuitState;
use farthing_actors::domain::{Money, Timestamp};

/// Digits that are shown of an amount under a dollar.
const SIGNIFICANT: usize = 3;

/// An amount, short for the table and exact for whoever points at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// Such as `$0.00123`.
    pub short: String,
    /// Such as `$0.001234567`.
    pub exact: String,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { short: short_money(money), exact: format!("${money}") }
    }
}

/// Two decimals from a dollar on, three significant digits below.
fn short_money(money: Money) -> String {
    let text = money.to_string();
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let zeros = decimals.bytes().take_while(|digit| *digit == b'0').count();
    let kept = if whole == "0" { zeros.saturating_add(SIGNIFICANT) } else { 2 };
    let decimals: String = decimals.chars().take(kept).collect();
    let dot = if decimals.is_empty() { "" } else { "." };
    format!("{sign}${}{dot}{decimals}", grouped(whole))
}

/// `1234567` as `1,234,567`.
pub fn count(number: impl ToString) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let place = |at: usize| digits.len().saturating_sub(at);
    let comma = |at: usize| at > 0 && place(at).is_multiple_of(3);
    digits.chars().enumerate().flat_map(|(at, digit)| comma(at).then_some(',').into_iter().chain([digit])).collect()
}

/// `230 ms`, `1.2 s`, `5 s`.
pub fn millis(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        _ if millis.is_multiple_of(1_000) => format!("{} s", millis / 1_000),
        _ => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
    }
}

/// A moment: as machines read it and as people do, in UTC. The page's script turns the words into local time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Such as `2026-11-26T17:03:59.120Z`.
    pub iso: String,
    /// Such as `2026-11-26 17:03:59 UTC`.
    pub text: String,
}

impl From<Timestamp> for Moment {
    fn from(moment: Timestamp) -> Self {
        Self::read(&moment.to_string())
    }
}

impl Moment {
    /// One that is written as machines read it.
    pub fn read(iso: &str) -> Self {
        let text: String = iso.chars().take(19).collect();
        Self { text: format!("{} UTC", text.replace('T', " ")), iso: iso.to_owned() }
    }
}

/// The time of day in UTC, `17:03:59`.
pub fn time_of_day(moment: Timestamp) -> String {
    moment.to_string().chars().skip(11).take(8).collect()
}

/// A circuit's words, and their tone.
pub fn circuit(state: CircuitState) -> (&'static str, &'static str) {
    match state {
        CircuitState::Closed => ("circuit closed", "good"),
        CircuitState::HalfOpen => ("circuit half-open", "fair"),
        CircuitState::Cooling => ("cooling down", "fair"),
        CircuitState::Open => ("circuit open", "bad"),
    }
}

/// What is told of a key that its provider refuses.
pub fn refused_key(status: u16) -> Arc<str> {
    format!("It answers {status} to our key. Where another provider has the model, that one is asked first.").into()
}

/// How much of `whole` a part is, for the width of a bar: `42.1%`, never over 100.
pub fn share(part: Money, whole: Money) -> String {
    let (part, whole) = (part.at_least_zero().picos(), whole.picos());
    let permille = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0).clamp(0, 1_000);
    format!("{}.{}%", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_cut_and_never_rounded_up() {
        let cases = [
            ("0", "$0"),
            ("25", "$25.00"),
            ("24.999", "$24.99"),
            ("1234567.5", "$1,234,567.50"),
            ("0.5", "$0.50"),
            ("0.123456", "$0.123"),
            ("0.000012999", "$0.0000129"),
            ("0.000000000001", "$0.000000000001"),
            ("-1.005", "-$1.00"),
        ];
        for (exact, short) in cases {
            let amount = Amount::from(exact.parse::<Money>().unwrap());
            assert_eq!(amount.short, short, "{exact}");
        }
    }

    #[test]
    fn counts_times_and_shares_read_well() {
        assert_eq!([count(7), count(1_234), count(1_234_567)], ["7", "1,234", "1,234,567"]);
        assert_eq!([millis(0), millis(999), millis(1_250), millis(61_000)], ["0 ms", "999 ms", "1.2 s", "61 s"]);
        assert_eq!(time_of_day(Timestamp(86_399_000)), "23:59:59");
        let share = |part: &str, whole: &str| share(part.parse().unwrap(), whole.parse().unwrap());
        assert_eq!([share("1", "8"), share("0", "0"), share("9", "8")], ["12.5%", "0.0%", "100.0%"]);
    }
}

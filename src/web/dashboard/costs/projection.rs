//! Where a budget will stand when its window ends, if it goes on being spent as it was so far.
//! Owns the arithmetic, in whole picodollars and milliseconds. Refuses to guess from the first moments of a window.

use farthing_actors::domain::{Money, Timestamp};

/// A window's first part, this one of so many, says nothing about the rest.
const PARTS: i128 = 24;

/// How a budget was spent so far in its window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) spent: Money,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) now: Timestamp,
}

impl Pace {
    /// What will have been spent when the window ends; `None` where nobody can say yet.
    pub(super) fn at_end(&self) -> Option<Money> {
        self.at(self.end)
    }

    /// What will have been spent at this moment of the window.
    pub(super) fn at(&self, moment: Timestamp) -> Option<Money> {
        let (elapsed, whole) = self.millis()?;
        let then = i128::from(moment.millis_since(self.start)).min(whole);
        let picos = self.spent.picos().max(0).checked_mul(then)?;
        Some(Money::from_picos(picos.checked_div(elapsed)?))
    }

    /// When the limit will be reached; `None` if the window ends before.
    pub(super) fn reaches(&self, limit: Money) -> Option<Timestamp> {
        let (elapsed, whole) = self.millis()?;
        let after = limit.picos().max(0).checked_mul(elapsed)?.checked_div(self.spent.picos())?;
        let moment = i128::from(self.start.0).checked_add(after)?;
        i64::try_from(moment).ok().map(Timestamp).filter(|_| after < whole && self.spent.picos() > 0)
    }

    /// Milliseconds of the window that are over, and all of them.
    fn millis(&self) -> Option<(i128, i128)> {
        let whole = i128::from(self.end.millis_since(self.start));
        let elapsed = i128::from(self.now.millis_since(self.start)).min(whole);
        (whole > 0 && elapsed.checked_mul(PARTS)? >= whole).then_some((elapsed, whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000;

    fn pace(spent: &str, days: i64) -> Pace {
        Pace {
            spent: spent.parse().unwrap(),
            start: Timestamp(0),
            end: Timestamp(30 * DAY),
            now: Timestamp(days * DAY),
        }
    }

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_spent_in_a_third_is_spent_three_times() {
        assert_eq!(pace("8.10", 10).at_end(), Some(money("24.30")));
        assert_eq!(pace("0", 10).at_end(), Some(Money::ZERO));
        assert_eq!(pace("1", 7).at_end(), Some(money("4.285714285714")), "cut, not rounded up");
        assert_eq!(pace("8.10", 30).at_end(), Some(money("8.10")));
        assert_eq!(pace("8.10", 99).at_end(), Some(money("8.10")), "a window that is over has no rest");
    }

    #[test]
    fn the_first_moments_say_nothing() {
        assert_eq!(pace("5", 0).at_end(), None);
        assert_eq!(pace("5", 1).at_end(), None);
        assert_eq!(pace("5", 2).at_end(), Some(money("75")));
        assert_eq!(Pace { end: Timestamp(0), ..pace("5", 2) }.at_end(), None);
        assert_eq!(pace("-5", 10).at_end(), Some(Money::ZERO), "what was given back is not spent on");
    }

    #[test]
    fn a_limit_is_reached_when_the_pace_says_so() {
        assert_eq!(pace("10", 10).reaches(money("25")), Some(Timestamp(25 * DAY)));
        assert_eq!(pace("10", 10).reaches(money("30")), None, "the window ends first");
        assert_eq!(pace("10", 10).reaches(money("5")), Some(Timestamp(5 * DAY)), "it was");
        assert_eq!(pace("0", 10).reaches(money("5")), None);
        assert_eq!(pace("-1", 10).reaches(money("5")), None);
    }

    proptest! {
        #[test]
        fn who_ends_above_the_limit_reaches_it_before(spent in 1_i64.., limit in 1_i64.., days in 2_i64..30) {
            let pace = Pace { spent: Money::from_row(spent), ..pace("0", days) };
            let limit = Money::from_row(limit);
            let ends_above = pace.at_end().is_some_and(|end| end > limit);
            prop_assert!(!ends_above || pace.reaches(limit).is_some());
        }
    }
}

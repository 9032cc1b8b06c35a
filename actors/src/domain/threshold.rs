//! Thresholds: the parts of a budget at which operators are warned.
//! Owns their text forms and that there is sense in them. Refuses to know what was spent.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use super::money::Money;

/// Time to act, nearly nothing left, all of it spent.
const USUAL: [u8; 3] = [80, 95, 100];
/// How the command line says that there are none.
const NONE: &str = "none";

/// Whole percents of a budget's limit, ascending, each once. Wire form: a list of numbers; may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds(Arc<[u8]>);

/// What is no list of thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected whole percents from 1 to 100")]
pub struct NoPercent;

impl Thresholds {
    /// No threshold: nobody is warned.
    pub fn none() -> Self {
        Self(Arc::from([]))
    }

    /// These percents, in any order.
    ///
    /// # Errors
    /// If one is not from 1 to 100.
    pub fn new(mut percents: Vec<u8>) -> Result<Self, NoPercent> {
        percents.sort_unstable();
        percents.dedup();
        let sound = percents.iter().all(|percent| (1..=100).contains(percent));
        if sound { Ok(Self(percents.into())) } else { Err(NoPercent) }
    }

    /// The lowest one above `percent`.
    pub fn above(&self, percent: u8) -> Option<u8> {
        self.0.iter().copied().find(|threshold| *threshold > percent)
    }

    /// The highest one that is not above `percent`.
    pub fn up_to(&self, percent: u8) -> Option<u8> {
        self.0.iter().copied().rfind(|threshold| *threshold <= percent)
    }
}

/// How many whole percents of `limit` are spent, 100 at most. Whoever spends where nothing may be spent has spent all.
pub fn percent(spent: Money, limit: Money) -> u8 {
    if !limit.is_negative() && !limit.is_zero() {
        let whole = spent.picos().saturating_mul(100) / limit.picos();
        return u8::try_from(whole.clamp(0, 100)).unwrap_or(100);
    }
    if spent > Money::ZERO { 100 } else { 0 }
}

/// The least amount of which [`percent`] says `percent` or more.
pub fn amount(percent: u8, limit: Money) -> Money {
    let hundredths = limit.at_least_zero().picos().saturating_mul(i128::from(percent)).saturating_add(99);
    Money::from_picos(hundredths / 100).max(Money::ONE)
}

/// What a budget has of which nobody said anything.
impl Default for Thresholds {
    fn default() -> Self {
        Self(Arc::from(USUAL))
    }
}

/// `80,95,100`, or `none`.
impl fmt::Display for Thresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(NONE);
        }
        let texts: Vec<_> = self.0.iter().map(u8::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

impl FromStr for Thresholds {
    type Err = NoPercent;

    fn from_str(text: &str) -> Result<Self, NoPercent> {
        if text == NONE {
            return Ok(Self::none());
        }
        let percents = text.split(',').map(|percent| percent.trim().parse().map_err(|_| NoPercent));
        Self::new(percents.collect::<Result<_, _>>()?)
    }
}

impl JsonSchema for Thresholds {
    fn schema_name() -> Cow<'static, str> {
        "Thresholds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": 100 } })
    }
}

impl Serialize for Thresholds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for Thresholds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn are_sorted_and_each_is_a_percent() {
        let text = |text: &str| text.parse::<Thresholds>().map(|found| found.to_string());
        assert_eq!(text("95, 80,80").as_deref(), Ok("80,95"));
        assert_eq!(text("none").as_deref(), Ok("none"));
        for wrong in ["", "0", "101", "80%", "1.5", "-1", "80,", "300"] {
            assert_eq!(text(wrong), Err(NoPercent), "{wrong:?}");
        }
        assert_eq!(serde_json::to_string(&Thresholds::default()).unwrap(), "[80,95,100]");
        assert!(serde_json::from_str::<Thresholds>("[0]").is_err());
        assert_eq!(serde_json::from_str::<Thresholds>("[]").unwrap(), Thresholds::none());
    }

    #[test]
    fn nothing_spent_reaches_nothing_even_of_nothing() {
        assert_eq!(percent(Money::ZERO, Money::ZERO), 0);
        assert_eq!(percent(Money::ONE, Money::ZERO), 100);
        assert_eq!(percent(Money::MAX, Money::MAX), 100);
        assert_eq!(percent(Money::from_picos(-9), Money::from_picos(10)), 0);
        let usual = Thresholds::default();
        assert_eq!(
            (usual.up_to(79), usual.up_to(99), usual.above(80), usual.above(100)),
            (None, Some(95), Some(95), None)
        );
    }

    proptest! {
        #[test]
        fn an_amount_is_the_least_that_is_enough(wanted in 1_u8..=100, limit in 0_i128..1_000_000_000_000_000_000) {
            let (limit, one) = (Money::from_picos(limit), Money::ONE);
            prop_assert!(percent(amount(wanted, limit), limit) >= wanted);
            prop_assert!(percent(amount(wanted, limit) - one, limit) < wanted);
        }
    }
}

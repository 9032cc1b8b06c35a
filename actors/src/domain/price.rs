//! Prices: what each class of usage costs, and the one pricer that turns usage into money.
//! Owns rates and rounding. Refuses floating point and a price of zero for what is not priced: that is `None` elsewhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::money::{Money, MoneyError};
use super::usage::Usage;

const TOKENS_PER_RATE: i128 = 1_000_000;

/// A price in picodollars per million tokens. Text form: US dollars per million tokens, such as `0.15`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Money", into = "Money")]
pub struct Rate(i64);

impl Rate {
    /// Free.
    pub const ZERO: Self = Self(0);

    /// The rate as a row stores it: picodollars per million tokens.
    pub fn to_row(self) -> i64 {
        self.0
    }

    /// The rate of a stored row; a negative one reads as zero.
    pub fn from_row(picos: i64) -> Self {
        Self(picos.max(0))
    }

    fn times(self, tokens: u64) -> i128 {
        i128::from(self.0) * i128::from(tokens)
    }
}

impl TryFrom<Money> for Rate {
    type Error = MoneyError;

    fn try_from(money: Money) -> Result<Self, MoneyError> {
        if money.is_negative() {
            return Err(MoneyError::Malformed);
        }
        money.to_row().map(Self).ok_or(MoneyError::TooLarge)
    }
}

impl From<Rate> for Money {
    fn from(rate: Rate) -> Self {
        Self::from_row(rate.0)
    }
}

impl FromStr for Rate {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        text.parse::<Money>()?.try_into()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Money::from(*self), f)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}/M")
    }
}

/// What a deployment charges: rates in US dollars per million tokens, a fee in dollars per request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Uncached prompt tokens.
    pub input_cost_per_m: Rate,
    /// Generated tokens.
    pub output_cost_per_m: Rate,
    /// Prompt tokens read from a cache.
    #[serde(default)]
    pub cache_read_cost_per_m: Rate,
    /// Prompt tokens written to a cache of the default lifetime.
    #[serde(default)]
    pub cache_write_cost_per_m: Rate,
    /// Prompt tokens written to a one-hour cache.
    #[serde(default)]
    pub cache_write_1h_cost_per_m: Rate,
    /// Reasoning tokens; the output rate where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_cost_per_m: Option<Rate>,
    /// A fee for each request, in dollars.
    #[serde(default)]
    pub request_fee_usd: Money,
}

impl Price {
    /// The exact cost of `usage`, rounded once, half up, to a picodollar.
    pub fn cost(&self, usage: &Usage) -> Money {
        let millionths = self.input_cost_per_m.times(usage.input)
            + self.cache_read_cost_per_m.times(usage.cache_read)
            + self.cache_write_cost_per_m.times(usage.cache_write_5m)
            + self.cache_write_1h_cost_per_m.times(usage.cache_write_1h)
            + self.output_cost_per_m.times(usage.output)
            + self.reasoning_rate().times(usage.reasoning);
        let picos = (millionths + TOKENS_PER_RATE / 2).div_euclid(TOKENS_PER_RATE);
        Money::from_picos(picos) + self.request_fee_usd
    }

    /// The most that `prompt` and `generated` tokens can cost, whatever classes they turn out to be.
    pub fn ceiling(&self, prompt: u64, generated: u64) -> Money {
        let dearest_prompt = self
            .input_cost_per_m
            .max(self.cache_read_cost_per_m)
            .max(self.cache_write_cost_per_m)
            .max(self.cache_write_1h_cost_per_m);
        let dearest = Self {
            input_cost_per_m: dearest_prompt,
            output_cost_per_m: self.output_cost_per_m.max(self.reasoning_rate()),
            ..*self
        };
        dearest.cost(&Usage { input: prompt, output: generated, ..Usage::default() })
    }

    fn reasoning_rate(&self) -> Rate {
        self.reasoning_cost_per_m.unwrap_or(self.output_cost_per_m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn a_hand_checked_bill() {
        let price = Price {
            input_cost_per_m: rate("0.15"),
            output_cost_per_m: rate("0.60"),
            cache_read_cost_per_m: rate("0.075"),
            ..Price::default()
        };
        let usage = Usage { input: 100, cache_read: 1_000, output: 50, reasoning: 7, ..Usage::default() };
        // 100 × 0.15 + 1000 × 0.075 + 57 × 0.60 = 124.2 dollars per million
        assert_eq!(price.cost(&usage).to_string(), "0.0001242");
    }

    #[test]
    fn half_a_picodollar_rounds_up_once() {
        let price = Price { input_cost_per_m: Rate(500_000), ..Price::default() };
        assert_eq!(price.cost(&Usage { input: 1, ..Usage::default() }), Money::from_picos(1));
        assert_eq!(price.cost(&Usage { input: 2, ..Usage::default() }), Money::from_picos(1));
    }

    #[test]
    fn a_rate_is_never_negative() {
        assert!("-0.1".parse::<Rate>().is_err());
    }

    prop_compose! {
        fn any_price()(rates in proptest::array::uniform6(0_i64..10_000_000_000_000), fee in 0_i64..1_000_000_000) -> Price {
            let [a, b, c, d, e, f] = rates.map(Rate);
            Price {
                input_cost_per_m: a, output_cost_per_m: b, cache_read_cost_per_m: c, cache_write_cost_per_m: d,
                cache_write_1h_cost_per_m: e, reasoning_cost_per_m: Some(f), request_fee_usd: Money::from_row(fee),
            }
        }
    }

    proptest! {
        #[test]
        fn the_ceiling_covers_every_split(price in any_price(), classes in proptest::array::uniform6(0_u64..1_000_000)) {
            let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning] = classes;
            let usage = Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning };
            prop_assert!(price.cost(&usage) <= price.ceiling(usage.prompt(), usage.generated()));
        }
    }
}

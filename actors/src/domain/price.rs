//! Prices: what each class of usage costs, and the one pricer that turns usage into money.
//! Owns rates and rounding. Refuses floating point and a price of zero for what is not priced: that is `None` elsewhere.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::PriceId;
use super::money::{Money, MoneyError};
use super::tier::{Multiplier, ServiceTier, TierMultipliers};
use super::usage::{Units, Usage};

/// Prices are reckoned in millionths until they are rounded, once.
const MILLION: i128 = 1_000_000;
const MS_PER_MINUTE: i128 = 60_000;

/// A price in picodollars per million tokens. Text form: US dollars per million tokens, such as `0.15`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Money", into = "Money")]
pub struct Rate(i64);

super::ids::schema_of_text!(Rate, r"^[0-9]+(\.[0-9]+)?$");

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

    /// Whether it is free.
    fn is_zero(&self) -> bool {
        *self == Self::ZERO
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

/// A price and the version it is.
pub type PriceInForce = Arc<(PriceId, Price)>;

/// What a deployment charges: rates in US dollars per million tokens, fees in dollars.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Uncached prompt tokens.
    pub input_cost_per_m: Rate,
    /// Generated tokens.
    pub output_cost_per_m: Rate,
    /// Prompt tokens read from a cache; as uncached ones where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_cost_per_m: Option<Rate>,
    /// Prompt tokens written to a cache of the default lifetime; as uncached ones where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_cost_per_m: Option<Rate>,
    /// Prompt tokens written to a one-hour cache; as those of the default lifetime where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h_cost_per_m: Option<Rate>,
    /// Reasoning tokens; as generated ones where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_cost_per_m: Option<Rate>,
    /// Prompt tokens of sound; as uncached ones where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input_cost_per_m: Option<Rate>,
    /// Generated tokens of sound; as generated ones where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output_cost_per_m: Option<Rate>,
    /// Prompt tokens of pictures; as uncached ones where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_input_cost_per_m: Option<Rate>,
    /// Generated tokens of pictures; as generated ones where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_output_cost_per_m: Option<Rate>,
    /// Characters read aloud, per million.
    #[serde(default, skip_serializing_if = "Rate::is_zero")]
    pub character_cost_per_m: Rate,
    /// A fee for each request that reaches the provider.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub request_fee_usd: Money,
    /// A fee for each picture made.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub image_fee_usd: Money,
    /// A fee for each minute of sound, charged by the millisecond.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub audio_minute_fee_usd: Money,
    /// A fee for each search the provider makes on the way.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub search_fee_usd: Money,
    /// Other rates for longer prompts; the last one the prompt exceeds holds for the whole call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context_tiers: Vec<ContextTier>,
    /// Factors on everything but the fee of a request, by how the provider served the call.
    #[serde(default, skip_serializing_if = "TierMultipliers::is_empty")]
    pub service_tiers: TierMultipliers,
}

/// Rates of calls whose prompt, cached tokens included, is longer than `above_input_tokens`. An absent rate is the
/// price's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextTier {
    /// Where the tier begins.
    pub above_input_tokens: u64,
    /// Uncached prompt tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_cost_per_m: Option<Rate>,
    /// Generated tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_cost_per_m: Option<Rate>,
    /// Prompt tokens read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_cost_per_m: Option<Rate>,
    /// Prompt tokens written to a cache of the default lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_cost_per_m: Option<Rate>,
    /// Prompt tokens written to a one-hour cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h_cost_per_m: Option<Rate>,
    /// Reasoning tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_cost_per_m: Option<Rate>,
}

/// The rates of one call, each class with its own.
#[derive(Clone, Copy)]
struct Rates {
    input: Rate,
    cache_read: Rate,
    cache_write_5m: Rate,
    cache_write_1h: Rate,
    output: Rate,
    reasoning: Rate,
    audio_input: Rate,
    audio_output: Rate,
    image_input: Rate,
    image_output: Rate,
}

impl Price {
    /// The exact cost of `usage`, rounded once, half up, to a picodollar.
    pub fn cost(&self, usage: &Usage) -> Money {
        let variable = self.rates(usage.prompt()).millionths(usage) + self.units(&usage.units);
        self.billed(variable, self.service_tiers.of(usage.tier))
    }

    /// The most that a call of at most `usage` can cost, whatever classes its tokens turn out to be, however much shorter
    /// its prompt is, and in whatever tier it is served if it asks for `tier`.
    pub fn ceiling(&self, usage: &Usage, tier: Option<ServiceTier>) -> Money {
        let prompt = usage.prompt();
        let reachable =
            self.context_tiers.iter().map(|longer| longer.above_input_tokens).filter(|above| *above < prompt);
        let lengths = reachable.map(|above| above.saturating_add(1)).chain([0]);
        let dearest = lengths.map(|length| self.rates(length).dearest(prompt, usage.generated())).max().unwrap_or(0);
        self.billed(dearest + self.units(&usage.units), self.service_tiers.dearest(tier))
    }

    /// The most tokens that can be generated after a prompt of `usage` so that its ceiling stays within `money`, at most as
    /// many as `usage` has; `None` if not even the prompt fits.
    pub fn affordable(&self, usage: &Usage, tier: Option<ServiceTier>, money: Money) -> Option<u64> {
        let fits = |output: u64| self.ceiling(&Usage { output, ..*usage }, tier) <= money;
        if !fits(0) {
            return None;
        }
        let (mut fitting, mut beyond) = (0, usage.output.saturating_add(1));
        while beyond - fitting > 1 {
            let middle = fitting + (beyond - fitting) / 2;
            if fits(middle) { fitting = middle } else { beyond = middle }
        }
        Some(fitting)
    }

    /// Every class of tokens and the rate it has in a prompt of this length.
    pub fn named_rates(&self, prompt: u64) -> [(&'static str, Rate); 10] {
        let rates = self.rates(prompt);
        [
            ("input", rates.input),
            ("cache_read", rates.cache_read),
            ("cache_write_5m", rates.cache_write_5m),
            ("cache_write_1h", rates.cache_write_1h),
            ("output", rates.output),
            ("reasoning", rates.reasoning),
            ("audio_input", rates.audio_input),
            ("audio_output", rates.audio_output),
            ("image_input", rates.image_input),
            ("image_output", rates.image_output),
        ]
    }

    /// What `variable` (millionths of a picodollar) comes to with the factor of a tier and the fee of a request.
    fn billed(&self, variable: i128, factor: Multiplier) -> Money {
        let whole = MILLION * i128::from(Multiplier::ONE.millionths());
        let scaled = variable.saturating_mul(i128::from(factor.millionths()));
        Money::from_picos(scaled.saturating_add(whole / 2).div_euclid(whole)) + self.request_fee_usd
    }

    fn rates(&self, prompt: u64) -> Rates {
        let tier = self.context_tiers.iter().filter(|tier| tier.above_input_tokens < prompt);
        let tier = tier.max_by_key(|tier| tier.above_input_tokens).copied().unwrap_or_default();
        let input = tier.input_cost_per_m.unwrap_or(self.input_cost_per_m);
        let output = tier.output_cost_per_m.unwrap_or(self.output_cost_per_m);
        let write = tier.cache_write_cost_per_m.or(self.cache_write_cost_per_m).unwrap_or(input);
        Rates {
            input,
            cache_read: tier.cache_read_cost_per_m.or(self.cache_read_cost_per_m).unwrap_or(input),
            cache_write_5m: write,
            cache_write_1h: tier.cache_write_1h_cost_per_m.or(self.cache_write_1h_cost_per_m).unwrap_or(write),
            output,
            reasoning: tier.reasoning_cost_per_m.or(self.reasoning_cost_per_m).unwrap_or(output),
            audio_input: self.audio_input_cost_per_m.unwrap_or(input),
            audio_output: self.audio_output_cost_per_m.unwrap_or(output),
            image_input: self.image_input_cost_per_m.unwrap_or(input),
            image_output: self.image_output_cost_per_m.unwrap_or(output),
        }
    }

    /// What has a fee of its own, in millionths of a picodollar.
    fn units(&self, units: &Units) -> i128 {
        if units.is_none() {
            return 0;
        }
        let fees = fee(self.image_fee_usd, units.images) + fee(self.search_fee_usd, units.searches);
        let minutes = fee(self.audio_minute_fee_usd, units.audio_ms).saturating_add(MS_PER_MINUTE / 2) / MS_PER_MINUTE;
        fees.saturating_add(minutes).saturating_add(self.character_cost_per_m.times(units.characters))
    }
}

impl Rates {
    fn millionths(&self, usage: &Usage) -> i128 {
        let units = &usage.units;
        self.input.times(usage.input)
            + self.cache_read.times(usage.cache_read)
            + self.cache_write_5m.times(usage.cache_write_5m)
            + self.cache_write_1h.times(usage.cache_write_1h)
            + self.output.times(usage.output)
            + self.reasoning.times(usage.reasoning)
            + self.audio_input.times(units.audio_input)
            + self.audio_output.times(units.audio_output)
            + self.image_input.times(units.image_input)
            + self.image_output.times(units.image_output)
    }

    fn dearest(&self, prompt: u64, generated: u64) -> i128 {
        let cached = self.cache_read.max(self.cache_write_5m).max(self.cache_write_1h);
        let heard = self.input.max(cached).max(self.audio_input).max(self.image_input);
        let said = self.output.max(self.reasoning).max(self.audio_output).max(self.image_output);
        heard.times(prompt) + said.times(generated)
    }
}

fn fee(fee: Money, count: u64) -> i128 {
    fee.picos().saturating_mul(MILLION).saturating_mul(i128::from(count))
}

#[cfg(test)]
mod tests;

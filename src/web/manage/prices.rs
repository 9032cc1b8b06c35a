//! Prices in the bodies of management requests: every amount an exact decimal, quoted or not.
//! Owns the wire form of a price. Refuses half a price, and a member it does not know.

use std::collections::BTreeMap;

use farthing_actors::domain::tier::{Multiplier, TierMultipliers};
use farthing_actors::domain::{ContextTier, Money, Price, Rate, ServiceTier, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::body::{Decimal, decimal, optional_decimal};

/// Rates in US dollars per million tokens, fees in US dollars.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Prices {
    /// From when; from now on if absent.
    #[serde(default, deserialize_with = "moment")]
    #[schemars(with = "Option<String>")]
    pub(super) effective_from: Option<Timestamp>,
    #[serde(deserialize_with = "decimal")]
    #[schemars(with = "Decimal")]
    input_cost_per_m: Rate,
    #[serde(deserialize_with = "decimal")]
    #[schemars(with = "Decimal")]
    output_cost_per_m: Rate,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    cache_read_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    cache_write_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    cache_write_1h_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    reasoning_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    audio_input_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    audio_output_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    image_input_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    image_output_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    character_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    request_fee_usd: Option<Money>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    image_fee_usd: Option<Money>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    audio_minute_fee_usd: Option<Money>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    search_fee_usd: Option<Money>,
    #[serde(default)]
    context_tiers: Vec<Tier>,
    #[serde(default)]
    service_tiers: BTreeMap<ServiceTier, Factor>,
}

/// Rates of longer prompts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tier {
    above_input_tokens: u64,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    input_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    output_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    cache_read_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    cache_write_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    cache_write_1h_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    reasoning_cost_per_m: Option<Rate>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Factor(
    #[serde(deserialize_with = "decimal")]
    #[schemars(with = "Decimal")]
    Multiplier,
);

/// A moment as every answer spells it; null is none.
fn moment<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(field)?;
    text.map(|text| text.parse()).transpose().map_err(de::Error::custom)
}

impl From<Prices> for Price {
    fn from(prices: Prices) -> Self {
        let factors = prices.service_tiers.into_iter().map(|(tier, Factor(factor))| (tier, factor));
        Self {
            input_cost_per_m: prices.input_cost_per_m,
            output_cost_per_m: prices.output_cost_per_m,
            cache_read_cost_per_m: prices.cache_read_cost_per_m,
            cache_write_cost_per_m: prices.cache_write_cost_per_m,
            cache_write_1h_cost_per_m: prices.cache_write_1h_cost_per_m,
            reasoning_cost_per_m: prices.reasoning_cost_per_m,
            audio_input_cost_per_m: prices.audio_input_cost_per_m,
            audio_output_cost_per_m: prices.audio_output_cost_per_m,
            image_input_cost_per_m: prices.image_input_cost_per_m,
            image_output_cost_per_m: prices.image_output_cost_per_m,
            character_cost_per_m: prices.character_cost_per_m.unwrap_or_default(),
            request_fee_usd: prices.request_fee_usd.unwrap_or_default(),
            image_fee_usd: prices.image_fee_usd.unwrap_or_default(),
            audio_minute_fee_usd: prices.audio_minute_fee_usd.unwrap_or_default(),
            search_fee_usd: prices.search_fee_usd.unwrap_or_default(),
            context_tiers: prices.context_tiers.into_iter().map(ContextTier::from).collect(),
            service_tiers: TierMultipliers(factors.collect()),
        }
    }
}

impl From<Tier> for ContextTier {
    fn from(tier: Tier) -> Self {
        Self {
            above_input_tokens: tier.above_input_tokens,
            input_cost_per_m: tier.input_cost_per_m,
            output_cost_per_m: tier.output_cost_per_m,
            cache_read_cost_per_m: tier.cache_read_cost_per_m,
            cache_write_cost_per_m: tier.cache_write_cost_per_m,
            cache_write_1h_cost_per_m: tier.cache_write_1h_cost_per_m,
            reasoning_cost_per_m: tier.reasoning_cost_per_m,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn price(prices: &str) -> Result<Price, serde_json::Error> {
        serde_json::from_str::<Prices>(prices).map(Price::from)
    }

    #[test]
    fn prices_come_back_as_they_are_shown() {
        let given = r#"{"input_cost_per_m":"0.15","output_cost_per_m":0.60,"cache_read_cost_per_m":null,
            "cache_write_cost_per_m":0,"image_fee_usd":"0.04",
            "context_tiers":[{"above_input_tokens":200000,"input_cost_per_m":0.30}],
            "service_tiers":{"flex":0.5,"priority":"1.75"}}"#;
        let given = price(given).unwrap();
        let shown = serde_json::to_value(&given).unwrap();
        let expected = json!({"input_cost_per_m": "0.15", "output_cost_per_m": "0.60", "cache_write_cost_per_m": "0",
            "image_fee_usd": "0.04", "context_tiers": [{"above_input_tokens": 200_000, "input_cost_per_m": "0.30"}],
            "service_tiers": {"flex": "0.5", "priority": "1.75"}});
        assert_eq!(shown, expected);
        assert_eq!(price(&shown.to_string()).unwrap(), given);
    }

    #[test]
    fn half_a_price_is_none() {
        let missing = price(r#"{"input_cost_per_m":"1"}"#).unwrap_err().to_string();
        assert!(missing.contains("output_cost_per_m"), "{missing}");
        let with = |more: &str| price(&format!(r#"{{"input_cost_per_m":"1","output_cost_per_m":"1",{more}}}"#));
        assert!(price(r#"{"input_cost_per_m":"1","output_cost_per_m":"-1"}"#).is_err());
        for more in [r#""per_image":"1""#, r#""service_tiers":{"turbo":"2"}"#, r#""context_tiers":[{}]"#] {
            assert!(with(more).is_err(), "{more}");
        }
    }
}

//! Bills checked by hand, and the ceiling against every split of every usage.

use proptest::prelude::*;

use super::*;
use crate::domain::tier::Multiplier;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn plain(input: &str, output: &str) -> Price {
    Price { input_cost_per_m: rate(input), output_cost_per_m: rate(output), ..Price::default() }
}

fn cost(price: &Price, usage: Usage) -> String {
    price.cost(&usage).to_string()
}

#[test]
fn a_hand_checked_bill() {
    let price = Price { cache_read_cost_per_m: Some(rate("0.075")), ..plain("0.15", "0.60") };
    let usage = Usage { input: 100, cache_read: 1_000, output: 50, reasoning: 7, ..Usage::default() };
    // 100 × 0.15 + 1000 × 0.075 + 57 × 0.60 = 124.2 dollars per million
    assert_eq!(cost(&price, usage), "0.0001242");
}

#[test]
fn a_class_without_a_rate_is_never_free() {
    let price = plain("2", "8");
    let usage = Usage {
        input: 1,
        cache_read: 1,
        cache_write_5m: 1,
        cache_write_1h: 1,
        output: 1,
        reasoning: 1,
        ..Usage::default()
    };
    assert_eq!(cost(&price, usage), "0.000024");
    let dear_writes = Price { cache_write_cost_per_m: Some(rate("3")), ..price };
    assert_eq!(cost(&dear_writes, Usage { cache_write_1h: 1, ..Usage::default() }), "0.000003");
}

#[test]
fn half_a_picodollar_rounds_up_once() {
    let price = Price { input_cost_per_m: Rate(500_000), ..Price::default() };
    assert_eq!(cost(&price, Usage { input: 1, ..Usage::default() }), "0.000000000001");
    assert_eq!(cost(&price, Usage { input: 2, ..Usage::default() }), "0.000000000001");
}

#[test]
fn a_long_prompt_is_billed_whole_at_its_tier() {
    let tier = ContextTier {
        above_input_tokens: 200_000,
        input_cost_per_m: Some(rate("2.50")),
        output_cost_per_m: Some(rate("15")),
        ..ContextTier::default()
    };
    let price = Price { context_tiers: vec![tier], cache_read_cost_per_m: Some(rate("0.125")), ..plain("1.25", "10") };
    let usage = |input| Usage { input, cache_read: 100_000, output: 1_000, ..Usage::default() };
    // At 200,000 the prompt is not above it: 0.1 × 1.25 + 0.1 × 0.125 + 0.001 × 10.
    assert_eq!(cost(&price, usage(100_000)), "0.1475");
    // One more token, and all of them cost more: 0.100001 × 2.50 + 0.1 × 0.125 + 0.001 × 15.
    assert_eq!(cost(&price, usage(100_001)), "0.2775025");
}

#[test]
fn a_service_tier_multiplies_all_but_the_fee() {
    let factors = [(ServiceTier::Flex, "0.5"), (ServiceTier::Priority, "1.75")];
    let factors = factors.map(|(tier, factor)| (tier, factor.parse::<Multiplier>().unwrap()));
    let price = Price {
        request_fee_usd: "0.01".parse().unwrap(),
        service_tiers: TierMultipliers(factors.into_iter().collect()),
        ..plain("1", "4")
    };
    let usage = Usage { input: 1_000, output: 500, ..Usage::default() };
    let billed = [ServiceTier::Standard, ServiceTier::Flex, ServiceTier::Priority]
        .map(|tier| cost(&price, Usage { tier, ..usage }));
    assert_eq!(billed, ["0.013", "0.0115", "0.01525"]);
}

#[test]
fn what_is_not_text_has_its_own_prices() {
    let price = Price {
        audio_input_cost_per_m: Some(rate("40")),
        image_fee_usd: "0.04".parse().unwrap(),
        audio_minute_fee_usd: "0.006".parse().unwrap(),
        character_cost_per_m: rate("15"),
        search_fee_usd: "0.01".parse().unwrap(),
        ..plain("2.50", "10")
    };
    let bill = |units| cost(&price, Usage { units, ..Usage::default() });
    assert_eq!(bill(Units { audio_input: 1_000, ..Units::default() }), "0.04");
    assert_eq!(bill(Units { audio_output: 1_000, ..Units::default() }), "0.01");
    assert_eq!(bill(Units { images: 3, ..Units::default() }), "0.12");
    assert_eq!(bill(Units { audio_ms: 90_500, ..Units::default() }), "0.00905");
    assert_eq!(bill(Units { characters: 2_000, searches: 2, ..Units::default() }), "0.05");
}

#[test]
fn what_fits_the_money_is_found() {
    let price = plain("1", "4");
    let usage = Usage { input: 1_000, output: 4_096, ..Usage::default() };
    let money = |text: &str| text.parse::<Money>().unwrap();
    assert_eq!(price.affordable(&usage, None, money("1")), Some(4_096));
    assert_eq!(price.affordable(&usage, None, money("0.002")), Some(250));
    assert_eq!(price.affordable(&usage, None, money("0.000999999999")), None);
}

#[test]
fn a_rate_is_never_negative() {
    assert!("-0.1".parse::<Rate>().is_err());
}

prop_compose! {
    fn any_tier()(above in 0_u64..3_000_000, rates in proptest::array::uniform6(proptest::option::of(0_i64..10_000_000_000_000))) -> ContextTier {
        let [a, b, c, d, e, f] = rates.map(|rate| rate.map(Rate));
        ContextTier {
            above_input_tokens: above, input_cost_per_m: a, output_cost_per_m: b, cache_read_cost_per_m: c,
            cache_write_cost_per_m: d, cache_write_1h_cost_per_m: e, reasoning_cost_per_m: f,
        }
    }
}

prop_compose! {
    fn any_price()(
        plain in proptest::array::uniform2(0_i64..10_000_000_000_000),
        rates in proptest::array::uniform8(proptest::option::of(0_i64..10_000_000_000_000)),
        fees in proptest::array::uniform4(0_i64..1_000_000_000),
        tiers in proptest::collection::vec(any_tier(), 0..3),
        factor in 0_u32..4_000_000,
    ) -> Price {
        let [a, b, c, d, e, f, g, h] = rates.map(|rate| rate.map(Rate));
        let [request, image, minute, search] = fees.map(Money::from_row);
        let factor = format!("{}.{:06}", factor / 1_000_000, factor % 1_000_000).parse().unwrap();
        Price {
            input_cost_per_m: Rate(plain[0]), output_cost_per_m: Rate(plain[1]),
            cache_read_cost_per_m: a, cache_write_cost_per_m: b, cache_write_1h_cost_per_m: c, reasoning_cost_per_m: d,
            audio_input_cost_per_m: e, audio_output_cost_per_m: f, image_input_cost_per_m: g, image_output_cost_per_m: h,
            character_cost_per_m: Rate(plain[0] / 7), request_fee_usd: request, image_fee_usd: image,
            audio_minute_fee_usd: minute, search_fee_usd: search, context_tiers: tiers,
            service_tiers: TierMultipliers([(ServiceTier::Flex, factor)].into_iter().collect()),
        }
    }
}

prop_compose! {
    fn any_usage()(classes in proptest::array::uniform10(0_u64..1_000_000), others in proptest::array::uniform4(0_u64..100_000)) -> Usage {
        let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_input, audio_output, image_input, image_output] = classes;
        let [images, audio_ms, characters, searches] = others;
        let units = Units { audio_input, audio_output, image_input, image_output, images, audio_ms, characters, searches };
        Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, units, ..Usage::default() }
    }
}

proptest! {
    #[test]
    fn the_ceiling_covers_every_split(price in any_price(), usage in any_usage(), flex: bool) {
        let all = Usage { input: usage.prompt(), output: usage.generated(), units: Units {
            audio_input: 0, audio_output: 0, image_input: 0, image_output: 0, ..usage.units
        }, ..Usage::default() };
        let asked = flex.then_some(ServiceTier::Flex);
        let ceiling = price.ceiling(&all, asked);
        prop_assert!(price.cost(&usage) <= ceiling);
        if flex {
            let flexible = price.cost(&Usage { tier: ServiceTier::Flex, ..usage });
            prop_assert!(flexible <= ceiling);
        }
        let shorter = Usage { input: usage.input / 2, ..usage };
        prop_assert!(price.cost(&shorter) <= ceiling);
    }

    #[test]
    fn what_is_affordable_is_the_most_that_fits(price in any_price(), usage in any_usage(), picos in 0_i64..20_000_000_000_000) {
        let money = Money::from_row(picos);
        let ceiling = |output| price.ceiling(&Usage { output, ..usage }, None);
        match price.affordable(&usage, None, money) {
            None => prop_assert!(ceiling(0) > money),
            Some(output) => {
                prop_assert!(ceiling(output) <= money);
                prop_assert!(output == usage.output || ceiling(output + 1) > money);
            }
        }
    }

    #[test]
    fn text_round_trips(price in any_price()) {
        let text = serde_json::to_string(&price).unwrap();
        prop_assert_eq!(serde_json::from_str::<Price>(&text).unwrap(), price);
    }
}

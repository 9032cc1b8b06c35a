//! The catalogue: how models are found, how models.dev's list is read, and which changes are held back.

use farthing_actors::domain::{ContextTier, Rate};
use proptest::prelude::*;

use super::guard::{Leap, leap};
use super::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn input(kind: ProviderKind, model: &str) -> Option<String> {
    PriceList::bundled().find(kind, model).map(|listing| listing.price.input_cost_per_m.to_string())
}

#[test]
fn the_bundled_list_is_sound() {
    let list = bundled::read(bundled::TEXT).unwrap();
    assert!(list.len() > 80, "{}", list.len());
    for (kind, model, Listing { price, .. }) in list.iter() {
        assert!(price.input_cost_per_m > Rate::ZERO, "{kind} {model}");
        let cached = price.cache_read_cost_per_m.unwrap_or(price.input_cost_per_m);
        assert!(cached <= price.input_cost_per_m, "{kind} {model}: a cache that costs more than none");
        assert_eq!(leap(price, price), None);
    }
}

#[test]
fn a_model_is_found_by_its_many_names_and_by_no_other() {
    use ProviderKind::*;
    for (kind, model, expected) in [
        (Openai, "gpt-4o", Some("2.50")),
        (Openai, "gpt-4o-2024-08-06", Some("2.50")),
        (Openai, "gpt-4o-2024-05-13", None),
        (Openai, "gpt-4o-mini-2024-07-18", Some("0.15")),
        (Anthropic, "claude-sonnet-4-5-20250929", Some("3.00")),
        (Anthropic, "claude-sonnet-4-20250514", Some("3.00")),
        (Gemini, "models/gemini-2.5-pro", Some("1.25")),
        (Groq, "openai/gpt-oss-120b", Some("0.15")),
        (Openrouter, "openai/gpt-4o-mini", Some("0.15")),
        (Openrouter, "anthropic/claude-sonnet-4.5", Some("3.00")),
        (Openrouter, "openai/gpt-4o-mini:free", None),
        (Openrouter, "meta-llama/llama-3.3-70b-instruct", None),
        (Openai, "gpt-4o-audio-preview", None),
        (Openai, "gpt-4o-20", None),
        (Openai, "gpt-4o-99999999", None),
        (OpenaiCompatible, "gpt-4o", None),
        (Openai, "", None),
    ] {
        assert_eq!(input(kind, model).as_deref(), expected, "{kind} {model}");
    }
}

#[test]
fn a_line_that_is_not_complete_spoils_the_list() {
    let line = |more: &str| {
        let price = r#"price = { input_cost_per_m = "1", output_cost_per_m = "2" }"#;
        bundled::read(&format!(r#"models = [{{ kind = "openai", id = "m", {price}, {more} }}]"#))
    };
    assert_eq!(line(r#"source = "s", checked = "2026-01-31""#).unwrap().len(), 1);
    for more in [
        r#"source = "", checked = "2026-01-31""#,
        r#"source = "s", checked = "yesterday""#,
        r#"checked = "2026-01-31""#,
        r#"source = "s", checked = "2026-01-31", free = true"#,
        r#"source = "s", checked = "2026-01-31", aliases = ["m"]"#,
    ] {
        assert!(line(more).is_err(), "{more}");
    }
}

const LIST: &str = r#"{"openai":{"id":"openai","models":{
    "exact":{"cost":{"input":0.15,"output":0.6,"cache_read":0.075},"limit":{"context":128000,"output":16384}},
    "fine":{"cost":{"input":1e-7,"output":1}}, "unknown":{"cost":{"input":0,"output":0}}, "silent":{}}},
  "google":{"models":{"long":{"cost":{"input":1.25,"output":10,"context_over_200k":{"input":2.5,"output":15}}},
    "tiers":{"cost":{"input":2,"output":8,"tiers":[{"tier":{"size":272000},"input":4,"output":12}]}}}},
  "somebody":{"models":7}}"#;

#[test]
fn models_devs_figures_are_read_by_their_characters() {
    let fetched = models_dev::read(LIST.as_bytes()).unwrap();
    assert_eq!((fetched.list.len(), fetched.left_out), (3, vec!["openai/fine".to_owned()]));
    let exact = fetched.list.find(ProviderKind::Openai, "exact").unwrap();
    assert_eq!((exact.context_window, exact.max_output_tokens), (Some(128_000), Some(16_384)));
    assert_eq!(exact.price.cache_read_cost_per_m, Some(rate("0.075")));
    let begins = |model: &str| {
        let listing = fetched.list.find(ProviderKind::Gemini, model).unwrap();
        listing.price.context_tiers.iter().map(|tier| (tier.above_input_tokens, tier.input_cost_per_m)).next()
    };
    assert_eq!(begins("long"), Some((200_000, Some(rate("2.5")))));
    assert_eq!(begins("tiers"), Some((272_000, Some(rate("4")))));
}

#[test]
fn another_shape_is_no_list() {
    for text in [
        "",
        "[]",
        "{}",
        "<html>",
        r#"{"openai":{}}"#,
        r#"{"openai":{"models":[]}}"#,
        r#"{"openai":{"models":{"m":{"cost":{"input":1}}}}}"#,
        r#"{"openai":{"models":{"m":{"limit":{"context":"many"}}}}}"#,
        LIST.split_at(LIST.len() - 1).0,
    ] {
        assert!(models_dev::read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn what_the_list_cannot_say_stays_as_it_was() {
    let tier = |rate: &str, hour: Option<&str>| ContextTier {
        above_input_tokens: 200_000,
        input_cost_per_m: Some(rate.parse().unwrap()),
        cache_write_1h_cost_per_m: hour.map(|text| text.parse().unwrap()),
        ..ContextTier::default()
    };
    let known = Price {
        cache_read_cost_per_m: Some(rate("0.3")),
        cache_write_1h_cost_per_m: Some(rate("6")),
        search_fee_usd: "0.01".parse().unwrap(),
        service_tiers: serde_json::from_str(r#"{"priority":"2"}"#).unwrap(),
        context_tiers: vec![tier("6", Some("12"))],
        ..flat(3, 15)
    };
    let listed = Price { context_tiers: vec![tier("5", None)], ..flat(2, 10) };
    let price = completed(&listed, &known);
    let expected = Price {
        cache_read_cost_per_m: None,
        context_tiers: vec![tier("5", Some("12"))],
        ..Price { input_cost_per_m: Rate::from_row(2), output_cost_per_m: Rate::from_row(10), ..known.clone() }
    };
    assert_eq!(price, expected);
    assert_eq!(completed(&listed, &price), price, "once said, the list changes nothing");
    assert_eq!(completed(&listed, &Price::default()), listed);
}

#[test]
fn a_snapshot_that_costs_something_else_is_no_other_models_in_a_fetched_list() {
    let list =
        |names: &str| models_dev::read(format!(r#"{{"openai":{{"models":{{{names}}}}}}}"#).as_bytes()).unwrap().list;
    let cost = r#"{"cost":{"input":1,"output":2}}"#;
    let old = |list: PriceList| {
        list.excepting_as(PriceList::bundled()).find(ProviderKind::Openai, "gpt-4o-2024-05-13").is_some()
    };
    assert!(list(&format!(r#""gpt-4o":{cost}"#)).find(ProviderKind::Openai, "gpt-4o-2024-05-13").is_some());
    assert!(!old(list(&format!(r#""gpt-4o":{cost}"#))));
    assert!(old(list(&format!(r#""gpt-4o":{cost},"gpt-4o-2024-05-13":{cost}"#))));
}

fn flat(input: i64, output: i64) -> Price {
    let (input, output) = (Rate::from_row(input), Rate::from_row(output));
    Price { input_cost_per_m: input, output_cost_per_m: output, ..Price::default() }
}

#[test]
fn a_rate_that_appears_is_compared_with_the_one_it_replaces() {
    let old = Price { input_cost_per_m: rate("1"), output_cost_per_m: rate("2"), ..Price::default() };
    let cached = |text| Price { cache_read_cost_per_m: Some(rate(text)), ..old.clone() };
    assert_eq!(leap(&old, &cached("0.10")), None);
    let found = Leap { class: "cache_read", above_input_tokens: 0, from: rate("1"), to: rate("0.09") };
    assert_eq!(leap(&old, &cached("0.09")), Some(found));
    assert!(leap(&old, &cached("0")).is_some());
    let tier = ContextTier { above_input_tokens: 9, output_cost_per_m: Some(rate("21")), ..ContextTier::default() };
    let longer = Price { context_tiers: vec![tier], ..old.clone() };
    let found = leap(&old, &longer).unwrap();
    assert_eq!((found.class, found.above_input_tokens), ("output", 9));
    assert!(leap(&longer, &old).is_some());
}

proptest! {
    #[test]
    fn ten_times_is_allowed_and_more_is_not(from in 1_i64..1_000_000_000, to in 0_i64..100_000_000_000) {
        let far = i128::from(to) > 10 * i128::from(from) || i128::from(from) > 10 * i128::from(to);
        prop_assert_eq!(leap(&flat(from, 5), &flat(to, 5)).is_some(), far);
        prop_assert_eq!(leap(&flat(5, from), &flat(5, to)).is_some(), far);
        prop_assert_eq!(leap(&flat(to, 5), &flat(from, 5)).is_some(), far, "either way");
    }
}

//! Exports as figures, and figures beside the books.

use super::*;

const OPENAI_USAGE: &str = include_str!("../../../tests/fixtures/reconcile/openai_usage.json");
const OPENAI_COSTS: &str = include_str!("../../../tests/fixtures/reconcile/openai_costs.json");
const OPENAI_COSTS_CSV: &str = include_str!("../../../tests/fixtures/reconcile/openai_costs.csv");
const ANTHROPIC_USAGE: &str = include_str!("../../../tests/fixtures/reconcile/anthropic_usage.json");
const ANTHROPIC_COSTS: &str = include_str!("../../../tests/fixtures/reconcile/anthropic_costs.json");
const GENERIC: &str =
    "day,model,input_tokens,cached_tokens,output_tokens,cost_usd\r\n2026-11-24,\"m, \"\"x\"\"\",5,1,7,0.25\r\n";

/// Day, model, tokens (input, cached, output) and dollars.
type Told = (String, String, Option<(i64, i64, i64)>, Option<String>);

fn told(layout: Layout, text: &str) -> Vec<Told> {
    let figures = reading::read(layout, text).unwrap().figures.into_iter();
    let tokens = |it: Tokens| (it.input, it.cached, it.output);
    figures
        .map(|it| (it.day.to_string(), it.model, it.tokens.map(tokens), it.cost.map(|cost| cost.to_string())))
        .collect()
}

fn line(day: &str, model: &str, tokens: Option<(i64, i64, i64)>, cost: Option<&str>) -> Told {
    (day.to_owned(), model.to_owned(), tokens, cost.map(str::to_owned))
}

#[test]
fn every_layout_is_read() {
    let day = "2026-11-24";
    assert_eq!(told(Layout::Openai, OPENAI_USAGE), [line(day, "gpt-4o-mini-2024-07-18", Some((900, 100, 250)), None)]);
    let costs = [line(day, "gpt-4o-mini-2024-07-18", None, Some("0.0002925"))];
    assert_eq!(told(Layout::Openai, OPENAI_COSTS), costs);
    assert_eq!(told(Layout::Openai, OPENAI_COSTS_CSV), costs);
    let sonnet = "claude-sonnet-4-5-20250929";
    assert_eq!(told(Layout::Anthropic, ANTHROPIC_USAGE), [line(day, sonnet, Some((1_800, 200, 500)), None)]);
    assert_eq!(told(Layout::Anthropic, ANTHROPIC_COSTS), [line(day, sonnet, None, Some("1.2378912"))]);
    assert_eq!(told(Layout::Csv, GENERIC), [line(day, "m, \"x\"", Some((5, 1, 7)), Some("0.25"))]);
    let covered = reading::read(Layout::Openai, OPENAI_USAGE).unwrap();
    assert_eq!((covered.first.to_string(), covered.last.to_string()), (day.to_owned(), "2026-11-25".to_owned()));
}

#[test]
fn what_is_not_understood_is_named() {
    for (layout, text, words) in [
        (Layout::Csv, "", "is empty"),
        (Layout::Csv, "day,model\n2026-11-24,m\n", "no column input_tokens"),
        (Layout::Csv, &GENERIC.replace(",5,", ",-5,"), "input_tokens in line 2"),
        (Layout::Csv, &GENERIC.replace("0.25", "1,5"), ""),
        (Layout::Openai, &OPENAI_COSTS.replace("\"usd\"", "\"eur\""), "not in USD"),
        (Layout::Openai, "{}", "not the report"),
        (Layout::Anthropic, "day\n", "must be the JSON"),
    ] {
        match reading::read(layout, text) {
            Err(said) => assert!(said.contains(words), "{said}"),
            Ok(found) => assert!(words.is_empty(), "{found:?}"),
        }
    }
}

#[test]
fn amounts_are_exact() {
    let read = |text: &str, shift| reading::dollars(text, shift).map(|money| money.to_string());
    for (text, shift, shown) in [
        ("0.06", 0, "0.06"),
        ("6e-2", 0, "0.06"),
        ("123.78912", -2, "1.2378912"),
        ("-1.5E1", 0, "-15.00"),
        ("0.0000000000004", 0, "0"),
        ("0.0000000000005", 0, "0.000000000001"),
        ("0", 0, "0"),
        ("0.8958740000000000", 0, "0.895874"),
    ] {
        assert_eq!(read(text, shift).as_deref(), Ok(shown), "{text}");
    }
    for text in ["", "-", "1,5", "1e", "NaN", "1e999", "0x1"] {
        assert!(read(text, 0).is_err(), "{text:?}");
    }
}

#[test]
fn dated_models_are_the_same_model() {
    for (name, short) in [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("models/Gemini-2.5-flash", "gemini-2.5-flash"),
        ("o3", "o3"),
        ("20250929", "20250929"),
    ] {
        assert_eq!(canonical(name), short);
    }
}

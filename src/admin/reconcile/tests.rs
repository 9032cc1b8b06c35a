//! Exports as figures, and figures beside the books.

use super::*;

const OPENAI_USAGE: &str = include_str!("../../../tests/fixtures/reconcile/openai_usage.json");
const OPENAI_COSTS: &str = include_str!("../../../tests/fixtures/reconcile/openai_costs.json");
const OPENAI_COSTS_CSV: &str = include_str!("../../../tests/fixtures/reconcile/openai_costs.csv");
const ANTHROPIC_USAGE: &str = include_str!("../../../tests/fixtures/reconcile/anthropic_usage.json");
const ANTHROPIC_COSTS: &str = include_str!("../../../tests/fixtures/reconcile/anthropic_costs.json");
const ANTHROPIC_USAGE_CSV: &str = include_str!("../../../tests/fixtures/reconcile/anthropic_usage.csv");
const ANTHROPIC_COSTS_CSV: &str = include_str!("../../../tests/fixtures/reconcile/anthropic_costs.csv");
const GEMINI_JSON: &str = include_str!("../../../tests/fixtures/reconcile/gemini_billing.jsonl");
const GEMINI_CSV: &str = include_str!("../../../tests/fixtures/reconcile/gemini_billing.csv");
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
        (Layout::Anthropic, "usage_date_utc,model_version\n2026-11-24,m\n", "no column usage_input_tokens_no_cache"),
        (Layout::Gemini, &GEMINI_JSON.replace("USD", "EUR"), "not in USD"),
        (Layout::Gemini, &GEMINI_JSON.replace("34356", "34356.5"), "count of tokens"),
        (Layout::Gemini, "{\"service\": 1}", "not a usage cost export"),
        (Layout::Gemini, "a,b\n1,2\n", "no column usage_amount"),
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

#[test]
fn the_consoles_tables_are_read() {
    let (day, sonnet) = ("2026-11-24", "claude-sonnet-4-5-20250929");
    assert_eq!(told(Layout::Anthropic, ANTHROPIC_USAGE_CSV), [line(day, sonnet, Some((1_800, 200, 500)), None)]);
    let costs = [line(day, "-", None, Some("0.01")), line(day, "claude-sonnet-4-5", None, Some("1.24"))];
    assert_eq!(told(Layout::Anthropic, ANTHROPIC_COSTS_CSV), costs);
}

#[test]
fn of_googles_bill_nothing_is_dropped() {
    let day = "2026-11-24";
    let billed = [
        line(day, "credits", None, Some("-0.014")),
        line(day, "gemini-2.5-flash", Some((1_983_966, 40_000, 461_280)), Some("1.7495868")),
        line(day, "gemini-3.1-flash-lite-preview", Some((0, 0, 34_356)), Some("0.051534")),
        line(day, "sku:grounding with google search", None, Some("0.014")),
        line("2026-11-25", "gemini-2.5-flash", None, Some("0.0003")),
    ];
    for text in [GEMINI_JSON, GEMINI_CSV, &as_list(GEMINI_JSON)] {
        assert_eq!(told(Layout::Gemini, text), billed);
        let elsewhere = reading::read(Layout::Gemini, text).unwrap().elsewhere;
        let elsewhere: Vec<_> = elsewhere.iter().map(|(name, cost)| (name.as_str(), cost.to_string())).collect();
        assert_eq!(elsewhere, [("Cloud Storage", "1.25".to_owned()), ("Invoice", "-0.01".to_owned())]);
    }
}

fn as_list(lines: &str) -> String {
    format!("[{}]", lines.trim().lines().collect::<Vec<_>>().join(","))
}

#[test]
fn what_google_does_not_tell_apart_is_one_model_and_what_is_not_known_is_null() {
    let theirs = reading::read(Layout::Gemini, GEMINI_JSON).unwrap().figures;
    let charged = |day: &str, model: &str, output, cost: &str| Charged {
        day: day.parse().unwrap(),
        model: model.to_owned(),
        input: 0,
        cached: 0,
        output,
        cost: cost.parse().unwrap(),
    };
    let ours = vec![
        charged("2026-11-24", "gemini-3.1-flash-lite", 34_000, "0.051"),
        charged("2026-11-24", "gemini-3.1-flash-lite-preview-09-2026", 356, "0.000534"),
        charged("2026-11-25", "gemini-2.5-flash-001", 100, "0.0002"),
    ];
    let rows = rows(ours, theirs, Layout::Gemini);
    let find = |day: &str, model: &str| {
        rows.iter().find(|row| (row.day.to_string().as_str(), row.model.as_str()) == (day, model)).unwrap()
    };
    assert!(find("2026-11-24", "gemini-3.1-flash-lite").difference.is_nothing());
    let hours = &find("2026-11-25", "gemini-2.5-flash").difference;
    assert_eq!((hours.output_tokens, hours.cost_usd.unwrap().to_string()), (None, "0.0001".to_owned()));
    let search = find("2026-11-24", "sku:grounding with google search");
    assert!(search.unmapped && !search.difference.is_nothing());
    assert_eq!(rows.iter().filter(|row| row.unmapped).count(), 1);
}

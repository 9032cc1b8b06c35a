//! Every vendor's way of counting, and figures that cannot be.

use super::*;
use crate::dialect::members;

fn reading(body: &str) -> Reading {
    let [usage, x_groq] = members::read(body, &["usage", "x_groq"]).unwrap().values;
    Reading::of(usage, x_groq)
}

fn of(usage: &str) -> Reading {
    reading(&format!(r#"{{"usage":{usage}}}"#))
}

fn classes(input: u64, cache_read: u64, cache_write_5m: u64, output: u64, reasoning: u64) -> Reading {
    Reading::Figures(Usage {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h: 0,
        output,
        reasoning,
        ..Usage::default()
    })
}

#[test]
fn searches_are_told_in_four_ways() {
    for (told, searches) in [
        (r#""num_sources_used":4"#, 4),
        (r#""num_search_queries":2"#, 2),
        (r#""server_tool_use":{"web_search_requests":3}"#, 3),
        (r#""num_sources_used":0,"server_side_tool_usage_details":{"web_search_calls":1,"x_search_calls":2}"#, 3),
        (r#""num_sources_used":0"#, 0),
    ] {
        let usage = of(&format!(r#"{{"prompt_tokens":1,"completion_tokens":1,{told}}}"#));
        assert!(matches!(usage, Reading::Figures(usage) if usage.units.searches == searches), "{told}: {usage:?}");
    }
    let nonsense = of(r#"{"prompt_tokens":1,"completion_tokens":1,"num_search_queries":-1}"#);
    assert!(matches!(nonsense, Reading::Insane(_)));
}

#[test]
fn every_vendor_is_read_into_disjoint_classes() {
    for (usage, expected) in [
        (r#"{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}"#, classes(9, 0, 0, 4, 0)),
        (r#"{"prompt_tokens":0,"completion_tokens":0}"#, classes(0, 0, 0, 0, 0)),
        (
            r#"{"prompt_tokens":100,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30},
                "completion_tokens":20,"completion_tokens_details":{"reasoning_tokens":15},"total_tokens":120}"#,
            classes(10, 60, 30, 5, 15),
        ),
        (
            r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_cache_hit_tokens":7,"prompt_cache_miss_tokens":3}"#,
            classes(3, 7, 0, 2, 0),
        ),
        (r#"{"prompt_tokens":10,"completion_tokens":2,"cached_tokens":8}"#, classes(2, 8, 0, 2, 0)),
        (
            r#"{"prompt_tokens":10,"completion_tokens":2,"cached_tokens":8,"prompt_tokens_details":{"cached_tokens":0}}"#,
            classes(10, 0, 0, 2, 0),
        ),
        (
            r#"{"prompt_tokens":5,"completion_tokens":1,"total_tokens":34,"completion_tokens_details":{"reasoning_tokens":28}}"#,
            classes(5, 0, 0, 1, 28),
        ),
        (r#"{"prompt_tokens":5,"total_tokens":5}"#, classes(5, 0, 0, 0, 0)),
        (r#"{"prompt_tokens":5.0,"completion_tokens":1e1,"prompt_tokens_details":null}"#, classes(5, 0, 0, 10, 0)),
    ] {
        assert_eq!(of(usage), expected, "{usage}");
    }
}

#[test]
fn nothing_said_is_absent() {
    assert_eq!(reading("{}"), Reading::Absent);
    for usage in ["null", "{}", r#"{"total_tokens":null,"cost":1}"#] {
        assert_eq!(of(usage), Reading::Absent, "{usage}");
    }
}

#[test]
fn impossible_figures_are_named() {
    for usage in [
        "[1,2,3]",
        "\"12\"",
        r#"{"prompt_tokens":-1,"completion_tokens":1}"#,
        r#"{"prompt_tokens":1.5,"completion_tokens":1}"#,
        r#"{"prompt_tokens":"1","completion_tokens":1}"#,
        r#"{"prompt_tokens":100000001,"completion_tokens":1}"#,
        r#"{"prompt_tokens":1e400,"completion_tokens":1}"#,
        r#"{"prompt_tokens":1,"prompt_tokens":2,"completion_tokens":1}"#,
        r#"{"completion_tokens":1}"#,
        r#"{"prompt_tokens":1}"#,
        r#"{"prompt_tokens":1,"completion_tokens":1,"cached_tokens":2}"#,
        r#"{"prompt_tokens":1,"completion_tokens":1,"prompt_tokens_details":[1]}"#,
        r#"{"prompt_tokens":1,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":2}}"#,
    ] {
        assert!(matches!(of(usage), Reading::Insane(_)), "{usage}: {:?}", of(usage));
    }
}

#[test]
fn groq_counts_apart_when_usage_is_absent() {
    let apart = r#"{"prompt_tokens":3,"completion_tokens":4}"#;
    assert_eq!(reading(&format!(r#"{{"x_groq":{{"id":"r","usage":{apart}}}}}"#)), classes(3, 0, 0, 4, 0));
    assert_eq!(reading(&format!(r#"{{"usage":null,"x_groq":{{"usage":{apart}}}}}"#)), classes(3, 0, 0, 4, 0));
    let both = format!(r#"{{"usage":{{"prompt_tokens":1,"completion_tokens":1}},"x_groq":{{"usage":{apart}}}}}"#);
    assert_eq!(reading(&both), classes(1, 0, 0, 1, 0));
    assert_eq!(reading(r#"{"x_groq":{"id":"r"}}"#), Reading::Absent);
    assert_eq!(reading(r#"{"x_groq":"r"}"#), Reading::Absent);
}

#[test]
fn sound_and_pictures_are_classes_of_their_own() {
    let units = Units { audio_input: 30, image_input: 5, audio_output: 40, image_output: 2, ..Units::NONE };
    let usage = Usage { input: 5, cache_read: 60, output: 8, reasoning: 10, units, ..Usage::default() };
    let text = concat!(
        r#"{"prompt_tokens":100,"prompt_tokens_details":{"cached_tokens":60,"audio_tokens":30,"image_tokens":5},"#,
        r#""completion_tokens":60,"completion_tokens_details":{"reasoning_tokens":10,"audio_tokens":40,"#,
        r#""image_tokens":2},"total_tokens":160}"#
    );
    assert_eq!(of(text), Reading::Figures(usage));
    let written = serde_json::to_string(&Object::of(Reading::Figures(usage), None)).unwrap();
    assert_eq!(of(&written), Reading::Figures(usage), "{written}");
    assert!(written.contains(r#""total_tokens":160"#), "{written}");
    // Most of the sound was cached, and cached sound is billed as what is cached.
    let cached = r#"{"prompt_tokens":100,"completion_tokens":0,
        "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":90}}"#;
    let units = Units { audio_input: 40, ..Units::NONE };
    assert_eq!(of(cached), Reading::Figures(Usage { cache_read: 60, units, ..Usage::default() }));
    for details in [
        r#""prompt_tokens_details":{"audio_tokens":2}"#,
        r#""prompt_tokens_details":{"audio_tokens":1,"image_tokens":1}"#,
        r#""completion_tokens_details":{"audio_tokens":2}"#,
        r#""completion_tokens_details":{"audio_tokens":-1}"#,
    ] {
        let usage = format!(r#"{{"prompt_tokens":1,"completion_tokens":1,{details}}}"#);
        assert!(matches!(of(&usage), Reading::Insane(_)), "{usage}");
    }
}

//! Figures whole and in pieces, the way back, and figures that cannot be.

use super::*;

/// What several usage objects say together.
fn tally(objects: &[&str]) -> Tally {
    let mut tally = Tally::default();
    for object in objects {
        let whole = format!(r#"{{"usage":{object}}}"#);
        let [usage] = members::read(&whole, &["usage"]).unwrap().values;
        tally.take(usage);
    }
    tally
}

fn classes(input: u64, cache: [u64; 3], output: u64, reasoning: u64) -> Reading {
    let [cache_read, cache_write_5m, cache_write_1h] = cache;
    Reading::Figures(Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, ..Usage::default() })
}

#[test]
fn fast_mode_is_a_tier_whatever_the_tier_is_called() {
    for (speed, expected) in [(r#""fast""#, ServiceTier::Fast), (r#""standard""#, ServiceTier::Standard)] {
        let usage = format!(r#"{{"input_tokens":1,"output_tokens":1,"service_tier":"standard","speed":{speed}}}"#);
        assert_eq!(tally(&[&usage, r#"{"output_tokens":2}"#]).served(), Some(expected), "{speed}");
    }
}

#[test]
fn what_came_after_a_split_that_was_all_for_an_hour_is_so_too() {
    let split = r#"{"input_tokens":2,"cache_creation_input_tokens":3068,"output_tokens":69,
        "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":3068}}"#;
    let later = r#"{"cache_creation_input_tokens":3337,"output_tokens":198}"#;
    assert_eq!(tally(&[split, later]).reading(), classes(2, [0, 0, 3337], 198, 0));
}

#[test]
fn figures_are_read_into_disjoint_classes() {
    for (objects, expected) in [
        (vec![r#"{"input_tokens":9,"output_tokens":4}"#], classes(9, [0; 3], 4, 0)),
        (vec![r#"{"input_tokens":0,"output_tokens":0,"cache_read_input_tokens":null}"#], classes(0, [0; 3], 0, 0)),
        (
            vec![
                r#"{"input_tokens":2,"cache_read_input_tokens":5,"cache_creation_input_tokens":7,"output_tokens":20,
                "cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":3},
                "output_tokens_details":{"thinking_tokens":15}}"#,
            ],
            classes(2, [5, 4, 3], 5, 15),
        ),
        // The split without its total; the total without a split.
        (
            vec![
                r#"{"input_tokens":1,"output_tokens":1,
                "cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":3}}"#,
            ],
            classes(1, [0, 4, 3], 1, 0),
        ),
        (vec![r#"{"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":6}"#], classes(1, [0, 6, 0], 1, 0)),
        // A stale split: larger and smaller than the total.
        (
            vec![
                r#"{"input_tokens":2,"cache_creation_input_tokens":3068,"output_tokens":69,
                "cache_creation":{"ephemeral_5m_input_tokens":68,"ephemeral_1h_input_tokens":3000}}"#,
                r#"{"input_tokens":6,"cache_creation_input_tokens":3337,"cache_read_input_tokens":9,"output_tokens":198}"#,
            ],
            classes(6, [9, 337, 3000], 198, 0),
        ),
        (
            vec![
                r#"{"input_tokens":2,"cache_creation":{"ephemeral_1h_input_tokens":3000},"output_tokens":1}"#,
                r#"{"cache_creation_input_tokens":37,"output_tokens":2}"#,
            ],
            classes(2, [0, 0, 37], 2, 0),
        ),
        // Compactions are counted beside; other iterations stand in the figures already.
        (
            vec![
                r#"{"input_tokens":23,"output_tokens":1,"iterations":[
                {"type":"compaction","input_tokens":180,"output_tokens":3,"cache_read_input_tokens":7},
                {"type":"message","input_tokens":23,"output_tokens":1}]}"#,
                r#"{"output_tokens":2}"#,
            ],
            classes(203, [7, 0, 0], 5, 0),
        ),
        // Cache figures in the last object only; nulls replace nothing; an explicit zero does.
        (
            vec![
                r#"{"input_tokens":20,"output_tokens":1}"#,
                r#"{"input_tokens":0,"cache_read_input_tokens":20,"output_tokens":null}"#,
                "null",
            ],
            classes(0, [20, 0, 0], 1, 0),
        ),
    ] {
        assert_eq!(tally(&objects).reading(), expected, "{objects:?}");
    }
}

#[test]
fn nothing_said_is_absent_and_the_impossible_is_named() {
    for object in ["null", "{}", r#"{"service_tier":"standard"}"#] {
        assert_eq!(tally(&[object]).reading(), Reading::Absent);
    }
    for object in [
        "7",
        r#"{"input_tokens":-1,"output_tokens":1}"#,
        r#"{"input_tokens":1.5,"output_tokens":1}"#,
        r#"{"input_tokens":100000001,"output_tokens":1}"#,
        r#"{"input_tokens":1,"input_tokens":1,"output_tokens":1}"#,
        r#"{"input_tokens":1}"#,
        r#"{"input_tokens":1,"output_tokens":1,"iterations":[{"type":"compaction","input_tokens":-1}]}"#,
        r#"{"input_tokens":1,"output_tokens":1,"iterations":7}"#,
        r#"{"output_tokens":1}"#,
        r#"{"input_tokens":1,"output_tokens":1,"output_tokens_details":{"thinking_tokens":2}}"#,
        r#"{"input_tokens":1,"output_tokens":1,"cache_creation":3}"#,
    ] {
        assert!(matches!(tally(&[object]).reading(), Reading::Insane(_)), "{object}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    let usage = Usage {
        input: 1,
        cache_read: 2,
        cache_write_5m: 4,
        cache_write_1h: 8,
        output: 16,
        reasoning: 32,
        ..Usage::default()
    };
    let found = Units { searches: 2, ..Units::NONE };
    let found = Usage { output: 3, units: found, ..Usage::default() };
    for usage in [usage, Usage::default(), found] {
        let reading = Reading::Figures(usage);
        for (tier, back) in [(Some("default"), Some("default")), (Some("batch"), Some("batch")), (Some("flex"), None)] {
            let text = serde_json::to_string(&Figures::new(reading, tier, Some(r#"{"a":1}"#))).unwrap();
            let tally = tally(&[&text]);
            let tier = back.and_then(ServiceTier::of_provider).unwrap_or_default();
            assert_eq!((tally.reading(), tally.tier()), (Reading::Figures(Usage { tier, ..usage }), back));
            assert!(text.ends_with(r#","farthing":{"a":1}}"#), "{text}");
        }
    }
}

#[test]
fn searches_are_cumulative_and_what_has_no_place_is_input() {
    let units = |searches| Units { searches, ..Units::NONE };
    let begin =
        r#"{"input_tokens":5,"output_tokens":1,"service_tier":"priority","server_tool_use":{"web_search_requests":1}}"#;
    let end = r#"{"output_tokens":9,"server_tool_use":{"web_search_requests":3,"web_fetch_requests":1}}"#;
    let usage = Usage { input: 5, output: 9, units: units(3), tier: ServiceTier::Priority, ..Usage::default() };
    assert_eq!(tally(&[begin, end]).reading(), Reading::Figures(usage));
    let wrong = r#"{"input_tokens":5,"output_tokens":1,"server_tool_use":{"web_search_requests":-1}}"#;
    assert!(matches!(tally(&[wrong]).reading(), Reading::Insane(_)));
    let heard = Usage { input: 5, units: Units { audio_input: 7, ..Units::NONE }, ..Usage::default() };
    let text = serde_json::to_string(&Figures::new(Reading::Figures(heard), None, None)).unwrap();
    assert!(text.starts_with(r#"{"input_tokens":12,"#), "{text}");
}

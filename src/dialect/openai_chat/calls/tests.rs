//! Fragments find their calls.

use super::*;
use crate::dialect::canonical::{Part, PartKind};
use crate::dialect::openai_chat::parts::gather;

/// The calls that deltas add up to: id, name, arguments. Each delta is a list of entries.
fn calls(deltas: &[&str]) -> Vec<(String, String, String)> {
    let (mut calls, mut found) = (Calls::default(), Vec::new());
    for delta in deltas {
        let text = format!(r#"{{"tool_calls":{delta}}}"#);
        let [list] = members::read(&text, &["tool_calls"]).unwrap().present();
        calls.read(list, None, None, &mut found);
    }
    let call = |part: Part| match part.kind {
        PartKind::ToolCall(call) => (call.id, call.name, call.arguments),
        kind => panic!("{kind:?}"),
    };
    gather(found).into_iter().map(call).collect()
}

fn named(id: &str, name: &str, arguments: &str) -> String {
    format!(r#"[{{"id":"{id}","function":{{"name":"{name}","arguments":"{arguments}"}}}}]"#)
}

#[test]
fn fragments_go_where_their_index_says() {
    let found = calls(&[
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":""}},{"index":1,"id":"b","function":{"name":"g"}}]"#,
        r#"[{"index":1,"function":{"arguments":"{\"x\""}},{"index":0,"function":{"arguments":"{"}}]"#,
        r#"[{"index":0,"id":"","function":{"name":"","arguments":"}"}},{"index":1,"id":null,"function":{"name":null,"arguments":":1}"}}]"#,
    ]);
    assert_eq!(found, [("a".into(), "f".into(), "{}".into()), ("b".into(), "g".into(), "{\"x\":1}".into())]);
}

#[test]
fn calls_without_ids_or_indexes_are_never_merged() {
    let same = r#"[{"index":0,"id":"","function":{"name":"f","arguments":"{}"}}]"#;
    for deltas in [
        vec![named("", "f", "{}"), named("", "f", "{}")],
        vec![same.to_owned(), same.to_owned()],
        vec![named("a", "f", "{}"), named("b", "f", "{}")],
        vec![same.replace("\"\"", "\"a\""), same.replace("\"\"", "\"b\"")],
    ] {
        let found = calls(&deltas.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(found.len(), 2, "{deltas:?}");
        assert!(found.iter().all(|call| !call.0.is_empty() && call.2 == "{}") && found[0].0 != found[1].0);
    }
}

#[test]
fn a_name_may_come_late_or_again() {
    let late = calls(&[
        r#"[{"index":0,"id":"a","function":{"arguments":"{"}}]"#,
        r#"[{"index":0,"function":{"name":"f","arguments":"}"}}]"#,
    ]);
    assert_eq!(late, [("a".into(), "f".into(), "{}".into())]);
    let again = r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"1"}}]"#;
    assert_eq!(calls(&[again, again]), [("a".into(), "f".into(), "11".into())]);
    let open = r#"[{"index":0,"function":{"name":"f","arguments":"{"}}]"#;
    assert_eq!(
        calls(&[open, &open.replace('{', "}").replacen('}', "{", 2)]).len(),
        1,
        "the same name while one is open"
    );
    assert!(calls(&[r#"[{"index":0,"id":"a"}]"#, "[7]", "7"]).is_empty(), "a call without a name is none");
}

#[test]
fn fragments_without_index_go_on_with_the_last() {
    let more = r#"[{"function":{"arguments":"}"}}]"#;
    assert_eq!(calls(&[&named("a", "f", "{"), more]), [("a".into(), "f".into(), "{}".into())]);
}

#[test]
fn signatures_and_objects_are_kept() {
    let text = r#"[{"id":"a","extra_content":{"google":{"thought_signature":"s"}},"function":{"name":"f","arguments":{"x": 1}}}]"#;
    let mut found = Vec::new();
    let body = format!(r#"{{"tool_calls":{text}}}"#);
    let [list] = members::read(&body, &["tool_calls"]).unwrap().present();
    Calls::default().read(list, None, None, &mut found);
    assert!(matches!(&found[0], Piece::ToolCall { signature: Some(signature), .. } if signature == "s"));
    assert!(matches!(&found[1], Piece::Arguments { text, .. } if text == r#"{"x": 1}"#));
}

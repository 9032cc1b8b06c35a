//! Seals go out and come back, wherever they came from.

use super::*;

fn sealed(text: &str, signature: Option<&str>, sealed: Option<&str>, id: Option<&str>) -> Reasoning {
    let own = |text: Option<&str>| text.map(ToOwned::to_owned);
    Reasoning { text: text.into(), signature: own(signature), sealed: own(sealed), id: own(id) }
}

#[test]
fn a_providers_entries_return_whole() {
    let details = json!([
        {"type": "reasoning.text", "text": "a", "signature": "s", "format": "anthropic-claude-v1", "index": 0, "id": null},
        {"type": "reasoning.summary", "summary": "b", "format": "openai-responses-v1", "index": 1},
        {"type": "reasoning.encrypted", "data": "x", "id": "rs_1", "format": "openai-responses-v1", "index": 2},
    ]);
    let message = json!({"reasoning": "ab", "reasoning_content": "ab", "reasoning_details": details}).to_string();
    let thoughts = read(&message);
    let texts: Vec<_> = thoughts.iter().map(|thought| (thought.text.as_str(), thought.id.as_deref())).collect();
    assert_eq!(texts, [("a", None), ("b", Some("rs_1"))], "text under several names counts once");
    let seals = [thoughts[0].signature.as_deref(), thoughts[1].sealed.as_deref()];
    assert!(seals.into_iter().flatten().filter(|seal| is_seal(seal)).count() == 2);
    let returned = returned(&thoughts);
    assert_eq!(returned.content, None);
    assert_eq!(returned.details, [details[0].clone(), details[2].clone()]);
}

#[test]
fn other_dialects_seals_return_through_a_chat_client() {
    for thoughts in [
        vec![sealed("a", Some("sig"), None, None)],
        vec![sealed("a", Some("sig"), None, None), sealed("", None, Some("redacted"), None)],
        vec![sealed("summary", None, Some("enc"), Some("rs_1")), sealed("", None, Some("enc"), Some("rs_2"))],
        vec![sealed("", Some("sig"), None, None)],
    ] {
        let entries = told(&thoughts.iter().collect::<Vec<_>>(), 0);
        let text: String = thoughts.iter().map(|thought| thought.text.as_str()).collect();
        let message = json!({"reasoning_content": text, "reasoning_details": entries}).to_string();
        assert_eq!(read(&message), thoughts);
        assert!(returned(&thoughts).details.is_empty(), "no provider of chat gave them");
    }
    assert!(told(&[&sealed("a", None, None, None)], 0).is_empty(), "without a seal the text alone is told");
}

#[test]
fn plain_thinking_returns_under_its_name() {
    let thoughts: Vec<_> = parts::gather([Piece::Reasoning("a".into()), plain_seal()])
        .into_iter()
        .filter_map(|part: Part| match part.kind {
            PartKind::Reasoning(thought) => Some(thought),
            _ => None,
        })
        .collect();
    let returned = returned(&thoughts);
    assert_eq!((returned.content.as_deref(), returned.details.len()), (Some("a"), 0));
    assert!(is_plain(r#"{"reasoning_content":"a"}"#));
    assert!(!is_plain(r#"{"reasoning":"a","reasoning_content":""}"#) && !is_plain(r#"{"reasoning_content":null}"#));
}

#[test]
fn odd_members_say_nothing() {
    for message in [
        "{}",
        r#"{"reasoning":null,"reasoning_content":""}"#,
        r#"{"reasoning":{"a":1},"reasoning_details":"x"}"#,
        r#"{"reasoning_details":[1,null,{"type":"reasoning.text"}]}"#,
        "[]",
    ] {
        assert!(pieces(message).is_empty(), "{message}");
    }
    for seal in ["", "sig", "eyJ4IjoxfQ==", "bm8="] {
        assert!(!is_seal(seal), "{seal}");
    }
}

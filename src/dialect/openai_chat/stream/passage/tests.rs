//! What passes, what waits for the tail, how streams end and how they fail.

use proptest::prelude::*;

use super::*;
use crate::dialect::passage::{Passage, StreamEnd};

const HELLO: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hé\"},\"finish_reason\":null}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n";
const END: &str = "data: [DONE]\n\n";

/// Relays parts as chunks; gives the stream and what passed.
fn relay(client_wants_usage: bool, parts: &[&str]) -> (ChatStream, String) {
    let mut stream = ChatStream::new(client_wants_usage);
    let passed = parts.iter().map(|part| text(&stream.push(Bytes::from((*part).to_owned())).unwrap())).collect();
    (stream, passed)
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn fault(body: &str) -> (StreamFault, String) {
    let mut stream = ChatStream::new(true);
    let fault = stream.push(Bytes::from(body.to_owned())).unwrap_err();
    assert_eq!(stream.push(Bytes::from_static(b"data: {}\n\n")), Ok(Bytes::new()), "nothing follows a fault");
    assert_eq!(stream.finish(), StreamEnd::Cut);
    (fault, text(&stream.rest()))
}

#[test]
fn the_usage_chunk_waits_for_the_tail() {
    for wanted in [true, false] {
        let (mut stream, passed) = relay(wanted, &[&[HELLO, STOP, USAGE, END].concat()]);
        assert_eq!(passed, [HELLO, STOP].concat());
        assert!(stream.is_done());
        assert!(matches!(stream.usage(), Reading::Figures(usage) if usage.total() == 4));
        assert_eq!(stream.seen(), Seen { events: 1, text_bytes: 3, tier: None });
        assert_eq!(stream.finish(), StreamEnd::Complete);
        let spliced = USAGE.replace("1}}", "1},\"farthing\":{\"cost\":1}}");
        let tail = if wanted { spliced + END } else { END.to_owned() };
        assert_eq!(text(&stream.tail(Some("{\"cost\":1}"))), tail);
    }
    let (mut stream, _) = relay(true, &[HELLO, STOP, USAGE, END]);
    assert_eq!(text(&stream.tail(None)), [USAGE, END].concat());
    assert_eq!(text(&stream.tail(None)), END, "the usage chunk is given once");
}

#[test]
fn whole_chunks_pass_uncopied() {
    let chunk = Bytes::from([HELLO, ": note\n\n", STOP].concat());
    let passed = ChatStream::new(false).push(chunk.clone()).unwrap();
    assert_eq!((passed.as_ptr(), passed.len()), (chunk.as_ptr(), chunk.len()));
}

#[test]
fn usage_beside_a_choice_passes_as_sent() {
    let last = STOP.replace("}]}", "}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}");
    let (mut stream, passed) = relay(false, &[HELLO, &last, END]);
    assert_eq!(passed, [HELLO, &last].concat());
    assert!(matches!(stream.usage(), Reading::Figures(usage) if usage.total() == 7));
    assert_eq!(text(&stream.tail(Some("{}"))), END);
}

#[test]
fn usage_beside_the_last_choice_waits_for_the_bill_where_it_was_asked_for() {
    let last = STOP.replace("}]}", "}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}");
    let billed = |event: &str| event.replace("}}\n", "},\"farthing\":{}}\n");
    let (mut stream, passed) = relay(true, &[HELLO, &last, END]);
    assert_eq!(passed, HELLO);
    assert_eq!(text(&stream.tail(Some("{}"))), [&billed(&last), END].concat());
    // One that is repeated alone loses nobody the choice before it.
    let (mut stream, passed) = relay(true, &[HELLO, &last, USAGE, END]);
    assert_eq!(passed, HELLO);
    assert_eq!(text(&stream.tail(Some("{}"))), [&last, &billed(USAGE), END].concat());
    // Where usage stands in every chunk, only the last waits.
    let each = HELLO.replace("}]}", "}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}");
    assert_eq!(relay(true, &[&each, &last, END]).1, each);
}

#[test]
fn what_failed_may_tell_what_it_cost() {
    let failed = "data: {\"choices\":[{\"delta\":{}}],\"error\":{\"message\":\"m\"},\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n";
    let mut stream = ChatStream::new(true);
    assert!(matches!(stream.push(Bytes::from(failed)), Err(StreamFault::UpstreamError(_))));
    assert!(matches!(stream.usage(), Reading::Figures(usage) if usage.total() == 7));
}

#[test]
fn the_end_is_judged_by_marker_or_reasons() {
    let second = STOP.replace("\"index\":0", "\"index\":1");
    let begun = HELLO.replace("\"index\":0", "\"index\": 1");
    for (parts, end) in [
        (vec![HELLO, END], StreamEnd::Complete),
        (vec![HELLO, STOP], StreamEnd::Complete),
        (vec![HELLO, "data: [DONE]"], StreamEnd::Complete),
        (vec![HELLO, STOP.trim_end()], StreamEnd::Complete),
        (vec![HELLO, &begun, STOP], StreamEnd::Cut),
        (vec![HELLO, &begun, STOP, &second], StreamEnd::Complete),
        (vec![HELLO], StreamEnd::Cut),
        (vec![HELLO, "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\""], StreamEnd::Cut),
        (vec![], StreamEnd::Cut),
        (vec!["<html><body>502"], StreamEnd::Cut),
    ] {
        assert_eq!(relay(false, &parts).0.finish(), end, "{parts:?}");
    }
}

#[test]
fn a_last_chunk_without_its_blank_line_is_not_lost() {
    let (mut stream, _) = relay(true, &[HELLO, STOP.trim_end()]);
    stream.finish();
    assert_eq!(text(&stream.tail(None)), [STOP, END].concat());
    let (mut stream, _) = relay(true, &[HELLO, STOP, USAGE.trim_end()]);
    stream.finish();
    assert_eq!(text(&stream.tail(None)), [USAGE.trim_end(), END].concat().replace("}}data", "}}\n\ndata"));
}

#[test]
fn errors_within_the_stream_are_not_forwarded() {
    for error in [
        "event: error\ndata: {\"error\":{\"message\":\"no\",\"code\":7}}\n\n",
        "data: {\"choices\":[{\"finish_reason\":\"error\"}],\ndata: \"error\" : {\"message\":\"no\",\"code\":\"7\"}}\r\n\r\n",
        "{\"error\":{\"message\":\"no\",\"code\":7}}\n\n",
    ] {
        let (fault, rest) = fault(&[HELLO, error, HELLO].concat());
        let words = UpstreamWords { message: "no".into(), kind: None, param: None, code: Some("7".into()) };
        assert_eq!((fault, rest.as_str()), (StreamFault::UpstreamError(words), HELLO));
    }
    assert!(matches!(fault("{\"message\":{},\ndata: {}\n\n").0, StreamFault::Garbage(_)), "an answer, not a stream");
    let (bare, _) = fault("{\"error\":\"no\"}");
    assert!(matches!(bare, StreamFault::UpstreamError(words) if words.message == "no"));
}

#[test]
fn garbage_is_named_and_never_forwarded() {
    let long = format!("data: {{\"x\":\"{}\"}}\n\n", "x".repeat(1 << 20));
    for body in ["<html>\n\n<body>", "data: hello\n\n", "data: {\"a\":1\n\n", "data: {\"usage\":{}}}\n\n", &long] {
        let (fault, rest) = fault(&[HELLO, body].concat());
        let oversized = body.len() > 1 << 20;
        assert_eq!(matches!(fault, StreamFault::Oversized), oversized);
        assert_eq!(matches!(fault, StreamFault::Garbage(_)), !oversized);
        assert_eq!(rest, HELLO);
    }
}

#[test]
fn broken_utf8_passes_as_it_came() {
    let body = b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"},\"finish_reason\":\"stop\"}]}\n\n";
    let mut stream = ChatStream::new(false);
    assert_eq!(stream.push(Bytes::from_static(body)), Ok(Bytes::from_static(body)));
    assert_eq!(stream.finish(), StreamEnd::Complete);
}

proptest! {
    #[test]
    fn any_bytes_at_any_border_give_one_outcome(
        parts in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            prop::sample::select(vec![HELLO, STOP, USAGE, END, "\r", "\n", "data:", ": x\n\n", "{\"error\":1}", "data: {}"])
                .prop_map(|text| text.as_bytes().to_vec()),
        ], 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let body = Bytes::from(parts.concat());
        let cut = cut.index(body.len() + 1);
        let [whole, halves] = [vec![body.clone()], vec![body.slice(..cut), body.slice(cut..)]].map(|chunks| {
            let mut stream = ChatStream::new(true);
            let (mut passed, mut failed) = (Vec::new(), false);
            for chunk in chunks {
                let due = stream.push(chunk);
                failed |= due.is_err();
                passed.extend_from_slice(&due.unwrap_or_else(|_| stream.rest()));
            }
            (passed, failed, stream.finish(), stream.usage(), stream.seen(), stream.tail(None))
        });
        prop_assert_eq!(whole, halves);
    }
}

//! `ollama-chat`: recorded answers and streams of our own, however they are cut.

use bytes::Bytes;
use farthing::dialect::canonical::{Event, Stop};
use farthing::dialect::ollama_chat::{OllamaDecoder, reply};
use farthing::dialect::{Reading, StreamEnd, StreamFault};

use crate::recordings::{self, gathered, told};

const WIRE: &str = "ollama-chat";

/// Two lines of thinking and text, a call, an end.
pub(crate) const STREAM: &str = concat!(
    r#"{"model":"q","created_at":"2026-08-07T06:08:14Z","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}"#,
    "\n",
    r#"{"model":"q","message":{"role":"assistant","content":"one"},"done":false}"#,
    "\r\n\n",
    r#"{"model":"q","message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":[1]}}}]},"done":false}"#,
    "\n",
    r#"{"model":"q","message":{"content":"","tool_calls":[{"id":"c2","function":{"name":"g","arguments":{}}}]},"done":false}"#,
    "\n",
    r#"{"model":"q","message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":9,"eval_count":4}"#,
);

fn decode(name: &str, body: &Bytes) -> (Vec<Event>, Result<StreamEnd, StreamFault>) {
    recordings::decode_every_way(name, body, || Box::new(OllamaDecoder::new()))
}

#[test]
fn recorded_answers_are_read() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| !recording.stream) {
        assert!(reply::is_answer(&recording.body), "{}", recording.name);
        recording.check_usage(reply::usage(&recording.body));
        recording.check(&told(&reply::read(&recording.body).unwrap()));
    }
}

#[test]
fn recorded_streams_are_decoded() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| recording.stream) {
        let (events, end) = decode(&recording.name, &recording.body);
        assert_eq!(end, Ok(StreamEnd::Complete), "{}", recording.name);
        recording.check(&gathered(&events));
    }
}

#[test]
fn a_stream_is_lines_however_it_is_cut() {
    for ending in ["", "\n", "\n{\"what\":\"follows\"}\n"] {
        let (events, end) = decode("own", &Bytes::from(format!("{STREAM}{ending}")));
        let told = gathered(&events);
        assert_eq!((end, told.reasoning.as_str(), told.text.as_str()), (Ok(StreamEnd::Complete), "hm", "one"));
        assert_eq!(told.stop, Some(Stop::ToolCalls));
        let calls: Vec<_> = told.calls.iter().map(|(_, name, arguments)| (name.as_str(), arguments.as_str())).collect();
        assert_eq!(calls, [("f", r#"{"a":[1]}"#), ("g", "{}")]);
        assert_eq!((told.calls[0].0.is_empty(), told.calls[1].0.as_str()), (false, "c2"));
        assert!(matches!(told.usage, Some(Reading::Figures(usage)) if (usage.input, usage.output) == (9, 4)));
    }
}

#[test]
fn what_ends_a_stream_badly_is_told() {
    let (first, _) = STREAM.split_once('\n').unwrap();
    let body = |rest: &str| Bytes::from(format!("{first}\n{rest}"));
    assert_eq!(decode("cut", &body("")).1, Ok(StreamEnd::Cut));
    assert_eq!(decode("half", &body(r#"{"done":tr"#)).1, Ok(StreamEnd::Cut));
    let (events, end) = decode("error", &body("{\"error\":\"out of memory\"}\n"));
    assert!(matches!(&end, Err(StreamFault::UpstreamError(words)) if words.message == "out of memory"), "{end:?}");
    assert_eq!(gathered(&events).reasoning, "hm");
    for rubbish in ["<html>\n", "data: {}\n", "[1]\n"] {
        assert!(matches!(decode("rubbish", &body(rubbish)).1, Err(StreamFault::Garbage(_))), "{rubbish}");
    }
    let endless = Bytes::from(vec![b'x'; 1_100_000]);
    let pushed = farthing::dialect::passage::Decode::push(&mut OllamaDecoder::new(), &endless, &mut Vec::new());
    assert_eq!(pushed, Err(StreamFault::Oversized));
}

#[test]
fn figures_are_believed_only_if_they_can_be_true() {
    let usage = |figures: &str| reply::usage(format!(r#"{{"message":{{}},"done":true{figures}}}"#).as_bytes());
    assert!(matches!(usage(r#","prompt_eval_count":0,"eval_count":0"#), Reading::Figures(usage) if usage.total() == 0));
    // A prompt that was in the cache is not counted by some versions: nobody knows how long it was.
    assert_eq!(usage(r#","eval_count":4"#), Reading::Absent);
    assert_eq!(usage(""), Reading::Absent);
    for figures in [r#","prompt_eval_count":-1,"eval_count":2"#, r#","prompt_eval_count":1,"eval_count":1e12"#] {
        assert!(matches!(usage(figures), Reading::Insane(_)), "{figures}");
    }
    assert!(
        !reply::is_answer(br#"{"error":"model not found"}"#) && !reply::is_answer(b"[]") && !reply::is_answer(b"<p>")
    );
}

//! Bodies for Bedrock, and its binary messages in every cut.

use super::*;

/// A message as the documentation of Amazon's event stream encoding lays it out.
fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap());
        head.extend_from_slice(name.as_bytes());
        head.push(7);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let length = u32::try_from(OVERHEAD + head.len() + payload.len()).unwrap();
    let mut bytes = [length.to_be_bytes(), u32::try_from(head.len()).unwrap().to_be_bytes()].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(payload.as_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

fn chunk(event: &str) -> Vec<u8> {
    let payload = format!(r#"{{"bytes":"{}","p":"abcdef"}}"#, STANDARD.encode(event));
    message(&[(":event-type", "chunk"), (":message-type", "event")], &payload)
}

#[test]
fn what_stands_in_the_path_is_taken_out_and_nothing_else() {
    let body = r#"{ "model":"m","max_tokens":1e2, "odd":{"b":1,"a":2},"stream":true}"#;
    let told = enclose(body.as_bytes(), Some("a-1, b-2"));
    let expected = r#"{"max_tokens":1e2,"odd":{"b":1,"a":2},"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a-1","b-2"]}"#;
    assert_eq!(told, expected);
    let own = br#"{"anthropic_version":"x"}"#;
    assert_eq!(enclose(own, None), &own[..]);
}

#[test]
fn messages_become_events_however_they_are_cut() {
    let exception = message(&[(":exception-type", "throttlingException")], r#"{"message":"slow \"down\""}"#);
    let stream = [chunk(r#"{"type":"ping"}"#), chunk(r#"{"type":"message_stop"}"#), exception].concat();
    let expected = "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n\
        event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow \\\"down\\\"\"}}\n\n";
    for cut in 0..=stream.len() {
        let mut opener = Opener::default();
        let (first, second) = stream.split_at(cut);
        let opened = [opener.open(first).unwrap(), opener.open(second).unwrap()].concat();
        assert_eq!(String::from_utf8(opened).unwrap(), expected, "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_is_noticed() {
    let good = chunk(r#"{"type":"ping"}"#);
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        assert!(Opener::default().open(&bad).is_err(), "bit at {place}");
    }
    assert!(Opener::default().open(b"<html>no event stream</html>").is_err());
}

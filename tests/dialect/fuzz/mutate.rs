//! Mutations: a good input made worse, as bytes, as JSON and as a stream of events.
//! Owns what providers and clients get wrong. Refuses to know what is right afterwards.

use serde_json::{Map, Value, json};

use super::random::Random;

/// Pieces that readers trip over, wherever they stand.
const SHARDS: &[&[u8]] = &[
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\r",
    b"\n",
    b"\n\n",
    b"\r\r",
    b"\r\n\r\n",
    b"data: ",
    b"data:[DONE]\n\n",
    b"event: error\n",
    b": comment\n\n",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"{\"error\":{\"message\":\"no\"}}",
    b"<!doctype html><html><body>502</body></html>\n",
];

/// Changes bytes at up to a few places.
pub(crate) fn bytes(random: &mut Random, text: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(40)).min(text.len());
        match random.below(7) {
            0 if at < text.len() => text[at] ^= 1 << random.below(8),
            1 => drop(text.splice(at..at, random.of(SHARDS).iter().copied())),
            2 => drop(text.drain(at..end)),
            3 => text.truncate(at),
            4 => {
                let again = text[at..end].to_vec();
                drop(text.splice(at..at, again));
            }
            5 => drop(text.splice(at..end, random.of(SHARDS).iter().copied())),
            _ => {
                let noise: Vec<u8> = (0..random.below(20)).map(|_| random.byte()).collect();
                drop(text.splice(at..at, noise));
            }
        }
    }
}

/// Changes a document at up to a few places; `words` are values of other documents.
pub(crate) fn document(random: &mut Random, document: &mut Value, words: &[Value]) {
    for _ in 0..=random.below(3) {
        let place = random.below(size(document));
        let node = node(document, &mut { place }).unwrap();
        change(random, node, words);
    }
}

fn change(random: &mut Random, node: &mut Value, words: &[Value]) {
    match (random.below(4), &mut *node) {
        (0, Value::Object(members)) => members_of(random, members, words),
        (0, Value::Array(list)) => elements_of(random, list),
        (1, Value::Number(_)) => *node = number(random),
        (1, Value::String(text)) => *node = text_like(random, text),
        (2, _) => *node = random.of(words).clone(),
        _ => *node = odd(random),
    }
}

fn members_of(random: &mut Random, members: &mut Map<String, Value>, words: &[Value]) {
    let names: Vec<String> = members.keys().cloned().collect();
    let name = if names.is_empty() { "x".to_owned() } else { random.of(&names).clone() };
    match random.below(4) {
        0 => drop(members.remove(&name)),
        1 => drop(members.insert(format!("{name}_x"), json!(1))),
        2 => {
            let value = members.remove(&name).unwrap_or(Value::Null);
            members.insert(random.of(&names_of(words)).clone(), value);
        }
        _ => drop(members.insert(name, random.of(words).clone())),
    }
}

fn names_of(words: &[Value]) -> Vec<String> {
    words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

fn elements_of(random: &mut Random, list: &mut Vec<Value>) {
    let at = random.below(list.len());
    let Some(element) = list.get(at).cloned() else { return list.push(odd(random)) };
    match random.below(4) {
        0 => drop(list.remove(at)),
        1 => list.insert(at, element),
        2 => list.reverse(),
        _ => list.extend(std::iter::repeat_n(element, random.below(200))),
    }
}

fn number(random: &mut Random) -> Value {
    let all = [json!(0), json!(-1), json!(1), json!(0.5), json!(1e300), json!(u64::MAX), json!(i64::MIN)];
    if random.once_in(2) { json!(random.below(300)) } else { random.of(&all).clone() }
}

fn text_like(random: &mut Random, text: &str) -> Value {
    let all =
        ["", " ", "\u{0}", "\u{1f980}", "\u{2028}\r\n\n", "null", "{}", "data:;base64,", "farthing_", "farthing:"];
    match random.below(5) {
        0 => json!(format!("{text}{}", random.of(&all))),
        1 => json!(text.chars().rev().collect::<String>()),
        2 => json!(text.repeat(random.below(60))),
        3 => json!(text.to_uppercase()),
        _ => json!(random.of(&all)),
    }
}

fn odd(random: &mut Random) -> Value {
    match random.below(10) {
        0 => Value::Null,
        1 => json!(random.once_in(2)),
        2 => number(random),
        3 => json!(""),
        4 => json!([]),
        5 => json!({}),
        6 => (0..random.below(200)).fold(json!(1), |inner, _| json!([inner])),
        7 => json!("x".repeat(random.below(5_000))),
        8 => json!([null, {}]),
        _ => json!({"type": "text", "text": "x"}),
    }
}

/// How many values a document has, itself included.
pub(crate) fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}

/// The value at `place`, in order of reading.
fn node<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(list) => list.iter_mut().find_map(|value| node(value, place)),
        Value::Object(members) => members.values_mut().find_map(|value| node(value, place)),
        _ => None,
    }
}

/// Every value inside `value`, small ones only.
pub(crate) fn gather(value: &Value, words: &mut Vec<Value>) {
    if size(value) < 8 {
        words.push(value.clone());
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| gather(value, words)),
        Value::Object(members) => {
            words.extend(members.keys().map(|name| json!(name)));
            members.values().for_each(|value| gather(value, words));
        }
        _ => {}
    }
}

/// Changes the order and number of events, and what stands in them.
pub(crate) fn events(random: &mut Random, events: &mut Vec<Vec<u8>>, others: &[Vec<u8>], words: &[Value]) {
    for _ in 0..=random.below(3) {
        let at = random.below(events.len());
        match random.below(8) {
            0 if !events.is_empty() => drop(events.remove(at)),
            1 if !events.is_empty() => events.insert(at, events[at].clone()),
            2 if !events.is_empty() => {
                let other = random.below(events.len());
                events.swap(at, other);
            }
            3 => events.insert(at, random.of(others).clone()),
            4 => events.truncate(at),
            _ if !events.is_empty() => inside(random, &mut events[at], words),
            _ => events.push(random.of(others).clone()),
        }
    }
}

/// Changes the JSON in an event, or its bytes where it has none.
fn inside(random: &mut Random, event: &mut Vec<u8>, words: &[Value]) {
    let span = event.iter().position(|byte| *byte == b'{').zip(event.iter().rposition(|byte| *byte == b'}'));
    let json = span.and_then(|(start, end)| serde_json::from_slice::<Value>(event.get(start..=end)?).ok());
    match (span, json) {
        (Some((start, end)), Some(mut json)) => {
            document(random, &mut json, words);
            drop(event.splice(start..=end, json.to_string().into_bytes()));
        }
        _ => bytes(random, event),
    }
}

/// Writes the events in another framing: line ends, spaces, comments, data in several lines, an early end.
pub(crate) fn framing(random: &mut Random, stream: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(stream).into_owned();
    let framed = match random.below(9) {
        0 => text.replace('\n', "\r\n"),
        1 => text.replace('\n', "\r"),
        2 => text.replace("data: ", "data:"),
        3 => text.replace("\n\n", "\n\n: ping\n\n"),
        4 => text.replace(",\"", ",\ndata: \""),
        5 => format!("\u{feff}{text}"),
        6 => text.replace("\n\n", "\n\n\n\n"),
        7 => format!("  \n{text}"),
        _ => format!("id: 1\nretry: 5\n{text}"),
    };
    framed.into_bytes()
}

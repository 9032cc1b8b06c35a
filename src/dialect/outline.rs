//! The outline of a conversation: what routing may look at, found without reading the rest into values.
//! Owns what makes two requests parts of one conversation. Refuses to fail: what cannot be found is absent.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;
use serde_json::value::RawValue;

use super::members;
use super::request::Request;

/// A conversation, as far as routing looks at it.
#[derive(Debug, Default)]
pub struct Outline {
    /// The same for every request of the conversation; `None` where nothing tells.
    pub conversation: Option<u64>,
    /// Whether it depends on what the provider stores, or has the provider store it: then only the key tells where that is.
    pub stored: bool,
    /// Whether it offers tools.
    pub tools: bool,
    /// What the user said last.
    pub said: String,
    /// The same in small letters.
    pub last: String,
}

/// The members that matter: what was said, what stands before it, what is offered, and what the client calls it.
const MEMBERS: [&str; 11] = [
    "messages",
    "input",
    "contents",
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
    "tools",
    "functions",
    "prompt_cache_key",
    "store",
];

impl Outline {
    /// Of a request in whichever dialect.
    pub fn of(request: &Request) -> Self {
        match request {
            Request::Chat(_) | Request::Responses(_) | Request::Messages(_) | Request::Gemini(..) => {
                let stores = matches!(request, Request::Responses(_));
                std::str::from_utf8(request.body()).ok().and_then(|body| read(body, stores)).unwrap_or_default()
            }
            Request::Completion(_) | Request::Plain(_) | Request::Embed(_) => Self::default(),
        }
    }
}

/// `stores` if a request of the dialect has its answer stored unless it says otherwise.
fn read(body: &str, stores: bool) -> Option<Outline> {
    let [messages, input, contents, before @ .., tools, functions, name, store] =
        members::read(body, &MEMBERS).ok()?.present();
    let said = messages.or(input).or(contents)?.text;
    let before: Vec<_> = before.iter().flatten().map(|member| member.text).collect();
    let messages: Vec<&RawValue> = serde_json::from_str(said).unwrap_or_default();
    let first = messages.iter().position(|message| is_users(message)).map_or(messages.len(), |at| at + 1);
    let mut hasher = DefaultHasher::new();
    match name.and_then(|name| name.string()) {
        Some(name) => name.hash(&mut hasher),
        None if messages.is_empty() => (&before, said).hash(&mut hasher),
        None => {
            before.hash(&mut hasher);
            messages.iter().take(first).for_each(|message| message.get().hash(&mut hasher));
        }
    }
    let last = messages.iter().rfind(|message| is_users(message)).map_or(said, |message| message.get());
    let said = words(last);
    Some(Outline {
        conversation: Some(hasher.finish()),
        stored: stores && store.is_none_or(|store| store.text != "false"),
        tools: [tools, functions].into_iter().flatten().any(|list| is_full(list.text)),
        last: said.to_lowercase(),
        said,
    })
}

/// Whether a list has anything in it.
fn is_full(list: &str) -> bool {
    serde_json::from_str::<Vec<&RawValue>>(list).is_ok_and(|items| !items.is_empty())
}

/// Gemini's first message may go without a role; it is the user's then.
fn is_users(message: &RawValue) -> bool {
    let Ok(found) = members::read(message.get(), &["role"]) else { return true };
    let [role] = found.present();
    role.is_none_or(|role| role.text == "\"user\"")
}

/// The words of a message or of what stands for one, without its markup.
fn words(message: &str) -> String {
    let mut text = String::new();
    collect(&serde_json::from_str(message).unwrap_or_default(), &mut text, 0);
    text
}

fn collect(value: &Value, text: &mut String, depth: usize) {
    // Content in parts in a message: nothing that a client writes itself is deeper.
    if depth > 4 {
        return;
    }
    match value {
        Value::String(words) => {
            text.push_str(words);
            text.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, text, depth + 1)),
        Value::Object(members) => {
            let wanted = ["content", "parts", "text"].iter().filter_map(|name| members.get(*name));
            wanted.for_each(|inside| collect(inside, text, depth + 1));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(messages: &str, rest: &str) -> Outline {
        read(&format!(r#"{{"model":"m","messages":[{messages}]{rest}}}"#), false).unwrap()
    }

    const HELLO: &str = r#"{"role":"system","content":"be brief"},{"role":"user","content":"Hello"}"#;

    #[test]
    fn a_conversation_is_known_by_its_beginning_or_its_name() {
        let begun = chat(HELLO, "").conversation;
        let further =
            format!(r#"{HELLO},{{"role":"assistant","content":"Hi"}},{{"role":"user","content":"A REFUND, please"}}"#);
        let later = chat(&further, r#","temperature":1"#);
        assert_eq!((later.conversation, later.last.trim()), (begun, "a refund, please"));
        assert_ne!(chat(&HELLO.replace("Hello", "Hullo"), "").conversation, begun);
        assert_ne!(chat(&HELLO.replace("brief", "long"), "").conversation, begun);
        let named = |messages: &str| chat(messages, r#","prompt_cache_key":"x""#).conversation;
        assert_eq!(named(HELLO), named(&HELLO.replace("Hello", "Hullo")));
        assert_ne!(named(HELLO), begun);
    }

    #[test]
    fn every_dialects_words_are_found() {
        for (body, words) in [
            (r#"{"input":"Just Text"}"#, "just text"),
            (
                r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"One"},{"type":"input_text","text":"Two"}]}]}"#,
                "one\ntwo",
            ),
            (r#"{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"Claude"}]}]}"#, "claude"),
            (r#"{"contents":[{"parts":[{"text":"Gemini"}]}]}"#, "gemini"),
        ] {
            let outline = read(body, false).unwrap();
            assert_eq!((outline.last.trim(), outline.conversation.is_some()), (words, true), "{body}");
        }
        assert!(read("{}", false).is_none());
    }

    #[test]
    fn tools_and_stored_answers_are_seen() {
        assert!(chat(HELLO, r#","tools":[{"type":"function"}]"#).tools);
        assert!(!chat(HELLO, r#","tools":[ ]"#).tools && !chat(HELLO, "").tools);
        let stored = |rest: &str| read(&format!(r#"{{"input":"x"{rest}}}"#), true).unwrap().stored;
        assert!(stored("") && stored(r#","store":true"#) && !stored(r#","store":false"#));
    }
}

//! Seeds: small ones of our own in every dialect, the project's fixtures, and recordings where they are.
//! Owns nothing but the choice; every dialect's seeds are the others' too, which is what a wrong address sends.

use std::path::Path;

use farthing::dialect::{Rewrite, UsageOption, answer, request};
use farthing_actors::domain::Dialect;
use serde_json::Value;

use super::{DIALECTS, mutate, parse, play, wire};
use crate::recordings;

/// Everything of one dialect.
#[derive(Default)]
pub(crate) struct Seeds {
    pub(crate) requests: Vec<Value>,
    pub(crate) replies: Vec<Value>,
    /// Streams, cut into their events.
    pub(crate) streams: Vec<Vec<Vec<u8>>>,
}

/// The seeds of one dialect, and what the others lend to mutations.
pub(crate) struct Corpus {
    pub(crate) own: Seeds,
    /// Small values out of all documents.
    pub(crate) words: Vec<Value>,
    /// Events of all dialects.
    pub(crate) events: Vec<Vec<u8>>,
}

impl Corpus {
    pub(crate) fn of(dialect: Dialect) -> Self {
        let mut all: Vec<Seeds> = DIALECTS.iter().map(|dialect| seeds(*dialect)).collect();
        let mut words = Vec::new();
        for document in all.iter().flat_map(|seeds| seeds.requests.iter().chain(&seeds.replies)) {
            mutate::gather(document, &mut words);
        }
        let events: Vec<Vec<u8>> = all.iter().flat_map(|seeds| seeds.streams.iter().flatten().cloned()).collect();
        for event in &events {
            let json = event.iter().position(|byte| *byte == b'{').map(|start| &event[start..]);
            let json = json.and_then(|json| serde_json::Deserializer::from_slice(json).into_iter().next()?.ok());
            mutate::gather(&json.unwrap_or(Value::Null), &mut words);
        }
        let place = DIALECTS.iter().position(|other| *other == dialect).unwrap();
        Self { own: all.swap_remove(place), words, events }
    }
}

fn seeds(dialect: Dialect) -> Seeds {
    let mut seeds = Seeds::default();
    // What our own writers make of the one rich chat of this file.
    let chat = parse(Dialect::OpenaiChat, REQUEST.as_bytes(), true).unwrap().conversation().unwrap();
    let to = Rewrite { model: "m", usage: UsageOption::Asked, output_cap: None };
    let written = request::write(&chat, dialect, &to, true).unwrap();
    seeds.requests.push(serde_json::from_slice(&written.body).unwrap());
    let reply = answer::read(Dialect::OpenaiChat, REPLY.as_bytes(), 1).unwrap();
    seeds.replies.push(serde_json::from_slice(&answer::write(dialect, &reply, None)).unwrap());
    seeds.streams.push(cut(&stream(dialect)));
    if dialect == Dialect::OpenaiChat {
        seeds.streams.extend(fixtures().iter().map(|stream| cut(stream)));
    }
    for recording in recordings::recordings(wire(dialect)) {
        seeds.requests.extend(recording.request.as_ref().and_then(|body| serde_json::from_slice(body).ok()));
        match serde_json::from_slice::<Value>(&recording.body) {
            Ok(reply) => seeds.replies.push(reply),
            // Long recordings only slow the search down.
            Err(_) if recording.body.len() < 64 * 1024 => seeds.streams.push(cut(&recording.body)),
            Err(_) => {}
        }
    }
    seeds
}

fn stream(dialect: Dialect) -> Vec<u8> {
    let request = parse(dialect, small(dialect).as_bytes(), true).unwrap();
    if dialect == Dialect::OpenaiChat {
        return STREAM.as_bytes().to_vec();
    }
    let mut passage = answer::passage(&request, Dialect::OpenaiChat, 1);
    play(&mut *passage, [STREAM.as_bytes().to_vec()]).all()
}

fn fixtures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openai_chat");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let streams = files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "sse"));
    streams.map(|file| std::fs::read(file).unwrap()).collect()
}

/// A stream as its events, each with the blank line that ends it.
fn cut(stream: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(stream).replace("\r\n", "\n");
    text.split_inclusive("\n\n").map(|event| event.as_bytes().to_vec()).collect()
}

/// The least request of each dialect.
pub(crate) fn small(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenaiChat | Dialect::OllamaChat => {
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":true}}"#
        }
        Dialect::OpenaiResponses => r#"{"model":"m","input":"x","stream":true}"#,
        Dialect::Anthropic => {
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stream":true}"#
        }
        Dialect::Gemini => r#"{"contents":[{"role":"user","parts":[{"text":"x"}]}]}"#,
    }
}

const REQUEST: &str = r#"{"model":"m","stream":true,"max_completion_tokens":99,"temperature":0.5,"top_p":0.9,
"user":"u","reasoning_effort":"low","parallel_tool_calls":true,"tool_choice":"auto",
"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{}}}},
"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":
{"a":{"type":"integer"}}}}}],
"messages":[{"role":"system","content":"be brief"},
{"role":"user","content":[{"type":"text","text":"see"},
{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]},
{"role":"assistant","content":"so","tool_calls":[{"id":"c1","type":"function","function":
{"name":"f","arguments":"{\"a\":1}"}},{"id":"call|2","type":"function","function":{"name":"f","arguments":"{}"}}]},
{"role":"tool","tool_call_id":"c1","content":"7"},{"role":"tool","tool_call_id":"call|2","content":"8"},
{"role":"user","content":"and?"}]}"#;

const REPLY: &str = r#"{"id":"r","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":
{"role":"assistant","reasoning_content":"hm","content":"so","tool_calls":[{"id":"c1","type":"function","function":
{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}],"service_tier":"default",
"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,"completion_tokens_details":{"reasoning_tokens":2}}}"#;

const STREAM: &str = concat!(
    "data: {\"id\":\"r\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,",
    "\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n",
    "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"so\"}}]}\n\n",
    "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",",
    "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
    "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,",
    "\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]}}]}\n\n",
    "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,",
    "\"total_tokens\":12}}\n\n",
    "data: [DONE]\n\n",
);

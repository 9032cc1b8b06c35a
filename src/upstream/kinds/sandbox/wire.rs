//! The wire: OpenAI's chat completions as api.openai.com sends them, members in its order, absent where it leaves them out.
//! Owns the shapes of answers, chunks and errors. Refuses decisions: what is said is decided elsewhere.

use bytes::Bytes;
use farthing_actors::domain::Timestamp;
use serde::Serialize;

use super::draw::Draw;

/// The arguments of every tool call.
pub(super) const ARGUMENTS: &str = "{}";

/// What all chunks of one answer have in common.
#[derive(Debug)]
pub(super) struct Head {
    id: String,
    created: i64,
    model: String,
    fingerprint: String,
}

impl Head {
    pub(super) fn new(draw: &mut Draw, model: &str, now: Timestamp) -> Self {
        let id = format!("chatcmpl-{}", draw.letters(29));
        // What real fingerprints look like; this one never changes, since the sandbox does not.
        let fingerprint = "fp_5a4db0c5d1".to_owned();
        Self { id, created: now.0.div_euclid(1_000), model: model.to_owned(), fingerprint }
    }

    /// A whole answer.
    pub(super) fn completion(&self, message: Message<'_>, finish: &'static str, usage: Option<Usage>) -> Bytes {
        let choices = [Choice { index: 0, message, logprobs: (), finish_reason: finish }];
        json(&Completion {
            id: &self.id,
            object: "chat.completion",
            created: self.created,
            model: &self.model,
            choices,
            usage,
            service_tier: "default",
            system_fingerprint: &self.fingerprint,
        })
    }

    /// A chunk with one choice. With `announces_usage`, it says that its usage comes later.
    pub(super) fn chunk(&self, delta: Delta<'_>, finish: Option<&'static str>, announces_usage: bool) -> Bytes {
        let choices = [ChunkChoice { index: 0, delta, logprobs: (), finish_reason: finish }];
        self.event(&choices, announces_usage.then_some(None))
    }

    /// The chunk without a choice that carries the usage.
    pub(super) fn usage_chunk(&self, usage: Usage) -> Bytes {
        self.event(&[], Some(Some(usage)))
    }

    fn event(&self, choices: &[ChunkChoice<'_>], usage: Option<Option<Usage>>) -> Bytes {
        sse(&json(&Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            service_tier: "default",
            system_fingerprint: &self.fingerprint,
            choices,
            usage,
        }))
    }
}

/// The event that ends every complete stream.
pub(super) const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

/// One server-sent event.
pub(super) fn sse(json: &[u8]) -> Bytes {
    [b"data: ", json, b"\n\n"].concat().into()
}

/// Nothing written here can fail to serialise: no map with odd keys, no foreign types.
fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    service_tier: &'static str,
    system_fingerprint: &'a str,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    message: Message<'a>,
    logprobs: (),
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    service_tier: &'static str,
    system_fingerprint: &'a str,
    choices: &'a [ChunkChoice<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u64,
    delta: Delta<'a>,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

/// The message of a whole answer: words, or a tool call.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[ToolCall<'a>; 1]>,
    refusal: (),
    annotations: [(); 0],
}

impl<'a> Message<'a> {
    pub(super) fn words(text: &'a str) -> Self {
        Self { role: "assistant", content: Some(text), tool_calls: None, refusal: (), annotations: [] }
    }

    pub(super) fn call(tool: ToolCall<'a>) -> Self {
        Self { role: "assistant", content: None, tool_calls: Some([tool]), refusal: (), annotations: [] }
    }
}

/// What a chunk adds to the message.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Delta<'a> {
    Opening { role: &'static str, content: &'static str, refusal: () },
    Words { content: &'a str },
    OpeningCall { role: &'static str, content: (), tool_calls: [ToolCall<'a>; 1], refusal: () },
    Arguments { tool_calls: [MoreArguments; 1] },
    Nothing {},
}

impl<'a> Delta<'a> {
    pub(super) fn opening() -> Self {
        Self::Opening { role: "assistant", content: "", refusal: () }
    }

    pub(super) fn opening_call(id: &'a str, name: &'a str) -> Self {
        let call = ToolCall { index: Some(0), ..ToolCall::new(id, name, "") };
        Self::OpeningCall { role: "assistant", content: (), tool_calls: [call], refusal: () }
    }

    pub(super) fn arguments() -> Self {
        Self::Arguments { tool_calls: [MoreArguments { index: 0, function: Arguments { arguments: ARGUMENTS } }] }
    }
}

#[derive(Serialize)]
pub(super) struct ToolCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

impl<'a> ToolCall<'a> {
    pub(super) fn new(id: &'a str, name: &'a str, arguments: &'static str) -> Self {
        Self { index: None, id, r#type: "function", function: Function { name, arguments } }
    }
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'static str,
}

#[derive(Serialize)]
pub(super) struct MoreArguments {
    index: u64,
    function: Arguments,
}

#[derive(Serialize)]
struct Arguments {
    arguments: &'static str,
}

/// Usage in OpenAI's form. The sandbox has no cache, no audio and no hidden reasoning.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    audio_tokens: u64,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}

impl Usage {
    pub(super) fn new(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            prompt_tokens_details: PromptDetails::default(),
            completion_tokens_details: CompletionDetails::default(),
        }
    }
}

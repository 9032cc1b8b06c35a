//! What a request asks of the sandbox: read leniently, as unknown members must not matter, and checked as OpenAI would.
//! Owns the options under `sandbox`, their defaults and bounds. Refuses what it would otherwise have to ignore in silence.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::draw;
use super::refusal::Refusal;
use super::wire::ARGUMENTS;
use crate::tokenizer::Tokenizer;

/// As much as the longest-winded real models give.
const MAX_OUTPUT_TOKENS: u64 = 131_072;

/// What OpenAI's chat format adds: three tokens around a message and one for its role, three to open the answer.
const MESSAGE_TOKENS: u64 = 4;
const ANSWER_TOKENS: u64 = 3;

/// What OpenAI charges for an image at low detail; here for every part that is not text.
const OTHER_PART_TOKENS: u64 = 85;

/// What goes wrong on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Fault {
    #[serde(rename = "error_500")]
    Error500,
    #[serde(rename = "error_429")]
    Error429,
    #[serde(rename = "error_401")]
    Error401,
    #[serde(rename = "hang")]
    Hang,
    #[serde(rename = "cut")]
    Cut,
    #[serde(rename = "bad_json")]
    BadJson,
    #[serde(rename = "error_event")]
    ErrorEvent,
    #[serde(rename = "no_usage")]
    NoUsage,
}

/// A checked request.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) model: String,
    pub(super) seed: u64,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    pub(super) prompt_tokens: u64,
    /// The tool to call instead of answering in words, and how many tokens that takes.
    pub(super) tool: Option<(String, u64)>,
    /// How long the answer is if nothing cuts it short.
    pub(super) natural_tokens: u64,
    /// How long it may be.
    pub(super) output_tokens: u64,
    pub(super) latency: Duration,
    pub(super) gap: Duration,
    pub(super) fault: Option<Fault>,
    pub(super) fault_after: u64,
}

impl Call {
    /// Reads and checks a body.
    pub(super) fn read(body: &[u8], tokenizer: Tokenizer) -> Result<Self, Refusal> {
        let request: Request<'_> = serde_json::from_slice(body).map_err(|error| Refusal::unreadable(&error))?;
        let model = request.model.clone().filter(|model| !model.is_empty()).ok_or_else(Refusal::no_model)?;
        let messages = request.messages.as_deref().ok_or_else(|| Refusal::missing("messages"))?;
        let [.., last] = messages else { return Err(Refusal::empty("messages")) };
        let options = request.sandbox.as_ref().unwrap_or(&Options::DEFAULT);
        let seed = draw::seed(messages.iter().flat_map(Message::texts));
        let natural = options.natural(seed)?;
        let cap = request.cap()?;
        Ok(Self {
            model,
            seed,
            stream: request.stream.unwrap_or(false),
            include_usage: request.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(true)),
            prompt_tokens: request.prompt_tokens(messages, tokenizer),
            tool: request.tool(last)?.map(|tool| tool_cost(tool, tokenizer)),
            natural_tokens: natural,
            output_tokens: cap.map_or(natural, |cap| cap.min(natural)),
            latency: Duration::from_millis(options.latency_ms),
            gap: Duration::from_millis(options.chunk_ms),
            fault: options.fault,
            fault_after: options.fault_after,
        })
    }
}

fn tool_cost(name: String, tokenizer: Tokenizer) -> (String, u64) {
    let tokens = tokenizer.count(&name).tokens.saturating_add(tokenizer.count(ARGUMENTS).tokens);
    (name, tokens)
}

#[derive(Debug, Deserialize)]
struct Request<'a> {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_completion_tokens: Option<u64>,
    max_tokens: Option<u64>,
    n: Option<u64>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    tool_choice: Option<ToolChoice>,
    sandbox: Option<Options>,
}

impl Request<'_> {
    /// The client's cap on the answer; checks `n` too, since both bound what is generated.
    fn cap(&self) -> Result<Option<u64>, Refusal> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(Refusal::invalid("n", "the sandbox answers exactly one choice; leave n out or set it to 1"));
        }
        match self.max_completion_tokens.or(self.max_tokens) {
            Some(0) => Err(Refusal::invalid("max_completion_tokens", "must be at least 1")),
            cap => Ok(cap),
        }
    }

    fn prompt_tokens(&self, messages: &[Message], tokenizer: Tokenizer) -> u64 {
        let tools = self.tools.map_or(0, |tools| tokenizer.count(tools.get()).tokens);
        let messages = messages.iter().map(|message| message.tokens(tokenizer));
        messages.fold(ANSWER_TOKENS.saturating_add(tools), u64::saturating_add)
    }

    /// The tool to call: when `tool_choice` asks for one, or the last message is a user's and says "call tool".
    fn tool(&self, last: &Message) -> Result<Option<String>, Refusal> {
        let Some(tools) = self.tools else { return Ok(None) };
        let tools: Vec<Tool> = serde_json::from_str(tools.get()).map_err(|error| Refusal::unreadable(&error))?;
        let first = || tools.iter().find_map(|tool| tool.function.as_ref()).map(|function| function.name.clone());
        Ok(match &self.tool_choice {
            Some(ToolChoice::Named { function }) => Some(function.name.clone()),
            Some(ToolChoice::Mode(mode)) if mode == "none" => None,
            Some(ToolChoice::Mode(mode)) if mode == "required" => first(),
            _ if last.asks_for_tool() => first(),
            _ => None,
        })
    }
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    function: Option<Function>,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ToolChoice {
    Mode(String),
    Named { function: Function },
    Other(IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
    name: Option<String>,
    tool_calls: Option<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

impl Message {
    fn parts(&self) -> impl Iterator<Item = Option<&str>> {
        let (text, parts) = match &self.content {
            Some(Content::Text(text)) => (Some(Some(text.as_str())), [].as_slice()),
            Some(Content::Parts(parts)) => (None, parts.as_slice()),
            None => (None, [].as_slice()),
        };
        text.into_iter().chain(parts.iter().map(|part| part.text.as_deref()))
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        [self.role.as_str()].into_iter().chain(self.parts().flatten())
    }

    fn tokens(&self, tokenizer: Tokenizer) -> u64 {
        let parts = self.parts().map(|text| text.map_or(OTHER_PART_TOKENS, |text| tokenizer.count(text).tokens));
        let name = self.name.as_ref().map(|name| tokenizer.count(name).tokens.saturating_add(1));
        let calls = self.tool_calls.as_ref().map(|calls| tokenizer.count(calls.get()).tokens);
        parts.chain(name).chain(calls).fold(MESSAGE_TOKENS, u64::saturating_add)
    }

    fn asks_for_tool(&self) -> bool {
        self.role == "user" && self.parts().flatten().any(|text| text.to_ascii_lowercase().contains("call tool"))
    }
}

/// What a request may ask for under `sandbox`.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Options {
    latency_ms: u64,
    chunk_ms: u64,
    output_tokens: Option<u64>,
    fault: Option<Fault>,
    fault_after: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Options {
    const DEFAULT: Self = Self { latency_ms: 0, chunk_ms: 0, output_tokens: None, fault: None, fault_after: 0 };

    /// How many tokens the answer has if nothing cuts it short: as asked, or 48 to 80.
    fn natural(&self, seed: u64) -> Result<u64, Refusal> {
        match self.output_tokens {
            None => Ok(48 + draw::Draw::new(seed).below(33)),
            Some(tokens @ 1..=MAX_OUTPUT_TOKENS) => Ok(tokens),
            Some(_) => Err(Refusal::invalid("sandbox.output_tokens", "must be between 1 and 131072")),
        }
    }
}

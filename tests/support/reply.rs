//! What the scripted upstream does with one request: the answer, and how it goes wrong.
//! Owns the wording of OpenAI's chat dialect as a provider writes it. Refuses sockets: those are the upstream's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

/// Token counts as OpenAI reports them: `cached` is part of `prompt`, `reasoning` is part of `completion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Every prompt token.
    pub prompt: u64,
    /// Those of them read from a cache.
    pub cached: u64,
    /// Every generated token.
    pub completion: u64,
    /// Those of them spent on reasoning.
    pub reasoning: u64,
}

/// A door that a test opens once; replies wait behind it.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<AtomicBool>);

/// One answer, or one way of not answering.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) form: Form,
    pub(crate) before: Duration,
    pub(crate) gate: Option<Gate>,
}

#[derive(Debug, Clone)]
pub(crate) enum Form {
    Chat(Chat),
    Fixed { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    Silence,
}

/// A completion, streamed if the request asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    pub(crate) tokens: Tokens,
    pub(crate) chunks: usize,
    pub(crate) gap: Duration,
    pub(crate) turn: Option<(usize, Turn)>,
    pub(crate) tool: Option<Value>,
}

/// What happens instead of the next chunk.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    Cut,
    Wait(Gate),
    Error(Value),
}

impl Tokens {
    /// Neither cached nor reasoning.
    pub fn plain(prompt: u64, completion: u64) -> Self {
        Self { prompt, cached: 0, completion, reasoning: 0 }
    }

    pub(crate) fn json(self) -> Value {
        json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning, "audio_tokens": 0},
        })
    }
}

impl Gate {
    /// Lets everyone through, for ever.
    pub fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Reply {
    /// A completion with this usage; three chunks where a stream is asked for.
    pub fn chat(tokens: Tokens) -> Self {
        Self::of(Form::Chat(Chat { tokens, chunks: 3, gap: Duration::ZERO, turn: None, tool: None }))
    }

    /// An answer of this status with a JSON body.
    pub fn status(status: u16, body: &Value) -> Self {
        Self::raw(status, body.to_string().as_bytes()).header("content-type", "application/json")
    }

    /// An error as OpenAI words it.
    pub fn error(status: u16, message: &str) -> Self {
        let kind = if status < 500 { "invalid_request_error" } else { "server_error" };
        Self::status(status, &json!({"error": {"message": message, "type": kind, "param": null, "code": null}}))
    }

    /// Any bytes.
    pub fn raw(status: u16, body: &[u8]) -> Self {
        Self::of(Form::Fixed { status, headers: Vec::new(), body: body.to_vec() })
    }

    /// Nothing, until the caller leaves.
    pub fn silence() -> Self {
        Self::of(Form::Silence)
    }

    /// With one more header (fixed answers only).
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Form::Fixed { headers, .. } = &mut self.form {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Streamed in this many chunks of text.
    #[must_use]
    pub fn chunks(self, chunks: usize) -> Self {
        self.chat_with(|chat| chat.chunks = chunks)
    }

    /// With this long between two chunks.
    #[must_use]
    pub fn gap(self, gap: Duration) -> Self {
        self.chat_with(|chat| chat.gap = gap)
    }

    /// Streamed, but the connection is cut after this many chunks.
    #[must_use]
    pub fn cut_after(self, chunks: usize) -> Self {
        self.chat_with(|chat| chat.turn = Some((chunks, Turn::Cut)))
    }

    /// Streamed, but silent after this many chunks until `gate` opens or the caller leaves.
    #[must_use]
    pub fn wait_after(self, chunks: usize, gate: &Gate) -> Self {
        self.chat_with(|chat| chat.turn = Some((chunks, Turn::Wait(gate.clone()))))
    }

    /// Streamed, but an error event comes after this many chunks.
    #[must_use]
    pub fn error_after(self, chunks: usize, message: &str) -> Self {
        let event = json!({"error": {"message": message, "type": "server_error", "param": null, "code": null}});
        self.chat_with(|chat| chat.turn = Some((chunks, Turn::Error(event))))
    }

    /// With a call of this tool instead of text.
    #[must_use]
    pub fn tool(self, name: &str, arguments: &str) -> Self {
        let call = json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}});
        self.chat_with(|chat| chat.tool = Some(call))
    }

    /// After this long.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.before = delay;
        self
    }

    /// Once `gate` is open.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    fn of(form: Form) -> Self {
        Self { form, before: Duration::ZERO, gate: None }
    }

    fn chat_with(mut self, change: impl FnOnce(&mut Chat)) -> Self {
        match &mut self.form {
            Form::Chat(chat) => change(chat),
            other => panic!("{other:?} is no completion"),
        }
        self
    }
}

impl Chat {
    /// The whole answer, with a field no gateway knows and an order no map would keep.
    pub(crate) fn whole(&self, model: &str) -> String {
        let message = match &self.tool {
            Some(call) => json!({"role": "assistant", "content": null, "tool_calls": [call]}),
            None => json!({"role": "assistant", "content": self.text()}),
        };
        let finish = self.finish();
        let usage = self.tokens.json();
        format!(
            "{{\"id\":\"chatcmpl-1\", \"object\":\"chat.completion\",\"created\":1700000000,\"model\":{},\"x_unknown\":{{\"z\":1e2,\"a\":[ ]}},\
             \"choices\":[{{\"index\":0,\"message\":{message},\"logprobs\":null,\"finish_reason\":\"{finish}\"}}],\"usage\":{usage},\
             \"system_fingerprint\":\"fp_1\"}}",
            Value::from(model)
        )
    }

    /// The events of the stream, the end marker last.
    pub(crate) fn events(&self, model: &str, with_usage: bool) -> Vec<String> {
        let mut deltas: Vec<Value> = match &self.tool {
            Some(call) => vec![json!({"role": "assistant", "content": null, "tool_calls": [streamed_tool(call)]})],
            None => (0..self.chunks).map(|n| json!({"content": format!("word{n} ")})).collect(),
        };
        deltas.push(json!({}));
        let last = deltas.len() - 1;
        let mut events: Vec<String> = Vec::new();
        for (n, delta) in deltas.into_iter().enumerate() {
            let finish = if n == last { Value::from(self.finish()) } else { Value::Null };
            let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
            events.push(chunk(model, &json!([choice]), with_usage.then_some(Value::Null)));
        }
        if with_usage {
            events.push(chunk(model, &json!([]), Some(self.tokens.json())));
        }
        events.push("data: [DONE]\n\n".to_owned());
        events
    }

    fn text(&self) -> String {
        (0..self.chunks).map(|n| format!("word{n} ")).collect()
    }

    fn finish(&self) -> &'static str {
        if self.tool.is_some() { "tool_calls" } else { "stop" }
    }
}

fn chunk(model: &str, choices: &Value, usage: Option<Value>) -> String {
    let mut body =
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model});
    body["choices"] = choices.clone();
    if let Some(usage) = usage {
        body["usage"] = usage;
    }
    format!("data: {body}\n\n")
}

fn streamed_tool(call: &Value) -> Value {
    let mut streamed = call.clone();
    streamed["index"] = json!(0);
    streamed
}

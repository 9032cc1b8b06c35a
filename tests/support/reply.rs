//! What the scripted upstream does with one request: the answer, and how it goes wrong.
//! Owns what an answer says; each dialect's room words it as its providers do. Refuses sockets: those are the upstream's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::dialect::{Dialect, Wish};

mod anthropic;
mod chat;
mod gemini;
mod responses;

/// A provider's seal on its thinking, which it wants back.
pub const SEAL: &str = "c2VhbGVkIHRob3VnaHRz";

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
    Completion(Completion),
    Fixed { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    Refusal { status: u16, headers: Vec<(String, String)>, message: String },
    Silence,
}

/// An answer in the dialect of the request, streamed if that asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Completion {
    pub(crate) tokens: Tokens,
    pub(crate) chunks: usize,
    pub(crate) gap: Duration,
    pub(crate) turn: Option<(usize, Turn)>,
    /// Without what comes before the first chunk.
    pub(crate) headless: bool,
    pub(crate) thinking: Option<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) capped: bool,
    /// Whether it says what it consumed.
    pub(crate) counted: bool,
}

/// A call of a tool. Without an id where that is empty, as Gemini's often are.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// The events of a stream. `pieces` are what the turns count: texts, or fragments of calls.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) head: Vec<String>,
    pub(crate) pieces: Vec<String>,
    pub(crate) tail: Vec<String>,
}

/// What happens instead of the next piece.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    Cut,
    End,
    Wait(Gate),
    Error(String),
}

impl Tokens {
    /// Neither cached nor reasoning.
    pub fn plain(prompt: u64, completion: u64) -> Self {
        Self { prompt, cached: 0, completion, reasoning: 0 }
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
    /// A completion with this usage, in the dialect of the request; three chunks where a stream is asked for.
    pub fn chat(tokens: Tokens) -> Self {
        Self::of(Form::Completion(Completion {
            tokens,
            chunks: 3,
            gap: Duration::ZERO,
            turn: None,
            headless: false,
            thinking: None,
            calls: Vec::new(),
            capped: false,
            counted: true,
        }))
    }

    /// An answer of this status with a JSON body.
    pub fn status(status: u16, body: &Value) -> Self {
        Self::raw(status, body.to_string().as_bytes()).header("content-type", "application/json")
    }

    /// An error as providers of the request's dialect word it.
    pub fn error(status: u16, message: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::of(Form::Refusal { status, headers, message: message.to_owned() })
    }

    /// Any bytes.
    pub fn raw(status: u16, body: &[u8]) -> Self {
        Self::of(Form::Fixed { status, headers: Vec::new(), body: body.to_vec() })
    }

    /// Nothing, until the caller leaves.
    pub fn silence() -> Self {
        Self::of(Form::Silence)
    }

    /// With one more header (fixed answers and errors only).
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Form::Fixed { headers, .. } | Form::Refusal { headers, .. } = &mut self.form {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Streamed in this many chunks of text.
    #[must_use]
    pub fn chunks(self, chunks: usize) -> Self {
        self.with(|answer| answer.chunks = chunks)
    }

    /// With this long between two chunks.
    #[must_use]
    pub fn gap(self, gap: Duration) -> Self {
        self.with(|answer| answer.gap = gap)
    }

    /// Streamed, but the connection is cut after this many chunks; in the middle, if it is not streamed.
    #[must_use]
    pub fn cut_after(self, chunks: usize) -> Self {
        self.with(|answer| answer.turn = Some((chunks, Turn::Cut)))
    }

    /// Streamed, but at an end after this many chunks, as if that were all: no usage, no end marker.
    #[must_use]
    pub fn end_after(self, chunks: usize) -> Self {
        self.with(|answer| answer.turn = Some((chunks, Turn::End)))
    }

    /// Streamed, but silent after this many chunks until `gate` opens or the caller leaves.
    #[must_use]
    pub fn wait_after(self, chunks: usize, gate: &Gate) -> Self {
        self.with(|answer| answer.turn = Some((chunks, Turn::Wait(gate.clone()))))
    }

    /// Streamed, but an error event comes after this many chunks.
    #[must_use]
    pub fn error_after(self, chunks: usize, message: &str) -> Self {
        self.with(|answer| answer.turn = Some((chunks, Turn::Error(message.to_owned()))))
    }

    /// Streamed, but its first event of all is an error.
    #[must_use]
    pub fn error_first(self, message: &str) -> Self {
        self.error_after(0, message).with(|answer| answer.headless = true)
    }

    /// With a call of this tool instead of text.
    #[must_use]
    pub fn tool(self, name: &str, arguments: &str) -> Self {
        self.call("call_1", name, arguments)
    }

    /// With one more call of a tool instead of text, under this id.
    #[must_use]
    pub fn call(self, id: &str, name: &str, arguments: &str) -> Self {
        let call = Call { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() };
        self.with(|answer| answer.calls.push(call))
    }

    /// With this thinking before the rest.
    #[must_use]
    pub fn thinking(self, text: &str) -> Self {
        self.with(|answer| answer.thinking = Some(text.to_owned()))
    }

    /// Ended by the cap on output.
    #[must_use]
    pub fn capped(self) -> Self {
        self.with(|answer| answer.capped = true)
    }

    /// Without a word on what it consumed, as some local servers answer.
    #[must_use]
    pub fn uncounted(self) -> Self {
        self.with(|answer| answer.counted = false)
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

    /// What a provider would write to the request of this path and body: the events of a stream, or one whole answer.
    ///
    /// # Panics
    /// If it is no completion.
    pub fn written(&self, path: &str, body: &Value) -> Vec<String> {
        let Form::Completion(answer) = &self.form else { panic!("{:?} is no completion", self.form) };
        let wish = Wish::of(path, body);
        if !wish.stream {
            return vec![answer.whole(&wish)];
        }
        let Events { head, pieces, tail } = answer.events(&wish);
        head.into_iter().chain(pieces).chain(tail).collect()
    }

    fn of(form: Form) -> Self {
        Self { form, before: Duration::ZERO, gate: None }
    }

    fn with(mut self, change: impl FnOnce(&mut Completion)) -> Self {
        match &mut self.form {
            Form::Completion(answer) => change(answer),
            other => panic!("{other:?} is no completion"),
        }
        self
    }
}

impl Completion {
    /// The whole answer, with a field no gateway knows and an order no map would keep.
    pub(crate) fn whole(&self, wish: &Wish) -> String {
        match wish.dialect {
            Dialect::Chat => chat::whole(self, wish),
            Dialect::Responses => responses::whole(self, wish),
            Dialect::Anthropic => anthropic::whole(self, wish),
            Dialect::Gemini => gemini::whole(self, wish),
        }
    }

    /// The events of the stream.
    pub(crate) fn events(&self, wish: &Wish) -> Events {
        match wish.dialect {
            Dialect::Chat => chat::events(self, wish),
            Dialect::Responses => responses::events(self, wish),
            Dialect::Anthropic => anthropic::events(self, wish),
            Dialect::Gemini => gemini::events(self, wish),
        }
    }

    fn texts(&self) -> impl Iterator<Item = String> {
        let chunks = if self.calls.is_empty() { self.chunks } else { 0 };
        (0..chunks).map(|n| format!("word{n} "))
    }

    fn text(&self) -> String {
        self.texts().collect()
    }
}

impl Call {
    /// The arguments in two fragments.
    fn fragments(&self) -> [&str; 2] {
        let middle = (self.arguments.len() / 2..).find(|at| self.arguments.is_char_boundary(*at));
        let (first, second) = self.arguments.split_at(middle.unwrap_or(0));
        [first, second]
    }

    fn object(&self) -> Value {
        serde_json::from_str(&self.arguments).unwrap_or_default()
    }
}

/// An event under its own name.
fn named(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}

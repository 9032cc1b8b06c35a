//! Pieces: the body of an answer, one piece after the other, each with the delay before it. Made when asked for, so that
//! a thousand open streams hold a thousand positions and not a thousand texts.
//! Owns the order of chunks and where a fault strikes. Refuses to wait.

use std::iter::Take;
use std::time::Duration;

use bytes::Bytes;

use super::draw::Draw;
use super::refusal::Refusal;
use super::request::{Call, Fault};
use super::wire::{self, Delta, Head, Message, ToolCall, Usage};
use super::words::Words;

/// The body of an answer: delays and bytes, in order.
#[derive(Debug)]
pub struct Pieces(Source);

#[derive(Debug)]
enum Source {
    Whole(Option<Bytes>),
    Stream(Box<Stream>),
}

impl Pieces {
    /// The body of a served call.
    pub(super) fn new(call: Call, head: Head, draw: &mut Draw) -> Self {
        let call_id = format!("call_{}", draw.letters(24));
        if call.stream {
            Self(Source::Stream(Box::new(Stream::new(call, head, call_id))))
        } else {
            Self(Source::Whole(struck(&call, completion(&call, &head, &call_id))))
        }
    }

    /// One piece without a delay.
    pub(super) fn whole(body: Bytes) -> Self {
        Self(Source::Whole(Some(body)))
    }
}

impl Iterator for Pieces {
    type Item = (Duration, Bytes);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Whole(body) => body.take().map(|body| (Duration::ZERO, body)),
            Source::Stream(stream) => stream.next(),
        }
    }
}

fn completion(call: &Call, head: &Head, call_id: &str) -> Bytes {
    let usage = (call.fault != Some(Fault::NoUsage)).then(|| usage(call));
    match &call.tool {
        Some((name, _)) => {
            head.completion(Message::call(ToolCall::new(call_id, name, wire::ARGUMENTS)), finish(call), usage)
        }
        None => head.completion(Message::words(&words(call).collect::<String>()), finish(call), usage),
    }
}

/// What a fault leaves of a whole body.
fn struck(call: &Call, body: Bytes) -> Option<Bytes> {
    match call.fault {
        Some(Fault::Cut | Fault::Hang) if call.fault_after == 0 => None,
        Some(Fault::Cut | Fault::Hang | Fault::BadJson) => Some(half(&body)),
        Some(Fault::ErrorEvent) => Some(Refusal::broken().body()),
        _ => Some(body),
    }
}

fn half(body: &Bytes) -> Bytes {
    body.slice(..body.len() / 2)
}

fn words(call: &Call) -> Take<Words> {
    Words::new(call.seed, call.natural_tokens).take(usize::try_from(call.output_tokens).unwrap_or(usize::MAX))
}

fn usage(call: &Call) -> Usage {
    let output = call.tool.as_ref().map_or(call.output_tokens, |(_, tokens)| *tokens);
    Usage::new(call.prompt_tokens, output)
}

fn finish(call: &Call) -> &'static str {
    match &call.tool {
        Some(_) => "tool_calls",
        None if call.output_tokens < call.natural_tokens => "length",
        None => "stop",
    }
}

/// A streamed answer and how far it has come.
#[derive(Debug)]
struct Stream {
    call: Call,
    head: Head,
    call_id: String,
    words: Take<Words>,
    arguments_due: bool,
    stage: Stage,
    sent: u64,
}

/// What is sent next.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Opening,
    Content,
    Usage,
    Done,
    Over,
}

impl Stream {
    fn new(call: Call, head: Head, call_id: String) -> Self {
        Self { words: words(&call), call, head, call_id, arguments_due: true, stage: Stage::Opening, sent: 0 }
    }

    fn next(&mut self) -> Option<(Duration, Bytes)> {
        let fault = self.call.fault.filter(|_| self.sent == self.call.fault_after);
        let (delay, event) = match fault {
            Some(Fault::Cut | Fault::Hang) => return None,
            Some(Fault::ErrorEvent) => self.error_event()?,
            Some(Fault::BadJson) => self.event().map(|(delay, event)| (delay, broken(&event)))?,
            _ => self.event()?,
        };
        self.sent = self.sent.saturating_add(1);
        Some((delay, event))
    }

    fn event(&mut self) -> Option<(Duration, Bytes)> {
        match self.stage {
            Stage::Opening => Some((Duration::ZERO, self.opening())),
            Stage::Content => Some(self.content()),
            Stage::Usage => {
                self.stage = Stage::Done;
                Some((Duration::ZERO, self.head.usage_chunk(usage(&self.call))))
            }
            Stage::Done => {
                self.stage = Stage::Over;
                Some((Duration::ZERO, wire::DONE))
            }
            Stage::Over => None,
        }
    }

    fn opening(&mut self) -> Bytes {
        self.stage = Stage::Content;
        let delta = match &self.call.tool {
            Some((name, _)) => Delta::opening_call(&self.call_id, name),
            None => Delta::opening(),
        };
        self.head.chunk(delta, None, self.call.include_usage)
    }

    /// The next words or the tool's arguments; once they are said, the reason for the end.
    fn content(&mut self) -> (Duration, Bytes) {
        let announces = self.call.include_usage;
        let delta = match &self.call.tool {
            Some(_) => std::mem::take(&mut self.arguments_due).then(Delta::arguments),
            None => self.words.next().map(|content| Delta::Words { content }),
        };
        if let Some(delta) = delta {
            return (self.call.gap, self.head.chunk(delta, None, announces));
        }
        let says_usage = announces && self.call.fault != Some(Fault::NoUsage);
        self.stage = if says_usage { Stage::Usage } else { Stage::Done };
        (Duration::ZERO, self.head.chunk(Delta::Nothing {}, Some(finish(&self.call)), announces))
    }

    /// An error in the middle of a stream, after which nothing comes, as some providers do it.
    fn error_event(&mut self) -> Option<(Duration, Bytes)> {
        let delay = if self.sent == 0 { Duration::ZERO } else { self.call.gap };
        if matches!(self.stage, Stage::Over) {
            return None;
        }
        self.stage = Stage::Over;
        Some((delay, wire::sse(&Refusal::broken().body())))
    }
}

/// An event whose JSON stops in the middle.
fn broken(event: &Bytes) -> Bytes {
    [&*half(event), b"\n\n"].concat().into()
}

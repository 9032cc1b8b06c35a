//! The sandbox: a provider that lives in this process and answers OpenAI chat completions as api.openai.com would.
//! Owns its answers: the same messages give the same text, token counts are real, faults come on request.
//! Refuses clocks, sleeping and sockets: an answer is a value that says what to send and how long to wait before each
//! piece; whoever performs it does both. How to use it, with every option: `docs/sandbox.md`.

mod draw;
mod pieces;
mod refusal;
mod request;
mod wire;
mod words;

use std::time::Duration;

use farthing_actors::domain::{Dialect, Timestamp};

use super::{Authentication, Check, Profile, StreamUsage};
use crate::tokenizer::Tokenizer;
use draw::Draw;
pub use pieces::Pieces;
use refusal::Refusal;
use request::{Call, Fault};
use wire::Head;

/// The provider inside this process.
pub static PROFILE: Profile = Profile {
    base_url: Some("sandbox://local"),
    authentication: Authentication::None,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_completion_tokens",
    endpoints: &[],
    stores: false,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: false,
    check: Check::Nothing,
    quirks: &[],
};

/// How the connection ends after the last piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The body is complete.
    Clean,
    /// The connection breaks: the performer must not end the body properly.
    Cut,
    /// Nothing more ever comes and the connection stays open. Without any piece, not even the head is sent.
    Hang,
}

/// What the sandbox answers to one request: the head after `latency`, each piece after its own delay, then the end.
#[derive(Debug)]
pub struct SandboxAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The response headers.
    pub headers: Vec<(&'static str, String)>,
    /// How long to wait before the head is sent.
    pub latency: Duration,
    /// The body, one piece after the other.
    pub pieces: Pieces,
    /// What follows the last piece.
    pub end: End,
}

/// Answers the body of a `POST /v1/chat/completions`. `now` is what the answer says it was created at.
pub fn answer(body: &[u8], now: Timestamp, tokenizer: Tokenizer) -> SandboxAnswer {
    let call = match Call::read(body, tokenizer) {
        Ok(call) => call,
        Err(refusal) => return refused(&refusal, Duration::ZERO, now),
    };
    match call.fault.and_then(|fault| Refusal::of_fault(fault, &call.model)) {
        Some(refusal) => refused(&refusal, call.latency, now),
        None => served(call, now),
    }
}

fn served(call: Call, now: Timestamp) -> SandboxAnswer {
    let mut draw = Draw::new(call.seed ^ now.0.unsigned_abs());
    let head = Head::new(&mut draw, &call.model, now);
    let content_type = if call.stream { "text/event-stream; charset=utf-8" } else { "application/json" };
    let headers = vec![("content-type", content_type.to_owned()), request_id(&mut draw)];
    let end = match call.fault {
        Some(Fault::Cut) => End::Cut,
        Some(Fault::Hang) => End::Hang,
        _ => End::Clean,
    };
    let latency = call.latency;
    SandboxAnswer { status: 200, headers, latency, pieces: Pieces::new(call, head, &mut draw), end }
}

fn refused(refusal: &Refusal, latency: Duration, now: Timestamp) -> SandboxAnswer {
    let mut draw = Draw::new(now.0.unsigned_abs());
    let mut headers = vec![("content-type", "application/json".to_owned()), request_id(&mut draw)];
    if refusal.status == 429 {
        headers.push(("retry-after", "1".to_owned()));
    }
    let pieces = Pieces::whole(refusal.body());
    SandboxAnswer { status: refusal.status, headers, latency, pieces, end: End::Clean }
}

fn request_id(draw: &mut Draw) -> (&'static str, String) {
    ("x-request-id", format!("req_{:016x}{:016x}", draw.number(), draw.number()))
}

#[cfg(test)]
mod tests;

//! One attempt at one deployment: rewrite, send, and wait for the first sign of a real answer.
//! Owns what is changed in the request: the model's name, forced stream usage, an inserted output cap. Nothing else is.

use std::time::Duration;

use bytes::Bytes;
use farthing_actors::breakers::Trial;
use farthing_actors::registry::catalogue::Candidate;
use tokio::time::timeout;

use super::Relay;
use super::exchange::{Admitted, Exchange};
use crate::dialect::openai_chat::ChatStream;
use crate::dialect::openai_chat::reply;
use crate::dialect::{OutputCap, Rewrite};
use crate::dialect::{Passage, StreamEnd, StreamFault};
use crate::upstream::{UpstreamBody, UpstreamError, UpstreamReply, UpstreamRequest, profile};

/// A provider's answer that has begun.
pub(super) struct Opened {
    pub candidate: Candidate,
    /// The place among a half-open circuit's trials; kept until the outcome is told.
    pub trial: Option<Trial>,
    pub first_token: Duration,
    pub answer: OpenedAnswer,
}

/// What has begun.
pub(super) enum OpenedAnswer {
    /// The whole answer.
    Whole(Bytes),
    /// A stream whose first event has come.
    Stream(Box<OpenedStream>),
}

/// A stream at its first event.
pub(super) struct OpenedStream {
    pub reader: ChatStream,
    pub body: UpstreamBody,
    pub first: Bytes,
}

impl Relay {
    /// Sends the request to `candidate`.
    ///
    /// # Errors
    /// Whatever went wrong before the client could have been sent a byte.
    pub(super) async fn attempt(
        &self,
        exchange: &Exchange,
        admitted: &mut Admitted,
        candidate: &Candidate,
    ) -> Result<OpenedAnswer, UpstreamError> {
        let provider = &candidate.provider;
        let request =
            UpstreamRequest { body: rewrite(exchange, admitted, candidate), stream: exchange.chat.head.stream };
        let sent = self.clock.monotonic();
        let answer = match self.upstream.send(provider, request).await {
            Ok(reply) => read(exchange, reply, provider.timeouts.total()).await,
            Err(error) => Err(error),
        };
        admitted.waited += self.clock.monotonic().saturating_sub(sent);
        answer
    }
}

fn rewrite(exchange: &Exchange, admitted: &Admitted, candidate: &Candidate) -> Bytes {
    let tokens = admitted.estimate.output_cap;
    // A budget is kept only if the provider enforces the cap that the hold was computed for.
    let insert = exchange.key.budgeted && exchange.chat.head.output_cap != Some(tokens);
    exchange.chat.for_upstream(&Rewrite {
        model: &candidate.deployment.upstream_model,
        force_usage: exchange.chat.head.stream,
        output_cap: insert.then(|| OutputCap { field: profile(candidate.provider.kind).output_cap_field, tokens }),
    })
}

/// What comes after the head is mostly there already; then no timer is set.
async fn read(exchange: &Exchange, reply: UpstreamReply, patience: Duration) -> Result<OpenedAnswer, UpstreamError> {
    let answer =
        async { if exchange.chat.head.stream { first_event(exchange, reply).await } else { whole(reply).await } };
    timeout(patience, answer).await.unwrap_or(Err(UpstreamError::Timeout(patience)))
}

async fn whole(reply: UpstreamReply) -> Result<OpenedAnswer, UpstreamError> {
    let body = reply.body.read_all().await?;
    if !reply::is_answer(&body) {
        return Err(UpstreamError::Garbage("it is not a JSON object"));
    }
    Ok(OpenedAnswer::Whole(body))
}

/// Errors come inside accepted streams too: until the first real event, another deployment may still be tried.
async fn first_event(exchange: &Exchange, reply: UpstreamReply) -> Result<OpenedAnswer, UpstreamError> {
    let mut body = reply.body;
    let mut reader = ChatStream::new(exchange.chat.head.wants_usage);
    let idle = body.idle();
    loop {
        let chunk = timeout(idle, body.next()).await.map_err(|_| UpstreamError::Timeout(idle))?;
        let Some(chunk) = chunk.transpose()? else {
            return match reader.finish() {
                StreamEnd::Complete => Ok(streaming(reader, body, Bytes::new())),
                StreamEnd::Cut => Err(UpstreamError::Cut("it ended before its first event".to_owned())),
            };
        };
        let first = reader.push(chunk).map_err(stream_error)?;
        if !first.is_empty() || reader.is_done() {
            return Ok(streaming(reader, body, first));
        }
    }
}

fn streaming(reader: ChatStream, body: UpstreamBody, first: Bytes) -> OpenedAnswer {
    OpenedAnswer::Stream(Box::new(OpenedStream { reader, body, first }))
}

/// A fault inside a stream as an upstream error.
pub(super) fn stream_error(fault: StreamFault) -> UpstreamError {
    match fault {
        StreamFault::Oversized => UpstreamError::Garbage("an event is larger than 1 MiB"),
        StreamFault::Garbage(what) => UpstreamError::Garbage(what),
        StreamFault::UpstreamError(words) => {
            UpstreamError::Status { status: 502, words: Some(Box::new(words)), retry_after: None }
        }
    }
}

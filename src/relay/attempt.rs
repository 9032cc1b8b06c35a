//! One attempt at one deployment: word the request, send it, and wait for the first sign of a real answer.
//! Owns what counts as such a sign. Refuses to hand anything to the client.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use farthing_actors::breakers::Trial;
use farthing_actors::domain::Dialect;
use farthing_actors::registry::catalogue::Candidate;
use tokio::time::timeout;

use super::Relay;
use super::abandoned::bills_abandoned;
use super::exchange::{Admitted, Exchange, target};
use super::wording::{delivery, spoken, word};
use crate::dialect::answer::{self, Anew};
use crate::dialect::{Endpoint, Passage, Reading, StreamEnd, StreamFault, UpstreamWords};
use crate::upstream::{UpstreamBody, UpstreamError, UpstreamReply, UpstreamRequest};

/// Comments that are kept for the client before the first event; with more of them it has begun.
const MOST_COMMENTS: usize = 16 * 1024;

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
    Whole(OpenedWhole),
    /// A stream whose first event has come.
    Stream(Box<OpenedStream>),
}

/// A whole answer, as it came.
pub(super) struct OpenedWhole {
    pub body: Bytes,
    /// What the provider says it is; of an object nobody need be told.
    pub content_type: Option<Box<str>>,
    /// The usage it reports.
    pub reading: Reading,
    /// The same on its way to the client's dialect, where that is another.
    pub anew: Option<Anew>,
}

/// A stream at its first event.
pub(super) struct OpenedStream {
    pub reader: Box<dyn Passage>,
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
        let (provider, spoken) = (&candidate.provider, spoken(exchange, candidate));
        let body = word(exchange, admitted, candidate, spoken)?;
        admitted.attempts = admitted.attempts.saturating_add(1);
        admitted.note_target(candidate, exchange.head().stream).await;
        admitted.tried = Some(target(candidate));
        exchange.told.set(Reading::Absent);
        let request = UpstreamRequest {
            body,
            content_type: exchange.ask.request.content_type(),
            endpoint: exchange.ask.request.endpoint(),
            dialect: spoken,
            model: &candidate.deployment.upstream_model,
            delivery: delivery(exchange, spoken),
            headers: if spoken == exchange.ask.request.dialect() { &exchange.ask.headers } else { &[] },
        };
        exchange.flight.is_billed.set(bills_abandoned(candidate));
        let sent = self.clock.monotonic();
        let answer = match self.upstream.send(provider, request).await {
            Ok(reply) => {
                let reader = self.reader(exchange, candidate, spoken);
                read(exchange, (spoken, reader), reply, provider.timeouts.total()).await
            }
            Err(error) => Err(error),
        };
        exchange.flight.is_billed.set(false);
        let took = self.clock.monotonic().saturating_sub(sent);
        admitted.waited += took;
        if answer.is_ok() {
            self.breakers.timed(candidate.deployment.callee(), exchange.head().stream, took);
        }
        answer
    }

    /// What will read a stream. It is listened to where the deployment is not known to report what it consumes.
    fn reader(&self, exchange: &Exchange, candidate: &Candidate, spoken: Dialect) -> Option<Box<dyn Passage>> {
        let request = &exchange.ask.request;
        if !request.head().stream {
            return None;
        }
        let listen =
            request.endpoint() == Endpoint::Conversation && !self.recounting.reporting.knows(candidate.deployment.id);
        let reader = if listen { answer::overheard } else { answer::passage };
        Some(reader(request, spoken, exchange.seconds()))
    }
}

/// What comes after the head is mostly there already; then no timer is set.
async fn read(
    exchange: &Exchange,
    (spoken, reader): (Dialect, Option<Box<dyn Passage>>),
    reply: UpstreamReply,
    patience: Duration,
) -> Result<OpenedAnswer, UpstreamError> {
    let answer = async {
        match reader {
            Some(reader) => first_event(exchange, reader, reply).await,
            None => whole(exchange, spoken, reply).await,
        }
    };
    timeout(patience, answer).await.unwrap_or(Err(UpstreamError::Timeout(patience)))
}

async fn whole(exchange: &Exchange, spoken: Dialect, reply: UpstreamReply) -> Result<OpenedAnswer, UpstreamError> {
    let request = &exchange.ask.request;
    let sound = matches!(request.endpoint(), Endpoint::Transcriptions | Endpoint::Speech);
    let content_type = reply.content_type.filter(|_| sound).map(String::into_boxed_str);
    let length = reply.length;
    let body = reply.body.read_all().await?;
    // An object shows by itself whether it is whole.
    if !request.wants_object() && length.is_some_and(|length| length != body.len()) {
        return Err(UpstreamError::Cut("it ended before its length".to_owned()));
    }
    let reading = if request.wants_object() {
        answer::inspect(request.endpoint(), spoken, &body).ok_or_else(|| {
            exchange.told.set(answer::usage(request.endpoint(), spoken, &body));
            no_answer(&body)
        })?
    } else if request.endpoint() == Endpoint::Speech && is_no_sound(&body, content_type.as_deref()) {
        return Err(no_answer(&body));
    } else {
        Reading::Absent
    };
    let anew = if spoken == request.dialect() {
        None
    } else {
        let anew = answer::translate(request, spoken, &body, exchange.seconds());
        Some(anew.ok_or(UpstreamError::Garbage("it cannot be translated"))?)
    };
    Ok(OpenedAnswer::Whole(OpenedWhole { body, content_type, reading, anew }))
}

/// Whether what should be sound is nothing, or an explanation.
fn is_no_sound(body: &[u8], content_type: Option<&str>) -> bool {
    body.is_empty() || content_type.is_some_and(|kind| kind.trim_start().starts_with("application/json"))
}

/// An error that came with an accepting status, or something else that is no answer.
pub(super) fn no_answer(body: &[u8]) -> UpstreamError {
    match UpstreamWords::read(body) {
        Some(words) => UpstreamError::Status { status: 502, words: Some(Box::new(words)), retry_after: None },
        None => UpstreamError::Garbage("it is not an answer of the provider's dialect"),
    }
}

/// Errors come inside accepted streams too: until the first real event, another deployment may still be tried.
async fn first_event(
    exchange: &Exchange,
    mut reader: Box<dyn Passage>,
    reply: UpstreamReply,
) -> Result<OpenedAnswer, UpstreamError> {
    let mut body = reply.body;
    let idle = body.idle();
    let mut comments = BytesMut::new();
    loop {
        let chunk = timeout(idle, body.next()).await.map_err(|_| UpstreamError::Timeout(idle))?;
        let Some(chunk) = chunk.transpose()? else {
            return match reader.finish() {
                StreamEnd::Complete => Ok(streaming(reader, body, comments.freeze())),
                StreamEnd::Cut => Err(UpstreamError::Cut("it ended before its first event".to_owned())),
            };
        };
        let first = reader.push(chunk).map_err(|fault| {
            exchange.told.set(reader.usage());
            stream_error(fault)
        })?;
        let is_comment = is_comment(&first) && comments.len() < MOST_COMMENTS;
        if is_comment && !reader.is_done() {
            comments.extend_from_slice(&first);
        } else if comments.is_empty() {
            return Ok(streaming(reader, body, first));
        } else {
            comments.extend_from_slice(&first);
            return Ok(streaming(reader, body, comments.freeze()));
        }
    }
}

/// Whether these whole events say nothing but that the provider is alive.
fn is_comment(events: &[u8]) -> bool {
    let mut lines = events.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.all(|line| line.is_empty() || line.starts_with(b":"))
}

fn streaming(reader: Box<dyn Passage>, body: UpstreamBody, first: Bytes) -> OpenedAnswer {
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

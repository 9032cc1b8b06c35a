//! Answers: the relay's answer as an HTTP response. Owns the response headers that tell what Farthing did.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use bytes::Bytes;
use farthing_actors::domain::Money;
use farthing_actors::idempotency::{Answered, Shape};
use farthing_actors::limiters::{Allowance, Headroom};

use crate::relay::{Answer, AnswerBody, Facts, Outflow, Refusal, RelayError, Sent};
use crate::upstream::Delivery;
use crate::web::error::{Code, Problem};

/// The answer with its headers.
pub fn respond(answer: Answer) -> HttpResponse {
    let Answer { facts, body } = answer;
    let mut response = match body {
        AnswerBody::Whole(body, kind) => {
            let mut response = HttpResponse::Ok().body(body);
            set(response.headers_mut(), CONTENT_TYPE, kind.as_deref().unwrap_or("application/json"));
            response
        }
        AnswerBody::Stream(pieces, delivery) => {
            let mut response = HttpResponse::Ok().body(Pieces(pieces));
            stream_headers(response.headers_mut(), delivery);
            response
        }
    };
    tell(response.headers_mut(), &facts);
    response
}

/// A failure. Where it was sent to a provider before, headers say where and at what cost; where a limit refused it, what is left.
pub fn failed(error: RelayError) -> HttpResponse {
    let mut response = Problem::from(error.clone()).error_response();
    let headers = response.headers_mut();
    match &error {
        RelayError::Upstream { provider, sent: Some(sent), .. } => {
            let Sent { model, attempts, cost } = &**sent;
            where_it_went(headers, (provider, model), *attempts, cost.filter(|cost| *cost != Money::ZERO));
        }
        RelayError::Refused(Refusal::Limited(limit)) => rate_limits(headers, &limit.headroom()),
        _ => {}
    }
    response
}

/// An answer that was given before, again: the same bytes under the same id. A stream comes at once.
///
/// # Errors
/// 409 if it is not kept; the message says which request it was.
pub fn again(answered: Answered) -> Result<HttpResponse, Problem> {
    let Some(body) = answered.body else { return Err(not_kept(&answered)) };
    let mut response = HttpResponse::Ok().body(body);
    let headers = response.headers_mut();
    match answered.shape {
        Shape::Whole => set(headers, CONTENT_TYPE, "application/json"),
        Shape::Events => stream_headers(headers, Delivery::Events),
        Shape::Array => stream_headers(headers, Delivery::Array),
    }
    set(headers, HeaderName::from_static("idempotent-replayed"), "true");
    set(headers, HeaderName::from_static("x-farthing-request-id"), &answered.request.to_string());
    Ok(response)
}

fn not_kept(answered: &Answered) -> Problem {
    let figures = answered.bill.as_ref().map(|bill| {
        let (input, output) = (bill.usage.prompt(), bill.usage.generated());
        format!(" ({input} input and {output} output tokens, ${})", bill.amount)
    });
    let (request, figures) = (answered.request, figures.unwrap_or_default());
    let message = format!(
        "this idempotency key was answered by {request}{figures}, but the answer cannot be given again: it was larger than \
         1 MiB, was no JSON, or was sealed under another master key; send another key to ask anew"
    );
    Problem::new(Code::AnswerNotKept, message)
}

fn content_type(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Events => "text/event-stream; charset=utf-8",
        Delivery::Array | Delivery::Whole => "application/json; charset=utf-8",
    }
}

fn stream_headers(headers: &mut HeaderMap, delivery: Delivery) {
    set(headers, CONTENT_TYPE, content_type(delivery));
    set(headers, CACHE_CONTROL, "no-cache");
    set(headers, HeaderName::from_static("x-accel-buffering"), "no");
}

fn tell(headers: &mut HeaderMap, facts: &Facts) {
    where_it_went(headers, (&facts.provider, &facts.model), facts.attempts, facts.cost);
    set(headers, HeaderName::from_static("x-farthing-overhead-us"), &facts.overhead_us.to_string());
    if let Some(cache) = facts.cache {
        set(headers, HeaderName::from_static("x-farthing-cache"), cache.name());
    }
    if let Some(cap) = facts.lowered {
        number(headers, "x-farthing-output-cap", cap);
    }
    if !facts.ignored.is_empty() {
        set(headers, HeaderName::from_static("x-farthing-ignored"), &facts.ignored.join(", "));
    }
    if let Some(headroom) = &facts.headroom {
        rate_limits(headers, headroom);
    }
}

fn where_it_went(headers: &mut HeaderMap, (provider, model): (&str, &str), attempts: u16, cost: Option<Money>) {
    set(headers, HeaderName::from_static("x-farthing-provider"), provider);
    set(headers, HeaderName::from_static("x-farthing-model"), model);
    number(headers, "x-farthing-attempts", attempts);
    if let Some(cost) = cost {
        set(headers, HeaderName::from_static("x-farthing-cost"), &cost.to_string());
    }
}

fn rate_limits(headers: &mut HeaderMap, headroom: &Headroom) {
    const REQUESTS: [&str; 3] =
        ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
    const TOKENS: [&str; 3] = ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];
    for (names, allowance) in [(REQUESTS, headroom.requests), (TOKENS, headroom.tokens)] {
        if let Some(allowance) = allowance {
            rate_limit(headers, names, allowance);
        }
    }
}

/// OpenAI's trio; the reset is a duration such as `1.5s`.
fn rate_limit(headers: &mut HeaderMap, [limit, remaining, reset]: [&'static str; 3], allowance: Allowance) {
    number(headers, limit, allowance.limit);
    number(headers, remaining, allowance.remaining);
    let wait = allowance.reset.as_millis();
    set(headers, HeaderName::from_static(reset), &format!("{}.{:03}s", wait / 1_000, wait % 1_000));
}

fn number(headers: &mut HeaderMap, name: &'static str, value: impl Into<HeaderValue>) {
    headers.insert(HeaderName::from_static(name), value.into());
}

/// A value that is not fit for a header (an operator may name a provider anything) is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A streamed body: only reads a channel. Dropped when the client leaves, which is how the relay learns of it.
struct Pieces(Outflow);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.0.poll_next(waker).map(|piece| piece.map(Ok))
    }
}

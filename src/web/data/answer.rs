//! Answers: the relay's answer as an HTTP response. Owns the response headers that tell what Farthing did.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use farthing_actors::limiters::{Allowance, Headroom};
use tokio::sync::mpsc;

use crate::relay::{Answer, AnswerBody, Facts};
use crate::upstream::Delivery;

/// The answer with its headers.
pub fn respond(answer: Answer) -> HttpResponse {
    let Answer { facts, body } = answer;
    let mut response = match body {
        AnswerBody::Whole(body) => {
            let mut response = HttpResponse::Ok().body(body);
            set(response.headers_mut(), CONTENT_TYPE, "application/json");
            response
        }
        AnswerBody::Stream(pieces, delivery) => {
            let mut response = HttpResponse::Ok().body(Pieces(pieces));
            set(response.headers_mut(), CONTENT_TYPE, content_type(delivery));
            set(response.headers_mut(), CACHE_CONTROL, "no-cache");
            set(response.headers_mut(), HeaderName::from_static("x-accel-buffering"), "no");
            response
        }
    };
    tell(response.headers_mut(), &facts);
    response
}

fn content_type(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Events => "text/event-stream; charset=utf-8",
        Delivery::Array | Delivery::Whole => "application/json; charset=utf-8",
    }
}

fn tell(headers: &mut HeaderMap, facts: &Facts) {
    set(headers, HeaderName::from_static("x-farthing-provider"), &facts.provider);
    set(headers, HeaderName::from_static("x-farthing-model"), &facts.model);
    number(headers, "x-farthing-attempts", facts.attempts);
    set(headers, HeaderName::from_static("x-farthing-overhead-us"), &facts.overhead_us.to_string());
    if let Some(cost) = facts.cost {
        set(headers, HeaderName::from_static("x-farthing-cost"), &cost.to_string());
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
struct Pieces(mpsc::Receiver<Bytes>);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.0.poll_recv(waker).map(|piece| piece.map(Ok))
    }
}

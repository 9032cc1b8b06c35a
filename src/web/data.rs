//! The data plane: what applications call, under `/v1` and `/v1beta`. Owns nothing but its handlers' shapes.
//! Refuses everybody without a valid key, even to say that there is nothing at a path.

pub mod answer;
pub mod chat_completions;
pub mod gemini;
pub mod key;
pub mod messages;
pub mod models;
pub mod plain;
pub mod responses;

use std::rc::Rc;

use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use crate::dialect::Request;
use crate::relay::{Ask, Relay};
use crate::web::error::{Code, Problem};
use crate::web::extract::request_id::ThisRequest;
use crate::web::extract::virtual_key::Caller;

/// Headers of Anthropic's clients that mean something to a provider of the same dialect.
const FORWARDED: [&str; 2] = ["anthropic-version", "anthropic-beta"];

/// There is nothing at this path; said only to a caller.
pub async fn unknown(_: Caller) -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::NotFound))
}

/// The path exists, the method does not; said only to a caller.
pub async fn wrong_method(_: Caller) -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::MethodNotAllowed))
}

/// Serves a request that generates, in whichever dialect.
async fn serve(
    relay: &Rc<Relay>,
    Caller(key): Caller,
    http: &HttpRequest,
    request: Request,
) -> Result<HttpResponse, Problem> {
    let id = http.extensions().get::<ThisRequest>().copied().ok_or_else(|| Problem::plain(Code::Internal))?;
    let headers = if matches!(request, Request::Messages(_)) { forwarded(http) } else { Vec::new() };
    let answer = relay.serve(id.0, key, Ask { request, headers }).await?;
    Ok(answer::respond(answer))
}

/// Counts the tokens of a request that is not sent.
async fn count(relay: &Rc<Relay>, Caller(key): Caller, request: Request) -> Result<HttpResponse, Problem> {
    let body = relay.count_tokens(&key, &request)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

/// A header that comes several times is one list.
fn forwarded(http: &HttpRequest) -> Vec<(&'static str, String)> {
    let value = |name: &'static str| {
        let values: Vec<_> = http.headers().get_all(name).filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| (name, values.join(", ")))
    };
    FORWARDED.into_iter().filter_map(value).collect()
}

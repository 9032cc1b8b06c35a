//! The data plane: what applications call, under `/v1` and `/v1beta`. Owns nothing but its handlers' shapes.
//! Refuses everybody without a valid key, even to say that there is nothing at a path.

pub mod answer;
mod caching;
pub mod chat_completions;
pub mod gemini;
mod idempotency;
pub mod key;
pub mod messages;
pub mod models;
mod parameters;
pub mod plain;
pub mod responses;

use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use farthing_actors::domain::{Dialect, name};

use idempotency::Before;

use crate::dialect::Request;
use crate::relay::{Ask, Relay};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::request_id::ThisRequest;
use crate::web::extract::virtual_key::Caller;

/// Headers of Anthropic's clients that mean something to a provider of the same dialect.
const FORWARDED: [&str; 2] = [ANTHROPIC, "anthropic-beta"];

/// The run of an agent that a request is part of.
const RUN: &str = "x-farthing-run";
const BAD_RUN: &str = "x-farthing-run must be a name of 1 to 128 printable characters";

/// What the rules of groups may look at.
const TAGS: &str = "x-farthing-tags";

/// Every request of an Anthropic client carries it, and no other client does.
const ANTHROPIC: &str = "anthropic-version";
/// The same for Google's clients, which call by `/v1` as well as by `/v1beta`.
const GOOGLE: &str = "x-goog-api-key";

/// The dialect of the route, by its path under `/v1` or `/v1beta`; where clients of several call it, of the client.
pub fn dialect_of(request: &HttpRequest) -> Option<Dialect> {
    let path = request.path();
    if path.starts_with("/v1beta") {
        return Some(Dialect::Gemini);
    }
    let rest = path.strip_prefix("/v1").filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
    if rest.starts_with("/models") {
        return Some(dialect_of_models(request));
    }
    Some(if rest.starts_with("/messages") { Dialect::Anthropic } else { Dialect::OpenaiChat })
}

/// The dialect of a request for models: only Google's are called by posting to one.
fn dialect_of_models(request: &HttpRequest) -> Dialect {
    let says = |name| request.headers().contains_key(name);
    match request.method() {
        &Method::POST => Dialect::Gemini,
        _ if says(GOOGLE) => Dialect::Gemini,
        _ if says(ANTHROPIC) => Dialect::Anthropic,
        _ => Dialect::OpenaiChat,
    }
}

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
    caller: Caller,
    http: &HttpRequest,
    request: Request,
) -> Result<HttpResponse, Problem> {
    // Bodies that were let in together may be whole together.
    let gateway = http.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal))?;
    gateway.admit()?;
    caller.check(gateway, http.path())?;
    parameters::check(&caller.0, &request)?;
    caller.take(gateway)?;
    let Caller(key) = caller;
    let id = http.extensions().get::<ThisRequest>().copied().ok_or_else(|| Problem::plain(Code::Internal))?;
    let headers = if matches!(request, Request::Messages(_)) { forwarded(http) } else { Vec::new() };
    let run = run(http)?;
    let claim = match idempotency::claim(http, &key, &request, id).await? {
        Before::Nothing(claim) => claim,
        Before::Answered(answered) => return answer::again(answered),
    };
    let caching = caching::wanted(http, &key, relay.cache.bounds().max_age);
    let answer = relay.serve(id.0, key, Ask { request, headers, run, tags: tags(http), claim, caching }).await?;
    Ok(answer::respond(answer))
}

/// Counts the tokens of a request that is not sent.
async fn count(relay: &Rc<Relay>, Caller(key): Caller, request: Request) -> Result<HttpResponse, Problem> {
    parameters::check(&key, &request)?;
    let body = relay.count_tokens(&key, &request)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

/// The run of an agent that the request says it is part of.
fn run(http: &HttpRequest) -> Result<Option<Arc<str>>, Problem> {
    let Some(value) = http.headers().get(RUN) else { return Ok(None) };
    let name = value.to_str().ok().filter(|name| name::fault(name).is_none());
    let name = name.ok_or_else(|| Problem::new(Code::InvalidValue, BAD_RUN).at(RUN))?;
    Ok(Some(name.into()))
}

/// The tags of the request, as one list.
fn tags(http: &HttpRequest) -> Option<Box<str>> {
    let values: Vec<_> = http.headers().get_all(TAGS).filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(",").into())
}

/// A header that comes several times is one list.
fn forwarded(http: &HttpRequest) -> Vec<(&'static str, String)> {
    let value = |name: &'static str| {
        let values: Vec<_> = http.headers().get_all(name).filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| (name, values.join(", ")))
    };
    FORWARDED.into_iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_route_of_several_dialects_speaks_its_clients() {
        for (method, path, header, dialect) in [
            (Method::GET, "/v1/models", "authorization", Some(Dialect::OpenaiChat)),
            (Method::GET, "/v1/models", ANTHROPIC, Some(Dialect::Anthropic)),
            (Method::GET, "/v1/models/a/b", GOOGLE, Some(Dialect::Gemini)),
            (Method::POST, "/v1/models/m:generateContent", "authorization", Some(Dialect::Gemini)),
            (Method::GET, "/v1beta/models", "authorization", Some(Dialect::Gemini)),
            (Method::POST, "/v1/chat/completions", GOOGLE, Some(Dialect::OpenaiChat)),
            (Method::POST, "/v1/messages", "authorization", Some(Dialect::Anthropic)),
            (Method::GET, "/v1x", GOOGLE, None),
        ] {
            let request = TestRequest::with_uri(path).method(method).insert_header((header, "x")).to_http_request();
            assert_eq!(dialect_of(&request), dialect, "{path} {header}");
        }
    }
}

//! The data plane: what applications call, under `/v1` and `/v1beta`. Owns nothing but its handlers' shapes.
//! Refuses everybody without a valid key, even to say that there is nothing at a path.

pub mod answer;
mod caching;
mod call;
pub mod chat_completions;
pub mod gemini;
mod idempotency;
pub mod key;
pub mod messages;
pub mod models;
mod parameters;
pub mod plain;
pub mod responses;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};
use farthing_actors::domain::Dialect;

use crate::web::error::{Code, Problem};
use crate::web::extract::virtual_key::Caller;

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

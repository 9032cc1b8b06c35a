//! POST `/v1/completions`, `/v1/embeddings`, `/v1/moderations`, `/v1/images/generations`, `/v1/rerank`,
//! `/v1/audio/transcriptions` and `/v1/audio/speech`: calls that are no conversation in a dialect of many, to providers that have them.

use std::rc::Rc;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};

use super::serve;
use crate::dialect::{ChatRequest, Endpoint, PlainRequest, Request};
use crate::relay::Relay;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::body;
use crate::web::extract::virtual_key::Caller;

/// The largest upload: OpenAI takes files of 25 MB.
const MAX_UPLOAD: usize = 25 * 1024 * 1024;

/// Serves whatever the path names.
///
/// # Errors
/// In OpenAI's shape, whatever went wrong.
pub async fn call(
    caller: Caller,
    gateway: web::Data<Gateway>,
    relay: web::ThinData<Rc<Relay>>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    gateway.admit()?;
    let body = body::read(&request, payload, gateway.max_body_bytes).await?;
    let plain = |endpoint, body| PlainRequest::parse(endpoint, body).map(Request::Plain);
    let asked = match request.path().rsplit('/').next() {
        Some("completions") => ChatRequest::parse_completion(body).map(Request::Completion),
        Some("embeddings") => plain(Endpoint::Embeddings, body),
        Some("generations") => plain(Endpoint::Images, body),
        Some("speech") => plain(Endpoint::Speech, body),
        Some("moderations") => plain(Endpoint::Moderations, body),
        _ => plain(Endpoint::Rerank, body),
    };
    serve(&relay, caller, &request, asked?).await
}

/// Serves an upload of sound that is to become text.
///
/// # Errors
/// In OpenAI's shape, whatever went wrong.
pub async fn transcribe(
    caller: Caller,
    gateway: web::Data<Gateway>,
    relay: web::ThinData<Rc<Relay>>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    gateway.admit()?;
    let body = body::read(&request, payload, gateway.max_body_bytes.max(MAX_UPLOAD)).await?;
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let asked = PlainRequest::parse_upload(content_type.unwrap_or_default(), body)?;
    serve(&relay, caller, &request, Request::Plain(asked)).await
}

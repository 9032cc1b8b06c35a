//! POST `/v1/completions`, `/v1/embeddings`, `/v1/moderations`, `/v1/images/generations`, `/v1/rerank`,
//! `/v1/audio/transcriptions` and `/v1/audio/speech`: calls that are no conversation in a dialect of many, to providers that have them.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;

use super::call::Call;
use crate::dialect::{ChatRequest, Endpoint, PlainRequest, Request};
use crate::web::error::Problem;

/// The largest upload: OpenAI takes files of 25 MB.
const MAX_UPLOAD: usize = 25 * 1024 * 1024;

/// Serves whatever the path names.
///
/// # Errors
/// In OpenAI's shape, whatever went wrong.
pub async fn call(mut call: Call) -> Result<HttpResponse, Problem> {
    let body = call.body().await?;
    let plain = |endpoint, body| PlainRequest::parse(endpoint, body).map(Request::Plain);
    let asked = match call.http.path().rsplit('/').next() {
        Some("completions") => ChatRequest::parse_completion(body).map(Request::Completion),
        Some("embeddings") => plain(Endpoint::Embeddings, body),
        Some("generations") => plain(Endpoint::Images, body),
        Some("speech") => plain(Endpoint::Speech, body),
        Some("moderations") => plain(Endpoint::Moderations, body),
        _ => plain(Endpoint::Rerank, body),
    };
    call.serve(asked?).await
}

/// Serves an upload of sound that is to become text.
///
/// # Errors
/// In OpenAI's shape, whatever went wrong.
pub async fn transcribe(mut call: Call) -> Result<HttpResponse, Problem> {
    let body = call.upload(MAX_UPLOAD).await?;
    let content_type = call.http.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let asked = PlainRequest::parse_upload(content_type.unwrap_or_default(), body)?;
    call.serve(Request::Plain(asked)).await
}

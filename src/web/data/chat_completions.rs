//! POST `/v1/chat/completions`: OpenAI's chat, streamed and not.

use actix_web::HttpResponse;

use super::call::Call;
use crate::dialect::{ChatRequest, Request};
use crate::web::error::Problem;

/// Serves one chat completion.
///
/// # Errors
/// In OpenAI's shape, whatever went wrong.
pub async fn create(mut call: Call) -> Result<HttpResponse, Problem> {
    let body = call.body().await?;
    call.serve(Request::Chat(ChatRequest::parse(body)?)).await
}

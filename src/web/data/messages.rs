//! POST `/v1/messages` and `/v1/messages/count_tokens`: Anthropic's Messages, to any provider.

use actix_web::HttpResponse;

use super::call::Call;
use crate::dialect::{MessagesRequest, Request};
use crate::web::error::Problem;

/// Serves one message.
///
/// # Errors
/// In Anthropic's shape, whatever went wrong.
pub async fn create(mut call: Call) -> Result<HttpResponse, Problem> {
    let body = call.body().await?;
    call.serve(Request::Messages(MessagesRequest::parse(body)?)).await
}

/// Counts the tokens of a message that is not sent.
///
/// # Errors
/// In Anthropic's shape, whatever went wrong.
pub async fn count_tokens(mut call: Call) -> Result<HttpResponse, Problem> {
    let body = call.body().await?;
    call.count(Request::Messages(MessagesRequest::parse_for_counting(body)?)).await
}

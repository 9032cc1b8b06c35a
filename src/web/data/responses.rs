//! POST `/v1/responses`: OpenAI's Responses, streamed and not, to any provider.

use actix_web::HttpResponse;

use super::call::Call;
use crate::dialect::{Request, ResponsesRequest};
use crate::web::error::Problem;

/// Serves one response.
///
/// # Errors
/// In OpenAI's shape, whatever went wrong.
pub async fn create(mut call: Call) -> Result<HttpResponse, Problem> {
    let body = call.body().await?;
    call.serve(Request::Responses(ResponsesRequest::parse(body)?)).await
}

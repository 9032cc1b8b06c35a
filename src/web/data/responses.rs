//! POST `/v1/responses`: OpenAI's Responses, streamed and not, to any provider.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::serve;
use crate::dialect::{Request, ResponsesRequest};
use crate::relay::Relay;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::body;
use crate::web::extract::virtual_key::Caller;

/// Serves one response.
///
/// # Errors
/// In OpenAI's shape, whatever went wrong.
pub async fn create(
    caller: Caller,
    gateway: web::Data<Gateway>,
    relay: web::ThinData<Rc<Relay>>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    gateway.admit()?;
    let body = body::read(&request, payload, gateway.max_body_bytes).await?;
    serve(&relay, caller, &request, Request::Responses(ResponsesRequest::parse(body)?)).await
}

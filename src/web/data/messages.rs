//! POST `/v1/messages` and `/v1/messages/count_tokens`: Anthropic's Messages, to any provider.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{count, serve};
use crate::dialect::{MessagesRequest, Request};
use crate::relay::Relay;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::body;
use crate::web::extract::virtual_key::Caller;

/// Serves one message.
///
/// # Errors
/// In Anthropic's shape, whatever went wrong.
pub async fn create(
    caller: Caller,
    gateway: web::Data<Gateway>,
    relay: web::ThinData<Rc<Relay>>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    gateway.admit()?;
    let body = body::read(&request, payload, gateway.max_body_bytes).await?;
    serve(&relay, caller, &request, Request::Messages(MessagesRequest::parse(body)?)).await
}

/// Counts the tokens of a message that is not sent.
///
/// # Errors
/// In Anthropic's shape, whatever went wrong.
pub async fn count_tokens(
    caller: Caller,
    gateway: web::Data<Gateway>,
    relay: web::ThinData<Rc<Relay>>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    gateway.admit()?;
    let body = body::read(&request, payload, gateway.max_body_bytes).await?;
    count(&relay, caller, Request::Messages(MessagesRequest::parse_for_counting(body)?)).await
}

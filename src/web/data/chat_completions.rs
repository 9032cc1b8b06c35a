//! POST `/v1/chat/completions`: OpenAI's chat, streamed and not.

use std::rc::Rc;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use super::answer;
use crate::dialect::ChatRequest;
use crate::relay::Relay;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::body;
use crate::web::extract::request_id::ThisRequest;
use crate::web::extract::virtual_key::Caller;

/// Serves one chat completion.
///
/// # Errors
/// In OpenAI's shape, whatever went wrong.
pub async fn create(
    gateway: web::Data<Gateway>,
    relay: web::ThinData<Rc<Relay>>,
    Caller(key): Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    gateway.admit()?;
    let id = request.extensions().get::<ThisRequest>().copied().ok_or_else(|| Problem::plain(Code::Internal))?;
    let body = body::read(&request, payload, gateway.max_body_bytes).await?;
    let chat = ChatRequest::parse(body)?;
    let answer = relay.serve(id.0, key, chat).await?;
    Ok(answer::respond(answer))
}

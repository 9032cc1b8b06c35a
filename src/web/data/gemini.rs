//! POST `/v1beta/models/{model}:generateContent` and its sisters, by `/v1` too: Google's Gemini, to any provider.
//! Owns the reading of the path, where Gemini has the model and what is wanted.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{count, serve};
use crate::dialect::{EmbedRequest, Framing, GeminiRequest, Request};
use crate::relay::Relay;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::body;
use crate::web::extract::virtual_key::Caller;

/// Serves whatever the path asks of a model.
///
/// # Errors
/// In Google's shape, whatever went wrong.
pub async fn call(
    caller: Caller,
    gateway: web::Data<Gateway>,
    relay: web::ThinData<Rc<Relay>>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    gateway.admit()?;
    // Loaded, not queried: a query leaves `%2F`, `%25` and `%2B` encoded.
    let path: String = request.match_info().load().map_err(|_| Problem::plain(Code::NotFound))?;
    let (model, method) = path.rsplit_once(':').ok_or_else(|| Problem::plain(Code::NotFound))?;
    let body = body::read(&request, payload, gateway.max_body_bytes).await?;
    match method {
        "generateContent" | "streamGenerateContent" => {
            let gemini = GeminiRequest::parse(body, model, method != "generateContent")?;
            serve(&relay, caller, &request, Request::Gemini(gemini, framing(&request))).await
        }
        "countTokens" => {
            count(&relay, caller, Request::Gemini(GeminiRequest::parse_for_counting(body, model)?, Framing::Sse)).await
        }
        "embedContent" | "batchEmbedContents" => {
            let embed = EmbedRequest::parse(body, model, method != "embedContent")?;
            serve(&relay, caller, &request, Request::Embed(embed)).await
        }
        _ => Err(Problem::plain(Code::NotFound)),
    }
}

/// Without `alt=sse` a stream is one JSON array.
fn framing(request: &HttpRequest) -> Framing {
    let sse = request.query_string().split('&').any(|pair| pair == "alt=sse");
    if sse { Framing::Sse } else { Framing::Array }
}

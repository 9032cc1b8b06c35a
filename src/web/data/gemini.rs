//! POST `/v1beta/models/{model}:generateContent` and its sisters, by `/v1` too: Google's Gemini, to any provider.
//! Owns the reading of the path, where Gemini has the model and what is wanted.

use actix_web::{HttpRequest, HttpResponse};

use super::call::Call;
use crate::dialect::{EmbedRequest, Framing, GeminiRequest, Request};
use crate::web::error::{Code, Problem};

/// Serves whatever the path asks of a model.
///
/// # Errors
/// In Google's shape, whatever went wrong.
pub async fn call(mut call: Call) -> Result<HttpResponse, Problem> {
    // Loaded, not queried: a query leaves `%2F`, `%25` and `%2B` encoded.
    let path: String = call.http.match_info().load().map_err(|_| Problem::plain(Code::NotFound))?;
    let (model, method) = path.rsplit_once(':').ok_or_else(|| Problem::plain(Code::NotFound))?;
    let body = call.body().await?;
    match method {
        "generateContent" | "streamGenerateContent" => {
            let gemini = GeminiRequest::parse(body, model, method != "generateContent")?;
            let framing = framing(&call.http);
            call.serve(Request::Gemini(gemini, framing)).await
        }
        "countTokens" => {
            call.count(Request::Gemini(GeminiRequest::parse_for_counting(body, model)?, Framing::Sse)).await
        }
        "embedContent" | "batchEmbedContents" => {
            let embed = EmbedRequest::parse(body, model, method != "embedContent")?;
            call.serve(Request::Embed(embed)).await
        }
        _ => Err(Problem::plain(Code::NotFound)),
    }
}

/// Without `alt=sse` a stream is one JSON array.
fn framing(request: &HttpRequest) -> Framing {
    let sse = request.query_string().split('&').any(|pair| pair == "alt=sse");
    if sse { Framing::Sse } else { Framing::Array }
}

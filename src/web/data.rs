//! The data plane: what applications call, under `/v1`. Owns nothing but its handlers' shapes.
//! Refuses everybody without a valid key, even to say that there is nothing at a path.

pub mod answer;
pub mod chat_completions;
pub mod key;
pub mod models;

use actix_web::HttpResponse;

use crate::web::error::{Code, Problem};
use crate::web::extract::virtual_key::Caller;

/// There is nothing at this path; said only to a caller.
pub async fn unknown(_: Caller) -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::NotFound))
}

/// The path exists, the method does not; said only to a caller.
pub async fn wrong_method(_: Caller) -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::MethodNotAllowed))
}

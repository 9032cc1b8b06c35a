//! The request's id: made by the outermost layer, seen in logs, headers and entries.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use farthing_actors::domain::RequestId;

use crate::web::error::{Code, Problem};

/// The id of the request being served.
#[derive(Debug, Clone, Copy)]
pub struct ThisRequest(pub RequestId);

impl FromRequest for ThisRequest {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.extensions().get::<Self>().copied();
        ready(id.ok_or_else(|| Problem::plain(Code::Internal)))
    }
}

//! What HTTP asks of methods everywhere: the answer to HEAD has the head of the one to GET and no body, and whoever uses a method that
//! a place has not is told those it has. Owns both for every route; refuses nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;

use crate::web::routes::Allowed;

/// What stands for a body that is not sent: its length alone, which the head tells.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// Leaves out the body where only the head was asked for, and lists the methods where another one was.
pub(super) fn conclude(mut response: ServiceResponse) -> ServiceResponse {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = response.request().app_data::<Allowed>().and_then(|it| HeaderValue::from_str(&it.0).ok());
        if let Some(allowed) = allowed {
            response.headers_mut().insert(ALLOW, allowed);
        }
    }
    if *response.request().method() != Method::HEAD {
        return response;
    }
    response.map_body(|_, body| BoxBody::new(Unsent(body.size())))
}

//! Unread: the rest of a chunked body that nobody wants.
//! Owns that its connection is closed with the answer. Left alone, actix-http reads such a body until it ends, which a
//! client decides; it closes only while somebody still holds the body, so the answer holds it.

use std::cell::RefCell;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_core::Stream;

/// A body of unknown length, with its reader or with its answer.
#[derive(Clone)]
pub(super) struct Shared(Rc<RefCell<Payload>>);

/// An answer that holds it.
struct Holding {
    body: BoxBody,
    _unread: Shared,
}

/// Takes hold of the body of `request` if its length is not known. Costs others nothing.
pub(super) fn hold(request: &mut ServiceRequest) -> Option<Shared> {
    if !request.chunked().unwrap_or(false) {
        return None;
    }
    let shared = Shared(Rc::new(RefCell::new(request.take_payload())));
    request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
    Some(shared)
}

/// The same answer, holding the body until it is sent.
pub(super) fn held(response: ServiceResponse, unread: Shared) -> ServiceResponse {
    response.map_body(|_, body| BoxBody::new(Holding { body, _unread: unread }))
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(waker)
    }
}

impl MessageBody for Holding {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(waker)
    }
}

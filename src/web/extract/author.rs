//! The author of whatever a request does: who, when and from where, as the audit trail tells it.
//! Owns how a request is described there. Refuses to say itself where a request is from: that is one answer, `strangers`'.

use std::sync::Arc;

use actix_web::http::header::{IF_MATCH, USER_AGENT};
use actix_web::{HttpMessage, HttpRequest, web};
use farthing_actors::domain::audit::Origin;
use farthing_actors::domain::{Author, Timestamp};

use super::request_id::ThisRequest;
use crate::web::Gateway;

/// Whoever has shown no credential, or a wrong one.
pub const ANONYMOUS: &str = "anonymous";

/// `name`, acting by this request.
pub fn author(request: &HttpRequest, name: &str, now: Timestamp) -> Author {
    let agent = request.headers().get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let pattern = request.match_pattern();
    let endpoint = (request.method().as_str().into(), pattern.as_deref().unwrap_or("none").into());
    let gateway = request.app_data::<web::Data<Gateway>>();
    let origin = Origin {
        request: request.extensions().get::<ThisRequest>().map(|ThisRequest(id)| *id),
        client_ip: gateway.and_then(|gateway| gateway.strangers.source(request)),
        user_agent: agent.map(|agent| Arc::from(&*agent)),
        endpoint: Some(endpoint),
        expects: expected(request),
    };
    Author { name: name.into(), at: now, origin }
}

/// The versions that are welcome, as one list.
fn expected(request: &HttpRequest) -> Option<Arc<str>> {
    let values: Vec<_> = request.headers().get_all(IF_MATCH).map(|value| value.to_str().unwrap_or_default()).collect();
    (!values.is_empty()).then(|| values.join(",").into())
}

/// Remembers who acts by this request, for what is recorded when it is over.
pub fn remember(request: &HttpRequest, author: &Author) {
    request.extensions_mut().insert(author.clone());
}

/// Who acts by this request, as far as it is known.
pub fn remembered(request: &HttpRequest, now: Timestamp) -> Author {
    let known = request.extensions().get::<Author>().cloned();
    known.unwrap_or_else(|| author(request, ANONYMOUS, now))
}

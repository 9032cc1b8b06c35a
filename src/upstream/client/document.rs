//! A document that is fetched now and then, such as a list of prices, or asked for with a form. Owns its deadline and its largest size.
//! Refuses redirects, as every call does: whoever wants another address writes it down.

use std::time::Duration;

use awc::http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use bytes::Bytes;
use tokio::time::timeout;

use super::resolver::{SystemNames, connector};
use super::{Source, UpstreamBody, connect_error, pool};
use crate::upstream::error::UpstreamError;
use crate::upstream::guard::Address;

const FORM: &str = "application/x-www-form-urlencoded";
/// Nobody waits for it, but it must end.
const PATIENCE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);
/// No server is silent for longer in the middle of a document.
const IDLE: Duration = Duration::from_secs(15);
/// Several times the size of the largest list there is.
const MAX_DOCUMENT: usize = 16 * 1024 * 1024;

/// The JSON document at `address`.
///
/// # Errors
/// If it cannot be had whole and in time, is larger than 16 MiB, or the answer is not 200.
pub async fn fetch(address: &Address) -> Result<Bytes, UpstreamError> {
    let call = client(address).get(&address.base);
    collect(dressed(call).send()).await
}

/// The JSON document that `address` answers a form with; `basic` is who asks, and the proof of it.
///
/// # Errors
/// As [`fetch`].
pub async fn submit(address: &Address, form: String, basic: Option<(&str, &str)>) -> Result<Bytes, UpstreamError> {
    let call = dressed(client(address).post(&address.base)).insert_header((CONTENT_TYPE, FORM));
    let call = match basic {
        Some((name, proof)) => call.basic_auth(name, proof),
        None => call,
    };
    collect(call.send_body(form)).await
}

/// Where the address itself says that it is private, its name may lead there.
pub(super) fn client(address: &Address) -> awc::Client {
    pool(connector(SystemNames, address.is_private()), CONNECT)
}

pub(super) fn dressed(call: awc::ClientRequest) -> awc::ClientRequest {
    let call = call.insert_header((ACCEPT, "application/json"));
    call.insert_header((USER_AGENT, concat!("farthing/", env!("CARGO_PKG_VERSION"))))
}

async fn collect(sent: awc::SendClientRequest) -> Result<Bytes, UpstreamError> {
    let answer = async {
        let response = sent.await.map_err(|error| connect_error(&error))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(UpstreamError::Status { status, words: None, retry_after: None });
        }
        UpstreamBody::new(Source::Http(Box::new(response)), IDLE).collect(MAX_DOCUMENT).await
    };
    timeout(PATIENCE, answer).await.unwrap_or(Err(UpstreamError::Timeout(PATIENCE)))
}

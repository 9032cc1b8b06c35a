//! Posting to somebody who wants to be told: one JSON body, to an address an operator chose.
//! Owns what counts as heard: any status of success. Refuses to follow redirects and to read the answer.

use std::time::Duration;

use awc::http::header::{CONTENT_TYPE, HeaderName};
use bytes::Bytes;
use tokio::time::timeout;

use super::connect_error;
use super::document::{client, dressed};
use crate::upstream::error::UpstreamError;
use crate::upstream::guard::Address;

const PATIENCE: Duration = Duration::from_secs(10);

/// Posts `body` with these headers.
///
/// # Errors
/// If it was not taken in ten seconds, or the status is none of success.
pub async fn post(address: &Address, headers: &[(HeaderName, String)], body: Bytes) -> Result<(), UpstreamError> {
    let call = dressed(client(address).post(&address.base)).insert_header((CONTENT_TYPE, "application/json"));
    let call = headers.iter().fold(call, |call, (name, value)| call.insert_header((name.clone(), value.as_str())));
    let sent = timeout(PATIENCE, call.send_body(body)).await.map_err(|_| UpstreamError::Timeout(PATIENCE))?;
    let status = sent.map_err(|error| connect_error(&error))?.status();
    if status.is_success() {
        return Ok(());
    }
    Err(UpstreamError::Status { status: status.as_u16(), words: None, retry_after: None })
}

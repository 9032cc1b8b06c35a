//! The exchange of a service account's assertion for an access token, at the account's token endpoint.
//! Owns what its answers mean: a refusal is the operator's to mend, an endpoint that is unwell the provider's. Refuses to
//! repeat any word of an answer but a short error code: what was sent proves who we are.

use std::time::Duration;

use awc::http::header::CONTENT_TYPE;
use farthing_actors::domain::{Clock, Secret, Timestamp};
use serde::Deserialize;
use tokio::time::timeout;

use super::{MAX_ERROR, Source, UpstreamBody, connect_error};
use crate::dialect::UpstreamWords;
use crate::upstream::error::UpstreamError;
use crate::upstream::kinds::vertex::Account;
use crate::upstream::tokens::AccessToken;

/// Everybody's call waits for it, and it is a small question.
const PATIENCE: Duration = Duration::from_secs(15);
/// Codes are short words: `invalid_grant`.
const MAX_CODE: usize = 64;

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// In seconds. A token that does not say serves those who wait for it.
    #[serde(default)]
    expires_in: i64,
}

/// Asks for a token for `account`.
///
/// # Errors
/// [`UpstreamError::Misconfigured`] if the account is refused, others if the endpoint is unwell or unreachable.
pub(super) async fn exchange(
    client: &awc::Client,
    account: &Account,
    clock: &Clock,
) -> Result<AccessToken, UpstreamError> {
    let now = clock.now();
    let unsigned = || UpstreamError::Misconfigured("its key cannot sign".to_owned());
    let form = account.form(now).ok_or_else(unsigned)?;
    let call = client.post(account.token_uri()).insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded"));
    let answer = async {
        let response = call.send_body(form).await.map_err(|error| unwell(&connect_error(&error)))?;
        let status = response.status().as_u16();
        let body = UpstreamBody::new(Source::Http(Box::new(response)), PATIENCE);
        Ok((status, body.collect(MAX_ERROR).await.map_err(|error| unwell(&error))?))
    };
    let late = || Err(unwell(&UpstreamError::Timeout(PATIENCE)));
    let (status, body) = timeout(PATIENCE, answer).await.unwrap_or_else(|_| late())?;
    if status == 200 { granted(&body, now) } else { Err(refused(status, &body)) }
}

fn granted(body: &[u8], now: Timestamp) -> Result<AccessToken, UpstreamError> {
    let granted: Option<Granted> = serde_json::from_slice(body).ok();
    // What cannot be sent in a header is no token.
    let sendable = |granted: &Granted| {
        !granted.access_token.is_empty() && granted.access_token.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let unreadable = || UpstreamError::Misconfigured("its token endpoint gave no access token".to_owned());
    let granted = granted.filter(sendable).ok_or_else(unreadable)?;
    let expires = Timestamp(now.0.saturating_add(granted.expires_in.saturating_mul(1_000)));
    Ok(AccessToken { text: Secret::new(granted.access_token), expires })
}

/// Limits and faults pass; everything else says that the account is not as it should be.
fn refused(status: u16, body: &[u8]) -> UpstreamError {
    match status {
        408 | 429 | 500.. => UpstreamError::Connect(format!("its token endpoint answered {status}")),
        _ => {
            let code = UpstreamWords::read(body).map(|words| words.message).filter(|code| is_code(code));
            let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
            UpstreamError::Misconfigured(format!("its token endpoint refused the account: {status}{code}"))
        }
    }
}

fn is_code(text: &str) -> bool {
    text.len() <= MAX_CODE && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Nothing was sent to a model, so nothing can be billed.
fn unwell(error: &UpstreamError) -> UpstreamError {
    if let UpstreamError::Misconfigured(_) = error {
        return error.clone();
    }
    UpstreamError::Connect(format!("its token endpoint: {error}"))
}

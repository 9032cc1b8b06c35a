//! Upstream errors: what can go wrong on the provider's side, as questions the relay can ask.
//! Owns the answers (whose fault, may another deployment be tried, does the circuit count it). Refuses status codes
//! for clients: those are the web floor's.

use std::time::Duration;

use thiserror::Error;

use crate::dialect::{RequestFault, UpstreamWords};

/// What providers call an account that has nothing left: OpenAI's two codes, Moonshot's type, Anthropic's type.
const OUT_OF_CREDIT: [&str; 4] =
    ["insufficient_quota", "credit_balance_exhausted", "exceeded_current_quota_error", "billing_error"];

/// How Anthropic says so, in a 400 like any other.
const OUT_OF_CREDIT_IN_WORDS: &str = "Your credit balance is too low";

/// One failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpstreamError {
    /// No connection: name, TCP or TLS.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The provider said nothing in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The provider answered an error.
    #[error("the provider answered {status}")]
    Status {
        /// Its status code.
        status: u16,
        /// Its own explanation, if it gave one.
        words: Option<Box<UpstreamWords>>,
        /// When it asks to be called again.
        retry_after: Option<Duration>,
    },
    /// The answer broke off.
    #[error("the answer broke off: {0}")]
    Cut(String),
    /// The answer is not one.
    #[error("the answer cannot be read: {0}")]
    Garbage(&'static str),
    /// Nothing was sent: the provider's dialect has no place for a part of the request.
    #[error(transparent)]
    Inexpressible(RequestFault),
    /// Farthing's own record of the provider cannot be used: bad address, forbidden network, undecryptable key.
    #[error("the provider is misconfigured: {0}")]
    Misconfigured(String),
}

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller's request is not acceptable to the provider.
    Client,
    /// The provider is unwell or unreachable.
    Provider,
    /// The provider refuses us for now: limits.
    Busy,
    /// The operator's configuration: key, address.
    Operator,
}

impl UpstreamError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Connect(_) | Self::Timeout(_) | Self::Cut(_) | Self::Garbage(_) => Fault::Provider,
            Self::Misconfigured(_) => Fault::Operator,
            Self::Inexpressible(_) => Fault::Client,
            Self::Status { status, .. } => match status {
                401..=403 => Fault::Operator,
                429 => Fault::Busy,
                408 => Fault::Provider,
                400..=499 if self.is_out_of_credit() => Fault::Operator,
                400..=499 => Fault::Client,
                _ => Fault::Provider,
            },
        }
    }

    /// Whether another deployment may do better with the same request. Only asked before the first byte to the client.
    pub fn may_fall_back(&self) -> bool {
        // What one dialect has no place for, another may have.
        self.fault() != Fault::Client || matches!(self, Self::Inexpressible(_))
    }

    /// Whether the same request may succeed later though nobody has changed anything.
    pub fn may_pass(&self) -> bool {
        matches!(self.fault(), Fault::Provider | Fault::Busy) && !self.is_out_of_credit()
    }

    /// The status with which the provider refused our key or, what is as good, has nothing left for it.
    pub fn refused_key(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } if self.fault() == Fault::Operator || self.is_out_of_credit() => Some(*status),
            _ => None,
        }
    }

    /// Whether the operator's account at the provider has nothing left, whatever status says so.
    pub fn is_out_of_credit(&self) -> bool {
        let Self::Status { words: Some(words), .. } = self else { return false };
        let named = [&words.code, &words.kind].into_iter().flatten().any(|name| OUT_OF_CREDIT.contains(&name.as_str()));
        named || words.message.starts_with(OUT_OF_CREDIT_IN_WORDS)
    }

    /// When the provider asks to be called again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clients_own_faults_end_the_search() {
        let status = |status| UpstreamError::Status { status, words: None, retry_after: None };
        for passed_on in [400, 404, 409, 413, 422] {
            assert!(!status(passed_on).may_fall_back(), "{passed_on}");
        }
        for tried_elsewhere in [301, 401, 403, 408, 429, 500, 502, 503, 529] {
            assert!(status(tried_elsewhere).may_fall_back(), "{tried_elsewhere}");
        }
        assert!(UpstreamError::Connect(String::new()).may_fall_back());
    }

    #[test]
    fn what_only_the_operator_can_mend_does_not_pass() {
        let said = |status, body: &str| {
            let words = UpstreamWords::read(body.as_bytes()).map(Box::new);
            UpstreamError::Status { status, words, retry_after: None }
        };
        for (status, body) in [
            (401, ""),
            (402, ""),
            (403, ""),
            (429, r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#),
            (429, r#"{"error":{"type":"exceeded_current_quota_error","message":"suspended"}}"#),
            (502, r#"{"error":{"code":"credit_balance_exhausted"}}"#),
            (404, r#"{"error":{"code":"insufficient_quota"}}"#),
            (400, r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to go on."}}"#),
        ] {
            assert!(!said(status, body).may_pass() && said(status, body).may_fall_back(), "{status} {body}");
            assert_eq!(said(status, body).refused_key(), Some(status));
        }
        assert!(!said(400, "").may_pass() && said(400, "").refused_key().is_none());
        for (status, body) in
            [(429, r#"{"error":{"code":"rate_limit_exceeded"}}"#), (429, ""), (500, ""), (503, ""), (408, "")]
        {
            assert!(said(status, body).may_pass(), "{status} {body}");
            assert_eq!(said(status, body).refused_key(), None);
        }
        assert!(UpstreamError::Cut(String::new()).may_pass());
        assert!(!UpstreamError::Misconfigured(String::new()).may_pass());
    }
}

//! Every floor's errors as problems. Exhaustive matches: a new kind of error does not compile until it has a code.

use std::time::Duration;

use farthing_actors::idempotency::ClaimError;
use farthing_actors::keyring::KeyringError;
use farthing_actors::limiters::LimitError;
use farthing_actors::registry::RegistryError;
use farthing_actors::sessions::SessionsError;

use super::{Code, Problem};
use crate::dialect::RequestFault;
use crate::relay::{Refusal, RelayError};
use crate::store::StoreError;
use crate::upstream::{Fault, UpstreamError};

/// No wait gives an account new credit.
const SPENT: &str =
    "the provider serves the gateway's account no further until its operator has acted; sending it again does not help";

impl From<RequestFault> for Problem {
    fn from(fault: RequestFault) -> Self {
        let code = match fault.code {
            "missing_field" => Code::MissingField,
            "invalid_type" => Code::InvalidType,
            "invalid_value" => Code::InvalidValue,
            "unsupported_field" => Code::UnsupportedField,
            "thread_not_found" => Code::ThreadNotFound,
            "too_deep" => Code::TooDeep,
            "too_many_items" => Code::TooManyItems,
            _ => Code::InvalidJson,
        };
        let problem = Self::new(code, fault.message);
        match fault.param {
            Some(param) => problem.at(param),
            None => problem,
        }
    }
}

impl From<RelayError> for Problem {
    fn from(error: RelayError) -> Self {
        let message = error.to_string();
        match error {
            RelayError::UnknownModel(_) => Self::new(Code::ModelNotFound, message).at("model"),
            RelayError::NotPriced(_) => Self::new(Code::ModelNotPriced, message).at("model"),
            RelayError::AllOpen(wait) => Self::new(Code::ModelUnavailable, message).retry_after(wait),
            RelayError::Refused(refusal) => refused(refusal, message),
            RelayError::Request(fault) => fault.into(),
            RelayError::Upstream { error, again: true, .. } => upstream(&error),
            RelayError::Upstream { error, again: false, .. } => staying(upstream(&error)),
            RelayError::LedgerUnavailable(_) => {
                Self::plain(Code::LedgerUnavailable).retry_after(Duration::from_secs(2))
            }
            RelayError::Stopping => Self::plain(Code::ShuttingDown).retry_after(Duration::from_secs(1)),
        }
    }
}

impl From<ClaimError> for Problem {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Running => Self::plain(Code::IdempotencyRunning).retry_after(Duration::from_secs(1)),
            ClaimError::OtherBody => Self::plain(Code::IdempotencyReused),
            ClaimError::Shelf(_) | ClaimError::Actor(_) => {
                log::error!(error:%; "an idempotency key could not be written down");
                Self::plain(Code::LedgerUnavailable).retry_after(Duration::from_secs(2))
            }
        }
    }
}

fn refused(refusal: Refusal, message: String) -> Problem {
    match refusal {
        Refusal::OverBudget { .. } | Refusal::CapReached(_) => Problem::new(Code::InsufficientQuota, message),
        Refusal::RunKilled => Problem::new(Code::RunKilled, message),
        Refusal::Limited(LimitError::Limited { retry_after, .. }) => {
            Problem::new(Code::RateLimited, message).retry_after(retry_after)
        }
        Refusal::Limited(LimitError::Actor(_)) => Problem::plain(Code::LedgerUnavailable),
    }
}

/// A provider's failure. Its words are passed on only where the client can mend the request by them.
fn upstream(error: &UpstreamError) -> Problem {
    match error {
        UpstreamError::Timeout(_) => Problem::plain(Code::UpstreamTimeout),
        UpstreamError::Inexpressible(fault) => fault.clone().into(),
        UpstreamError::Status { status, words, retry_after } => match error.fault() {
            Fault::Client => Problem::passed_on(*status, words.as_deref().cloned()),
            Fault::Busy => {
                Problem::plain(Code::UpstreamBusy).retry_after(retry_after.unwrap_or(Duration::from_secs(5)))
            }
            Fault::Provider | Fault::Operator => {
                let problem = Problem::plain(Code::UpstreamFailed);
                retry_after.iter().fold(problem, |problem, wait| problem.retry_after(*wait))
            }
        },
        UpstreamError::Connect(_)
        | UpstreamError::Cut(_)
        | UpstreamError::Garbage(_)
        | UpstreamError::Misconfigured(_) => Problem::plain(Code::UpstreamFailed),
    }
}

/// A failure that no repetition mends, or that must not be repeated.
fn staying(problem: Problem) -> Problem {
    match problem.code {
        Code::UpstreamBusy => Problem::new(Code::UpstreamBusy, SPENT),
        _ => problem,
    }
    .stays()
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        let message = error.to_string();
        match error {
            KeyringError::NotFound => Self::new(Code::NotFound, message),
            KeyringError::NameTaken => Self::new(Code::Conflict, message).at("name"),
            KeyringError::Invalid { field, .. } => Self::new(Code::InvalidValue, message).at(field),
            KeyringError::Conflict(_) => Self::new(Code::Conflict, message),
            KeyringError::Store(_) | KeyringError::Actor(_) => Self::plain(Code::LedgerUnavailable),
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let message = error.to_string();
        match error {
            RegistryError::NotFound => Self::new(Code::NotFound, message),
            RegistryError::NameTaken => Self::new(Code::Conflict, message).at("name"),
            RegistryError::Invalid { field, .. } => Self::new(Code::InvalidValue, message).at(field),
            RegistryError::Conflict(_) => Self::new(Code::Conflict, message),
            RegistryError::Store(_) | RegistryError::Actor(_) => Self::plain(Code::LedgerUnavailable),
        }
    }
}

impl From<SessionsError> for Problem {
    fn from(error: SessionsError) -> Self {
        let message = error.to_string();
        match error {
            SessionsError::NotFound => Self::new(Code::NotFound, message),
            SessionsError::NameTaken => Self::new(Code::Conflict, message).at("name"),
            SessionsError::SubjectTaken | SessionsError::NotFirst => Self::new(Code::Conflict, message),
            SessionsError::Invalid { field, .. } => Self::new(Code::InvalidValue, message).at(field),
            SessionsError::LastOwner => Self::new(Code::Conflict, message),
            SessionsError::Store(_) | SessionsError::Actor(_) => {
                Self::plain(Code::LedgerUnavailable).retry_after(Duration::from_secs(2))
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        log::error!(error:% = error; "a page could not be read from the database");
        Self::plain(Code::LedgerUnavailable)
    }
}

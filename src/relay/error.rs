//! Why a request was not served, in the relay's own words.
//! Owns the kinds; the web floor turns them into status codes.

use std::sync::Arc;
use std::time::Duration;

use farthing_actors::domain::{Money, Scope};
use farthing_actors::ledger::HoldError;
use farthing_actors::limiters::LimitError;
use thiserror::Error;

use crate::dialect::RequestFault;
use crate::upstream::UpstreamError;
use crate::upstream::error::Fault;

/// Why a request was not served.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RelayError {
    /// No such model, or not for this key: which of the two is not a stranger's business.
    #[error("the model {0:?} does not exist or this key may not use it")]
    UnknownModel(String),
    /// The model has no price, and a budget cannot be kept without one.
    #[error("the model {0:?} has no price, so it cannot be used with a budget; ask the operator to set one")]
    NotPriced(String),
    /// Every deployment of the model is known to be failing.
    #[error("every deployment of this model is failing; try again in {} s", .0.as_secs().max(1))]
    AllOpen(Duration),
    /// Farthing's own limits or budgets said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request itself cannot be served, whoever serves it.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// Every attempt failed; the last failure.
    #[error("{error}")]
    Upstream {
        /// The provider that failed last.
        provider: String,
        /// How.
        error: UpstreamError,
        /// Whether the same may be sent again: one of the failures may pass, and nothing was made that is not to be made twice.
        again: bool,
        /// What was sent; `None` where nothing was.
        sent: Option<Box<Sent>>,
    },
    /// Money cannot be booked now, so nothing may be sent.
    #[error("calls cannot be recorded now: {0}")]
    LedgerUnavailable(String),
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopping,
}

/// What was sent before every attempt had failed, and is booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The model of the last attempt, as its provider names it.
    pub model: Arc<str>,
    /// Attempts made.
    pub attempts: u16,
    /// What they cost together; `None` if that could not be written down.
    pub cost: Option<Money>,
}

/// A refusal by limits or budgets: recorded as a request that cost nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Too fast or too wide.
    #[error("{0}")]
    Limited(LimitError),
    /// Too dear.
    #[error("the budget has ${remaining} left and this call may cost ${needed}; raise the budget or lower max_tokens")]
    OverBudget {
        /// Whose budget.
        scope: Scope,
        /// What it has left.
        remaining: Money,
        /// What the call may cost.
        needed: Money,
    },
    /// As many as the key may ever have.
    #[error("this key may make {0} requests in all and has made them")]
    CapReached(u64),
    /// Part of a run that an operator has ended.
    #[error("this run was ended by an operator")]
    RunKilled,
}

impl Refusal {
    /// The status code that its line shows.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Limited(_) => 429,
            Self::OverBudget { .. } | Self::CapReached(_) => 402,
            Self::RunKilled => 403,
        }
    }
}

/// The status code that stands for a failure of the provider's side.
pub(crate) fn upstream_status(error: &RelayError) -> u16 {
    match error {
        RelayError::Upstream { error, .. } => status_of(error),
        RelayError::Request(_) => 400,
        RelayError::AllOpen(_) => 503,
        _ => 502,
    }
}

/// The status code that stands for the failure of one attempt.
pub(super) fn status_of(error: &UpstreamError) -> u16 {
    match error {
        UpstreamError::Timeout(_) => 504,
        UpstreamError::Status { status, .. } if matches!(error.fault(), Fault::Client | Fault::Busy) => *status,
        UpstreamError::Inexpressible(_) => 400,
        _ => 502,
    }
}

impl From<LimitError> for RelayError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Actor(error) => Self::LedgerUnavailable(error.to_string()),
            limited => Self::Refused(Refusal::Limited(limited)),
        }
    }
}

impl From<HoldError> for RelayError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::OverBudget { scope, remaining, needed, .. } => {
                Self::Refused(Refusal::OverBudget { scope, remaining, needed })
            }
            HoldError::CapReached { max, .. } => Self::Refused(Refusal::CapReached(max)),
            HoldError::RunKilled => Self::Refused(Refusal::RunKilled),
            HoldError::Unavailable(reason) => Self::LedgerUnavailable(reason),
            HoldError::Actor(error) => Self::LedgerUnavailable(error.to_string()),
        }
    }
}

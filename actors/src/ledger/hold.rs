//! Holds: money set aside for a call in flight.
//! Owns what is asked for and the ways it is refused.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::entry::{Call, Target};
use crate::domain::{Money, Scope, Timestamp, Usage};
use crate::error::ActorError;

/// Money asked for before a call is sent, and everything needed to close it should this process die.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRequest {
    /// The call. Its `placed_at` is overwritten by the ledger's clock.
    pub call: Call,
    /// The first choice of target.
    pub target: Target,
    /// The most the call can cost at any of its candidates.
    pub amount: Money,
    /// The usage that `amount` was computed for: estimated prompt, capped output.
    pub expected: Usage,
}

/// Why no hold was placed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HoldError {
    /// A budget cannot cover the call.
    #[error("the budget of {scope} has ${remaining} left, and this call may cost ${needed}")]
    OverBudget {
        /// Whose budget.
        scope: Scope,
        /// What it has left, neither spent nor held.
        remaining: Money,
        /// What was asked for.
        needed: Money,
        /// When its window ends; `None` if never.
        window_end: Option<Timestamp>,
    },
    /// The journal cannot take more: nothing may be sent that could not be booked.
    #[error("the ledger cannot record calls now: {0}")]
    Unavailable(String),
    /// The ledger did not answer.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

/// Why a hold could not be closed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CloseError {
    /// No such hold is open, nor was one closed lately.
    #[error("no hold is open for this request")]
    Unknown,
    /// The journal did not take the settlement; the hold stays open.
    #[error("the ledger cannot record settlements now: {0}")]
    Unavailable(String),
    /// The ledger did not answer.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

/// What a scope has: its budget's window and how much of the limit is spent, held and left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// The limit.
    pub limit: Money,
    /// Settled in this window.
    pub spent: Money,
    /// Set aside for calls in flight.
    pub held: Money,
    /// The window's first moment; `None` for a budget without end.
    pub window_start: Option<Timestamp>,
    /// The first moment after the window; `None` if it never ends.
    pub window_end: Option<Timestamp>,
}

impl Balance {
    /// What can still be held.
    pub fn remaining(&self) -> Money {
        (self.limit - self.spent - self.held).at_least_zero()
    }
}

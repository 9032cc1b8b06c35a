//! Holds: money set aside for a call in flight.
//! Owns what is asked for and the ways it is refused.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::entry::{Call, Target};
use super::journal::Closing;
use crate::domain::{Money, RequestId, Scope, Shadowed, Timestamp, Usage};
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
    /// What is presumed to be consumed where nobody can say: for a whole answer what `amount` was computed for, for a stream its likely
    /// prompt.
    pub expected: Usage,
    /// The least that is worth setting aside where a budget cannot cover `amount`: then less is granted.
    #[serde(skip)]
    pub least: Money,
    /// What the run of the call may cost, if it is part of one whose cost is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_limit: Option<Money>,
    /// How long nothing may be heard of the call before it is taken for lost.
    pub patience_ms: u64,
}

/// A hold that is not closed, and what is known of its call so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenHold {
    /// What was asked for.
    pub hold: Arc<HoldRequest>,
    /// What was last noted of its call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// The last attempt that is booked already.
    #[serde(default)]
    pub attempts: u16,
    /// Whether no other may be made, because what it cost leaves too little; then nothing is held any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exhausted: bool,
    /// What of it was set aside for attempts that have ended.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub freed: Money,
}

/// What is known of a call in flight: where it went, and what it has consumed, or is taken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Whose.
    pub request: RequestId,
    /// Where the call went; `None` where the first choice was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Consumed so far.
    pub usage: Usage,
}

impl From<Arc<HoldRequest>> for OpenHold {
    fn from(hold: Arc<HoldRequest>) -> Self {
        Self { hold, checkpoint: None, attempts: 0, exhausted: false, freed: Money::ZERO }
    }
}

impl OpenHold {
    /// What is still set aside.
    pub fn held(&self) -> Money {
        if self.exhausted { Money::ZERO } else { (self.hold.amount - self.freed).at_least_zero() }
    }

    /// Takes in that an attempt ended which is not the last.
    pub fn attempt_ended(&mut self, closing: &Closing) {
        self.attempts = closing.outcome.attempts;
        self.exhausted = closing.exhausting;
        self.freed += closing.freed;
        self.checkpoint = None;
    }

    /// Whose it is.
    pub fn request(&self) -> RequestId {
        self.hold.call.request
    }
}

/// What was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// How much: what was asked for, or less where a budget covers only that.
    pub amount: Money,
    /// Budgets that would have refused it, were they enforced.
    pub shadowed: Vec<Shadowed>,
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
    /// The key has had as many requests as it may ever have.
    #[error("{scope} may have {max} requests and has had them")]
    CapReached {
        /// Whose cap.
        scope: Scope,
        /// The cap.
        max: u64,
    },
    /// An operator has ended the run.
    #[error("the run was ended by an operator")]
    RunKilled,
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

/// How many requests a key may ever have, and how many it has had; those in flight count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// The most.
    pub max: u64,
    /// Had so far. More than the most where the cap was lowered since.
    pub used: u64,
}

impl Cap {
    /// How many it may still have.
    pub fn remaining(&self) -> u64 {
        self.max.saturating_sub(self.used)
    }
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
    /// The highest of the budget's thresholds that was crossed in this window, in percent.
    pub warned: Option<u8>,
}

impl Balance {
    /// What can still be held.
    pub fn remaining(&self) -> Money {
        (self.limit - self.spent - self.held).at_least_zero()
    }
}

//! What the limiters answer: how much is left, or who refused and how long to wait.
//! Owns the words only; the counting is the core's.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::domain::{Rule, Scope, Shadowed};
use crate::error::ActorError;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// Requests per minute.
    Requests,
    /// Tokens per minute.
    Tokens,
    /// Calls in flight at once.
    Concurrency,
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests per minute",
            Self::Tokens => "tokens per minute",
            Self::Concurrency => "calls in flight",
        })
    }
}

/// Why no permit was given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LimitError {
    /// A limit is used up. Where several are, the one that takes longest; nothing was taken from any.
    #[error("{scope} is limited to {limit} {what}; try again in {retry_after:?}")]
    Limited {
        /// Whose limit.
        scope: Scope,
        /// Which of its limits.
        what: LimitKind,
        /// Waiting this long makes room, unless others take it first. For [`LimitKind::Concurrency`] nobody can know when
        /// a call ends: then it is a suggestion. An hour where the limit is zero.
        retry_after: Duration,
        /// The limit, per minute or at once.
        limit: u64,
        /// What is left of it now: too little for this call.
        remaining: u64,
    },
    /// The limiters did not answer.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

impl LimitError {
    /// What is left of the limit that refused: less than the call needs.
    pub fn headroom(&self) -> Headroom {
        let Self::Limited { what, retry_after, limit, remaining, .. } = self else { return Headroom::default() };
        let allowance = Some(Allowance { limit: *limit, remaining: *remaining, reset: *retry_after });
        match what {
            LimitKind::Requests => Headroom { requests: allowance, ..Headroom::default() },
            LimitKind::Tokens => Headroom { tokens: allowance, ..Headroom::default() },
            LimitKind::Concurrency => Headroom::default(),
        }
    }

    /// The same as what would have happened.
    pub(super) fn shadowed(&self) -> Option<Shadowed> {
        let Self::Limited { scope, what, .. } = self else { return None };
        let rule = match what {
            LimitKind::Requests => Rule::Requests,
            LimitKind::Tokens => Rule::Tokens,
            LimitKind::Concurrency => Rule::Concurrency,
        };
        Some(Shadowed { scope: *scope, rule })
    }

    /// How long to wait; nothing is known where the actor did not answer.
    pub(super) fn wait(&self) -> Duration {
        match self {
            Self::Limited { retry_after, .. } => *retry_after,
            Self::Actor(_) => Duration::ZERO,
        }
    }
}

/// One rate limit as the headers of an answer show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The rate per minute.
    pub limit: u64,
    /// What may be used at once, now.
    pub remaining: u64,
    /// Until nothing counts as used.
    pub reset: Duration,
}

/// What a call leaves of the tightest limit of each kind among its scopes; `None` where none limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headroom {
    /// Requests.
    pub requests: Option<Allowance>,
    /// Tokens.
    pub tokens: Option<Allowance>,
}

impl Headroom {
    /// The tighter of both, kind by kind.
    pub(super) fn tightest(self, other: Self) -> Self {
        let tighter = |a: Option<Allowance>, b: Option<Allowance>| {
            a.into_iter().chain(b).min_by_key(|allowance| (allowance.remaining, allowance.limit))
        };
        Self { requests: tighter(self.requests, other.requests), tokens: tighter(self.tokens, other.tokens) }
    }
}

//! Shadow mode: a limit or a budget that is decided and recorded, but not enforced.
//! Owns the words of a refusal that did not happen.

use std::fmt;
use std::str::FromStr;

use super::call::names;
use super::ids::Scope;

names!(
    /// What a limit or a budget does with a call that does not fit.
    #[derive(Default)]
    Mode {
        #[default]
        /// It refuses the call.
        Enforce = "enforce",
        /// It lets the call pass and counts it.
        Shadow = "shadow",
    }
);

names!(
    /// What would have refused a call.
    Rule {
        /// A budget.
        Budget = "budget",
        /// Requests per minute.
        Requests = "rpm",
        /// Tokens per minute.
        Tokens = "tpm",
        /// Calls in flight.
        Concurrency = "concurrency",
    }
);

/// A call would have been refused, had it been enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shadowed {
    /// Whose limit or budget.
    pub scope: Scope,
    /// Which of them.
    pub rule: Rule,
}

impl Mode {
    /// Whether calls that do not fit are refused.
    pub fn is_enforced(&self) -> bool {
        *self == Self::Enforce
    }
}

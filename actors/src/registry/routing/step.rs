//! Steps: the reasons of a decision, and how they are told: a line each.
//! Owns the words. They are written with the request's line in the books and read by people; nothing computes with them.

use std::fmt::{self, Write};
use std::sync::Arc;

use super::super::catalogue::Candidate;
use crate::domain::{Pattern, Strategy};

/// So many steps of one decision are told; a group of many targets that are all out has many.
const MOST: usize = 12;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A pattern said where to go.
    Pattern(Pattern),
    /// A group chose.
    Group {
        /// Which.
        name: Arc<str>,
        /// How.
        strategy: Strategy,
        /// What: a target, or a deployment and its provider.
        chosen: String,
        /// What about the request decided, where something did.
        because: Option<String>,
    },
    /// Shares chose among deployments of one priority.
    Shared {
        /// The deployment.
        chosen: Candidate,
        /// Among how many.
        among: usize,
    },
    /// Nobody has set the model up; it is asked for by the client's name.
    PassedThrough(Candidate),
    /// A deployment that would have had its turn is passed over.
    LeftOut(Candidate, Why),
    /// Others have their turn before a deployment.
    PutLast(Candidate),
    /// A deployment was asked and failed, in words.
    Failed(Candidate, String),
}

/// Why a deployment is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its provider has not this kind of call, or not what it would need to have stored.
    Unable,
    /// It has no price, and a budget cannot be kept without one.
    NotPriced,
    /// Its circuit is open.
    CircuitOpen,
    /// Its circuit is half-open, and all trials are under way.
    OnTrial,
    /// Its provider has refused the key for the same request.
    KeyRefused,
    /// Its provider has had enough repeated calls, or there is no time for a pause.
    NoRetry,
}

/// The steps as text, a line each; `None` if there are none.
pub fn told(steps: &[Step]) -> Option<Arc<str>> {
    if steps.is_empty() {
        return None;
    }
    let mut text = String::new();
    for (index, step) in steps.iter().take(MOST).enumerate() {
        // Writing to a String cannot fail.
        write!(text, "{}{step}", if index == 0 { "" } else { "\n" }).ok();
    }
    if let Some(more) = steps.len().checked_sub(MOST).filter(|more| *more > 0) {
        write!(text, "\n{more} more").ok();
    }
    Some(text.into())
}

/// The text of what is known already, or else of a `model` that was named, and one step more.
pub fn told_further(known: Option<&str>, model: &str, step: &Step) -> Arc<str> {
    match known {
        None => format!("explicit {model}\n{step}").into(),
        Some(known) if known.lines().count() >= MOST.saturating_mul(2) => known.into(),
        Some(known) => format!("{known}\n{step}").into(),
    }
}

/// A deployment as people know it.
pub(super) fn called(candidate: &Candidate) -> String {
    format!("{} at {}", candidate.deployment.name, candidate.provider.name)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern) => write!(f, "{} {} → {}", pattern.kind, pattern.text, pattern.to.name()),
            Self::Group { name, strategy, chosen, because: None } => write!(f, "group {name}: {strategy} → {chosen}"),
            Self::Group { name, strategy: Strategy::Classifier, chosen, because: Some(reason) } => {
                write!(f, "group {name}: classifier {reason} → {chosen}")
            }
            Self::Group { name, strategy, chosen, because: Some(reason) } => {
                write!(f, "group {name}: {strategy} matched {reason} → {chosen}")
            }
            Self::Shared { chosen, among } => write!(f, "weighted: one of {among} → {}", called(chosen)),
            Self::PassedThrough(candidate) => {
                let (model, provider) = (&candidate.deployment.upstream_model, &candidate.provider.name);
                write!(f, "passed through: {model} at {provider}")
            }
            Self::LeftOut(candidate, why) => write!(f, "left out: {}: {why}", called(candidate)),
            Self::PutLast(candidate) => write!(f, "last: {}: its key was refused", called(candidate)),
            Self::Failed(candidate, why) => write!(f, "failed: {}: {why}", called(candidate)),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unable => "it cannot serve this call",
            Self::NotPriced => "no price, and the key has a budget",
            Self::CircuitOpen => "circuit open",
            Self::OnTrial => "on trial with other calls",
            Self::KeyRefused => "the refused key is not sent again",
            Self::NoRetry => "not asked again: too many repeated calls, or too little time",
        })
    }
}

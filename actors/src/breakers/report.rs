//! What is said about a circuit: why calls failed, what a caller may do, what an operator sees.
//! Owns the words and their text forms; refuses to decide.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{DeploymentId, ProviderId, Timestamp};

/// A failure that speaks against the deployment. A 429 does not (see `cooled`), nor do other 4xx, a client that left, or
/// our own refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Name resolution, TCP or TLS failed.
    Unreachable,
    /// No connection, first byte or next chunk in time.
    Timeout,
    /// It answered 408, 500, 502, 503, 504 or 529.
    Status(u16),
    /// Its answer made no sense, or was an error inside a stream.
    Malformed,
    /// Its answer broke off.
    Cut,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("the provider cannot be reached"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Malformed => f.write_str("an answer without sense"),
            Self::Cut => f.write_str("an answer that broke off"),
        }
    }
}

/// Whether a deployment may be called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Closed,
    /// No, not before `retry_at`: it failed, cools down after a 429, or was forced open.
    Open {
        /// When it may be tried again, as the clock goes now.
        retry_at: Timestamp,
    },
    /// Only with a trial.
    HalfOpen,
}

/// Who decides: the circuit, or an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The circuit itself. It starts closed when an operator lets it go.
    #[default]
    Automatic,
    /// An operator: no call.
    ForcedOpen,
    /// An operator: every call, whatever happens.
    ForcedClosed,
}

/// Where a circuit stands, for people, from well to worst. Names on the wire: `closed`, `half_open`, `cooling`, `open`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CircuitState {
    /// Calls go through.
    Closed,
    /// A few trials go through.
    HalfOpen,
    /// No call goes through for the moment the provider asked for; not a failure.
    Cooling,
    /// No call goes through.
    Open,
}

impl CircuitState {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Cooling => "cooling",
            Self::Open => "open",
        }
    }
}

/// One circuit as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CircuitReport {
    /// Whose circuit.
    pub deployment_id: DeploymentId,
    /// Where it stands.
    pub state: CircuitState,
    /// Who decides.
    pub control: Control,
    /// Why it is not closed, in words.
    pub cause: Option<Arc<str>>,
    /// Since when; `None` if it never moved.
    pub since: Option<Timestamp>,
    /// When calls or trials go through again, where that is known.
    pub next_trial_at: Option<Timestamp>,
}

impl CircuitReport {
    /// A deployment nothing is held against.
    pub(super) fn closed(deployment_id: DeploymentId) -> Self {
        let (state, control) = (CircuitState::Closed, Control::Automatic);
        Self { deployment_id, state, control, cause: None, since: None, next_trial_at: None }
    }

    /// One that an operator holds.
    pub(super) fn forced(deployment_id: DeploymentId, control: Control, since: Timestamp) -> Self {
        let state = if control == Control::ForcedOpen { CircuitState::Open } else { CircuitState::Closed };
        let cause = Some(Arc::from("forced by an operator"));
        Self { deployment_id, state, control, cause, since: Some(since), next_trial_at: None }
    }
}

/// A key of ours that its provider refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RefusedKey {
    /// Whose.
    pub provider_id: ProviderId,
    /// What it answered last: 401, 402, 403, or whatever it says with an account that has nothing left.
    pub status: u16,
    /// Since when.
    pub since: Timestamp,
}

/// What listeners hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A circuit moved.
    Circuit(CircuitReport),
    /// A provider began to refuse our key.
    KeyRefused(RefusedKey),
    /// It takes the key again, or has another.
    KeyTaken(ProviderId),
}

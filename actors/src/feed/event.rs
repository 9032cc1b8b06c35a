//! Events: what the feed carries, in the shape its subscribers read.
//! Owns the wire form `{"type": "usage" | "breaker" | "budget" | "system" | "lagged", …}`; times are Unix milliseconds. Refuses secrets and
//! texts of prompts and answers.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::domain::{CallStatus, DeploymentId, KeyId, Money, ProjectId, ProviderId, RequestId, Timestamp};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A request ended and is in the books.
    Usage(UsageRecorded),
    /// A circuit moved.
    Breaker(BreakerMoved),
    /// A budget's spend crossed one of its thresholds.
    Budget(BudgetWarned),
    /// Something operators should know of the gateway itself.
    System(SystemNoted),
    /// The subscriber was too slow: this many events for its audience were dropped for it, the oldest first.
    Lagged {
        /// How many.
        missed: u64,
    },
}

/// An event on its way to everybody who listens.
#[derive(Debug)]
pub struct Notice {
    event: Event,
    /// Written for the first listener, read by the others.
    json: OnceLock<String>,
}

/// A request that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageRecorded {
    /// When it ended.
    pub time: Timestamp,
    /// The request.
    pub request_id: RequestId,
    /// Who is charged.
    pub project_id: ProjectId,
    /// Who called.
    pub key_id: KeyId,
    /// The model as the client named it.
    pub model: Arc<str>,
    /// Where it went; `None` if it was refused before a target was chosen.
    pub provider_id: Option<ProviderId>,
    /// How it ended.
    pub status: CallStatus,
    /// The status code the client saw.
    pub http_status: u16,
    /// Tokens of the prompt, cached ones included.
    pub input_tokens: u64,
    /// Generated tokens, reasoning included.
    pub output_tokens: u64,
    /// What it cost.
    pub cost_usd: Money,
    /// From its arrival to its end.
    pub latency_ms: u64,
    /// From its arrival to the first byte of the answer.
    pub first_token_ms: Option<u64>,
}

/// A circuit that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerMoved {
    /// When.
    pub time: Timestamp,
    /// Whose circuit.
    pub deployment_id: DeploymentId,
    /// Where it stands now: `closed`, `open`, `half_open` or `cooling`.
    pub state: &'static str,
    /// Why it is not closed.
    pub cause: Option<Arc<str>>,
    /// When calls or trials go through again, where that is known.
    pub next_trial_at: Option<Timestamp>,
}

/// A threshold of a budget that was crossed: each once in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetWarned {
    /// When.
    pub time: Timestamp,
    /// The project whose budget it is, or whose key's.
    pub project_id: Option<ProjectId>,
    /// The key, where it is a key's budget.
    pub key_id: Option<KeyId>,
    /// The name of the project or key.
    pub name: Arc<str>,
    /// The threshold, in percent of the limit.
    pub percent: u8,
    /// The limit.
    pub limit_usd: Money,
    /// What was spent in the window then.
    pub spent_usd: Money,
    /// The first moment after the window; null for a budget without end.
    pub window_end: Option<Timestamp>,
}

/// Something operators should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemNoted {
    /// When.
    pub time: Timestamp,
    /// What, in one plain sentence.
    pub message: Arc<str>,
}

impl Notice {
    /// Of this event.
    pub fn new(event: Event) -> Self {
        Self { event, json: OnceLock::new() }
    }

    /// As listeners read it.
    pub fn json(&self) -> &str {
        self.json.get_or_init(|| serde_json::to_string(&self.event).unwrap_or_else(|error| error.to_string()))
    }
}

impl Deref for Notice {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl Event {
    /// Whose event it is; `None` if it concerns everybody, or operators only.
    pub fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Usage(usage) => Some(usage.project_id),
            Self::Budget(warned) => warned.project_id,
            Self::Breaker(_) | Self::System(_) | Self::Lagged { .. } => None,
        }
    }

    /// Whether there is one for each request, so that some of many suffice.
    pub(super) fn is_frequent(&self) -> bool {
        matches!(self, Self::Usage(_))
    }
}

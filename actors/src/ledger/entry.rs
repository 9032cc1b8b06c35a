//! Entries: one line of the books for each upstream attempt, and the facts it is made of.
//! Owns the shape of a line. Refuses arithmetic: amounts come from the one pricer, balances from the book.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{
    CallStatus, DeploymentId, Dialect, KeyId, Money, PriceInForce, ProjectId, Provenance, ProviderId, RequestId, Scope,
    Timestamp, Usage,
};

/// Who called, with what, and who pays: known before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The request, and the identity of its hold.
    pub request: RequestId,
    /// When the ledger took it in, by the ledger's clock; decides which window it belongs to.
    pub placed_at: Timestamp,
    /// The key that called.
    pub key: KeyId,
    /// That key's project.
    pub project: ProjectId,
    /// Everything it is charged to: the key, its project, that project's parents.
    pub scopes: Arc<[Scope]>,
    /// The model as the client named it.
    pub model: Arc<str>,
    /// The client's wire format.
    pub dialect: Dialect,
    /// Whether the client asked for a stream.
    pub stream: bool,
}

/// Where an attempt goes and at which price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The provider.
    pub provider: ProviderId,
    /// The deployment.
    pub deployment: DeploymentId,
    /// The model as the provider names it.
    pub upstream_model: Arc<str>,
    /// The price and its version; `None` for a model without a price.
    pub price: Option<PriceInForce>,
}

/// How an attempt ended: what it consumed and what the client saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How the request ended.
    pub status: CallStatus,
    /// The status code the client saw, or would have seen.
    pub http_status: u16,
    /// What was consumed.
    pub usage: Usage,
    /// How we know.
    pub provenance: Provenance,
    /// Attempts made, this one included.
    pub attempts: u16,
    /// From the request's arrival to its end.
    pub latency_ms: u64,
    /// From the request's arrival to the first byte of the answer.
    pub first_token_ms: Option<u64>,
}

/// One immutable line of the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Who called.
    pub call: Call,
    /// Where it went; `None` if it was refused before a target was chosen.
    pub target: Option<Target>,
    /// How it ended.
    pub outcome: Outcome,
    /// What had been set aside for it.
    pub held: Money,
    /// What it cost: debited to the key, credited to the provider.
    pub amount: Money,
    /// When it was closed.
    pub closed_at: Timestamp,
}

impl Target {
    /// What `usage` costs here; nothing where there is no price, which the entry then shows as unpriced.
    pub fn cost(&self, usage: &Usage) -> Money {
        self.price.as_deref().map_or(Money::ZERO, |(_, price)| price.cost(usage))
    }
}

//! Entries: one line of the books for each upstream attempt, correction and adjustment, and the facts it is made of.
//! Owns the shape of a line. Refuses arithmetic: amounts come from the one pricer, balances from the book.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{
    AdjustmentId, CallStatus, DeploymentId, Dialect, KeyId, LineKind, Money, PriceInForce, ProjectId, Provenance,
    ProviderId, RequestId, Scope, Timestamp, Usage,
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
    /// The run the client says it is part of, by its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Arc<str>>,
    /// Why it goes where it goes, a line for each decision; `None` where there was nothing to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Arc<str>>,
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

/// One immutable line about a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    #[serde(default, skip_serializing_if = "LineKind::is_call")]
    pub kind: LineKind,
    /// Who called.
    pub call: Call,
    /// Where it went; `None` if it was refused before a target was chosen.
    pub target: Option<Target>,
    /// How it ended. Of a correction: what is true instead.
    pub outcome: Outcome,
    /// What had been set aside for it; nothing where a later line says so. Of a correction: what had been booked.
    pub held: Money,
    /// What it cost: debited to the key, credited to the provider.
    pub amount: Money,
    /// When it was closed.
    pub closed_at: Timestamp,
}

/// A line that no request made: an operator charges or gives back money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Its identity: the same one twice is booked once.
    pub id: AdjustmentId,
    /// Everything it is charged to, as a call would be; the first is debited.
    pub scopes: Arc<[Scope]>,
    /// Who is credited: a provider whose invoice differs; `None` is the house itself.
    pub provider: Option<ProviderId>,
    /// What is charged; negative gives back.
    pub amount: Money,
    /// Why, in the operator's words.
    pub reason: Arc<str>,
    /// Who booked it.
    pub actor: Arc<str>,
    /// The request it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// When, by the ledger's clock; decides which window it belongs to.
    pub booked_at: Timestamp,
}

/// A line of the books.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are entries, and whoever keeps many boxes them")]
pub enum Line {
    /// About a request.
    Entry(Entry),
    /// About none.
    Adjustment(Adjustment),
}

impl Line {
    /// Everything it is charged to.
    pub fn scopes(&self) -> &[Scope] {
        match self {
            Self::Entry(entry) => &entry.call.scopes,
            Self::Adjustment(adjustment) => &adjustment.scopes,
        }
    }

    /// Who is credited.
    pub fn provider(&self) -> Option<ProviderId> {
        match self {
            Self::Entry(entry) => entry.target.as_ref().map(|target| target.provider),
            Self::Adjustment(adjustment) => adjustment.provider,
        }
    }

    /// What is charged.
    pub fn amount(&self) -> Money {
        match self {
            Self::Entry(entry) => entry.amount,
            Self::Adjustment(adjustment) => adjustment.amount,
        }
    }

    /// Which window of a budget it belongs to.
    pub fn placed_at(&self) -> Timestamp {
        match self {
            Self::Entry(entry) => entry.call.placed_at,
            Self::Adjustment(adjustment) => adjustment.booked_at,
        }
    }

    /// Whether it is a request that was admitted: what a key's cap on requests counts.
    pub fn is_admitted_call(&self) -> bool {
        matches!(self, Self::Entry(entry) if entry.kind.is_call() && entry.outcome.status != CallStatus::Refused)
    }
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        Self::Entry(entry)
    }
}

impl Entry {
    /// Whether it cost more than had been set aside for it.
    pub fn is_overrun(&self) -> bool {
        self.kind.is_call() && self.amount > self.held
    }
}

impl Target {
    /// What `usage` costs here; nothing where there is no price, which the entry then shows as unpriced.
    pub fn cost(&self, usage: &Usage) -> Money {
        self.price.as_deref().map_or(Money::ZERO, |(_, price)| price.cost(usage))
    }
}

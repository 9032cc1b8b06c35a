//! The catalogue: providers and the deployments they offer, found by the model a client names. Pure.
//! Owns the order of candidates. Refuses to judge health: that belongs to the breakers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{DeploymentId, Dialect, Price, PriceId, ProviderId, ProviderKind, Sealed, Timeouts, Timestamp};

/// A vendor or a self-hosted endpoint family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// Its unique name.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
    /// Where it is, as its own SDK takes it.
    pub base_url: String,
    /// Its key under the vault's seal; `None` for a provider that needs none.
    pub api_key: Option<Sealed>,
    /// Whether addresses of this machine and of private networks are allowed.
    pub allow_private_network: bool,
    /// Whether calls may go there.
    pub enabled: bool,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed; also the version that caches of it are keyed by.
    pub updated_at: Timestamp,
}

/// One model at one provider, with price and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// The model as clients name it; several deployments may share it.
    pub name: Arc<str>,
    /// Where it is.
    pub provider: ProviderId,
    /// The model as the provider names it.
    pub upstream_model: Arc<str>,
    /// Its share among deployments of equal priority.
    pub weight: u32,
    /// Lower is tried first.
    pub priority: i32,
    /// What it speaks.
    pub dialects: Vec<Dialect>,
    /// The most it can generate for one request.
    pub max_output_tokens: Option<u64>,
    /// The most it can take in and generate together.
    pub context_window: Option<u64>,
    /// Its price and that price's version; `None` if unknown, which is never zero.
    pub price: Option<(PriceId, Price)>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A deployment together with its provider: somewhere a call can go.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The deployment.
    pub deployment: Arc<Deployment>,
    /// Its provider, enabled.
    pub provider: Arc<Provider>,
}

/// All providers and deployments, as last published.
#[derive(Debug, Default)]
pub struct Catalogue {
    providers: HashMap<ProviderId, Arc<Provider>>,
    deployments: HashMap<DeploymentId, Arc<Deployment>>,
    by_model: HashMap<Arc<str>, Vec<Candidate>>,
}

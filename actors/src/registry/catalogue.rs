//! The catalogue: providers and the deployments they offer, found by the model a client names. Pure.
//! Owns the order of candidates. Refuses to judge health: that belongs to the breakers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::changes::Change;
use super::error::RegistryError;
use super::group::Group;
use super::prices::PriceVersion;
use crate::domain::{
    Callee, DeploymentId, Dialect, GroupId, PriceInForce, PriceSource, ProviderId, ProviderKind, Sealed, Timeouts,
    Timestamp,
};

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
    pub price: Option<PriceInForce>,
    /// Who says that price, or would if there were one.
    pub price_source: PriceSource,
    /// An operator's price that takes over at a moment to come.
    pub upcoming: Option<Arc<PriceVersion>>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Deployment {
    /// The deployment as breakers know it.
    pub fn callee(&self) -> Callee {
        Callee { deployment: self.id, provider: self.provider }
    }
}

/// A deployment together with its provider: somewhere a call can go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The deployment.
    pub deployment: Arc<Deployment>,
    /// Its provider, enabled.
    pub provider: Arc<Provider>,
}

/// All providers and deployments at one moment. Its methods ask nobody; what may be changed about it is in
/// [`changes`](super::changes).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Catalogue {
    providers: BTreeMap<ProviderId, Arc<Provider>>,
    deployments: BTreeMap<DeploymentId, Arc<Deployment>>,
    groups: BTreeMap<GroupId, Arc<Group>>,
    by_model: HashMap<Arc<str>, Vec<Candidate>>,
    by_group: HashMap<Arc<str>, Arc<Group>>,
    by_shadowed: HashMap<Arc<str>, Arc<Group>>,
}

impl Catalogue {
    /// The catalogue made of these records.
    ///
    /// # Errors
    /// If a deployment's provider is missing.
    pub fn new(providers: Vec<Provider>, deployments: Vec<Deployment>) -> Result<Self, RegistryError> {
        let providers = providers.into_iter().map(|provider| (provider.id, Arc::new(provider))).collect();
        let deployments = deployments.into_iter().map(|deployment| (deployment.id, Arc::new(deployment))).collect();
        let catalogue = Self { providers, deployments, ..Self::default() };
        let homeless = |deployment: &&Arc<Deployment>| catalogue.provider(deployment.provider).is_none();
        if let Some(deployment) = catalogue.deployments().find(homeless) {
            let (id, provider) = (deployment.id, deployment.provider);
            let reason = format!("deployment {id} is at provider {provider}, which is missing");
            return Err(RegistryError::Conflict(reason));
        }
        Ok(catalogue.indexed())
    }

    /// With these groups too.
    ///
    /// # Errors
    /// If groups stand inside one another without end, or too deep.
    pub fn with_groups(mut self, groups: Vec<Group>) -> Result<Self, RegistryError> {
        self.groups = groups.into_iter().map(|group| (group.id, Arc::new(group))).collect();
        let catalogue = self.indexed();
        catalogue.check_nesting()?;
        Ok(catalogue)
    }

    /// The deployments of `model`, without choosing among equals: by priority, then the heavier, then the older. Disabled
    /// providers are left out; an unknown model has no candidates.
    pub fn candidates(&self, model: &str) -> &[Candidate] {
        self.by_model.get(model).map_or(&[], Vec::as_slice)
    }

    /// The models that have candidates, in order of their names, each once.
    pub fn models(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.by_model.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The provider with this id, enabled or not.
    pub fn provider(&self, id: ProviderId) -> Option<&Arc<Provider>> {
        self.providers.get(&id)
    }

    /// What people call a provider: its name, or its id where it is gone.
    pub fn provider_name(&self, id: ProviderId) -> String {
        self.provider(id).map_or_else(|| id.to_string(), |provider| provider.name.clone())
    }

    /// The provider with this name, enabled or not.
    pub fn provider_by_name(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers().find(|provider| provider.name == name)
    }

    /// Every provider, oldest first.
    pub fn providers(&self) -> impl DoubleEndedIterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// The deployment with this id.
    pub fn deployment(&self, id: DeploymentId) -> Option<&Arc<Deployment>> {
        self.deployments.get(&id)
    }

    /// Every deployment, oldest first.
    pub fn deployments(&self) -> impl DoubleEndedIterator<Item = &Arc<Deployment>> {
        self.deployments.values()
    }

    /// Every deployment at a provider.
    pub fn deployments_at(&self, provider: ProviderId) -> impl Iterator<Item = &Arc<Deployment>> {
        self.deployments().filter(move |deployment| deployment.provider == provider)
    }

    /// Whether a deployment has this name, wherever it is.
    pub fn has_model(&self, name: &str) -> bool {
        self.by_model.contains_key(name) || self.deployments().any(|deployment| *deployment.name == *name)
    }

    /// The group with this id.
    pub fn group(&self, id: GroupId) -> Option<&Arc<Group>> {
        self.groups.get(&id)
    }

    /// The group with this name.
    pub fn group_by_name(&self, name: &str) -> Option<&Arc<Group>> {
        self.by_group.get(name)
    }

    /// The group that decides in the shadow about calls of the model or group with this name.
    pub fn shadow_of(&self, name: &str) -> Option<&Arc<Group>> {
        self.by_shadowed.get(name)
    }

    /// Every group, oldest first.
    pub fn groups(&self) -> impl DoubleEndedIterator<Item = &Arc<Group>> {
        self.groups.values()
    }

    /// This catalogue after `change`.
    pub(super) fn with(&self, change: Change) -> Self {
        let mut next = self.clone();
        match change {
            Change::SaveProvider(provider) => {
                next.providers.insert(provider.id, provider);
            }
            Change::ResealProviders(resealed) => {
                next.providers.extend(resealed.into_iter().map(|provider| (provider.id, provider)));
            }
            Change::RemoveProvider(id) => {
                next.providers.remove(&id);
            }
            Change::SaveDeployment { deployment, .. } => {
                next.deployments.insert(deployment.id, deployment);
            }
            Change::RemoveDeployment { id, .. } => {
                next.deployments.remove(&id);
            }
            Change::SaveGroup(group) => {
                next.groups.insert(group.id, group);
            }
            Change::RemoveGroup(id) => {
                next.groups.remove(&id);
            }
        }
        next.indexed()
    }

    /// With the candidates of every model found and ordered anew.
    fn indexed(mut self) -> Self {
        let mut by_model: HashMap<_, Vec<_>> = HashMap::new();
        for deployment in self.deployments() {
            let enabled = self.provider(deployment.provider).filter(|provider| provider.enabled);
            if let Some(provider) = enabled {
                let candidate = Candidate { deployment: Arc::clone(deployment), provider: Arc::clone(provider) };
                by_model.entry(Arc::clone(&deployment.name)).or_default().push(candidate);
            }
        }
        for candidates in by_model.values_mut() {
            candidates.sort_unstable_by_key(Candidate::rank);
        }
        self.by_model = by_model;
        self.by_group = self.groups().map(|group| (Arc::clone(&group.name), Arc::clone(group))).collect();
        let shadowed = |group: &Arc<Group>| Some((group.shadows.clone()?, Arc::clone(group)));
        self.by_shadowed = self.groups().filter_map(shadowed).collect();
        self
    }
}

impl Candidate {
    /// What candidates are ordered by; the id decides between two of the same millisecond.
    fn rank(&self) -> (i32, Reverse<u32>, Timestamp, DeploymentId) {
        let deployment = &self.deployment;
        (deployment.priority, Reverse(deployment.weight), deployment.created_at, deployment.id)
    }
}

//! What may be changed in the catalogue, and why not. Pure: each verb takes a record and gives the change to save, or a
//! refusal. Owns every rule about providers and deployments; when a price becomes a version is in [`prices`](super::prices).

use std::sync::Arc;

use super::catalogue::{Catalogue, Deployment, Provider};
use super::error::RegistryError;
use super::group::Group;
use super::prices::{Plan, PriceRecord, priced};
use crate::domain::{
    Author, DeploymentId, GroupId, Price, ProviderId, ProviderKind, Sealed, Timeouts, Timestamp, name,
};

/// Longest address of a provider.
const MAX_URL: usize = 2_048;
/// No wait is longer than a day: beyond it a call is not waited for but forgotten.
const MAX_WAIT_MS: u64 = 24 * 60 * 60 * 1_000;
/// Far above any model and far below what a row can hold.
const MAX_TOKENS: u64 = 1_000_000_000_000;

/// One accepted change, to be saved as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The provider, new or instead of the one with its id.
    SaveProvider(Arc<Provider>),
    /// The keys of these providers, sealed anew; nothing else about them has changed.
    ResealProviders(Vec<Arc<Provider>>),
    /// No provider with this id.
    RemoveProvider(ProviderId),
    /// The deployment, new or instead of the one with its id.
    SaveDeployment {
        /// The deployment, with the ids of the versions of its prices.
        deployment: Arc<Deployment>,
        /// What is added to the record of its prices.
        record: PriceRecord,
    },
    /// No deployment with this id; the versions of its price stay.
    RemoveDeployment {
        /// Which one.
        id: DeploymentId,
        /// What is added to the record of its prices.
        record: PriceRecord,
    },
    /// The group, new or instead of the one with its id.
    SaveGroup(Arc<Group>),
    /// No group with this id.
    RemoveGroup(GroupId),
}

/// A provider's key, sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// Whose key.
    pub id: ProviderId,
    /// As it was; a key that is another by now stays.
    pub before: Sealed,
    /// The same key, sealed anew.
    pub after: Sealed,
}

pub(super) type Decision = Result<Change, RegistryError>;

impl Catalogue {
    pub(super) fn create_provider(&self, provider: Provider) -> Decision {
        if self.provider(provider.id).is_some() {
            return Err(RegistryError::Conflict("a provider with this id exists already".to_owned()));
        }
        self.check_provider(&provider)?;
        Ok(Change::SaveProvider(Arc::new(provider)))
    }

    pub(super) fn update_provider(&self, mut provider: Provider) -> Decision {
        let present = self.provider(provider.id).ok_or(RegistryError::NotFound)?;
        provider.created_at = present.created_at;
        // Two changes in one millisecond, or a clock set back, must still be two versions.
        provider.updated_at = provider.updated_at.max(Timestamp(present.updated_at.0.saturating_add(1)));
        self.check_provider(&provider)?;
        Ok(Change::SaveProvider(Arc::new(provider)))
    }

    /// Keys sealed anew are the keys they were: `updated_at` stays, by which callers know whether they have the right one.
    pub(super) fn reseal_providers(&self, keys: Vec<Resealed>) -> Change {
        let resealed = |Resealed { id, before, after }| {
            let present = self.provider(id).filter(|provider| provider.api_key.as_ref() == Some(&before))?;
            Some(Arc::new(Provider { api_key: Some(after), ..Provider::clone(present) }))
        };
        Change::ResealProviders(keys.into_iter().filter_map(resealed).collect())
    }

    pub(super) fn delete_provider(&self, id: ProviderId) -> Decision {
        self.provider(id).ok_or(RegistryError::NotFound)?;
        let used = self.deployments_at(id).count();
        if used > 0 {
            return Err(RegistryError::Conflict(format!(
                "{used} models are at this provider; delete or move them first"
            )));
        }
        Ok(Change::RemoveProvider(id))
    }

    pub(super) fn create_deployment(&self, deployment: Deployment, (plan, author): (Plan, &Author)) -> Decision {
        if self.deployment(deployment.id).is_some() {
            return Err(RegistryError::Conflict("a model with this id exists already".to_owned()));
        }
        self.check_deployment(&deployment, &plan, author.at)?;
        Ok(priced(deployment, None, plan, author))
    }

    pub(super) fn update_deployment(&self, mut deployment: Deployment, (plan, author): (Plan, &Author)) -> Decision {
        let present = self.deployment(deployment.id).ok_or(RegistryError::NotFound)?;
        deployment.created_at = present.created_at;
        self.check_deployment(&deployment, &plan, author.at)?;
        if deployment.name != present.name {
            self.check_unneeded(present)?;
        }
        Ok(priced(deployment, Some(present), plan, author))
    }

    pub(super) fn delete_deployment(&self, id: DeploymentId, author: &Author) -> Decision {
        let present = self.deployment(id).ok_or(RegistryError::NotFound)?;
        self.check_unneeded(present)?;
        let withdrawn = present.upcoming.as_ref().map(|plan| author.withdrawal(plan.id));
        Ok(Change::RemoveDeployment { id, record: PriceRecord { added: Vec::new(), withdrawn } })
    }

    fn check_provider(&self, provider: &Provider) -> Result<(), RegistryError> {
        if let Some(reason) = name::fault(&provider.name) {
            return Err(RegistryError::invalid("name", reason));
        }
        if self.provider_by_name(&provider.name).is_some_and(|other| other.id != provider.id) {
            return Err(RegistryError::NameTaken);
        }
        check_base_url(provider)?;
        check_timeouts(&provider.timeouts)
    }

    fn check_deployment(&self, deployment: &Deployment, plan: &Plan, now: Timestamp) -> Result<(), RegistryError> {
        self.provider(deployment.provider).ok_or_else(|| RegistryError::invalid("provider", "does not exist"))?;
        if let Some(reason) = name::fault(&deployment.name) {
            return Err(RegistryError::invalid("name", reason));
        }
        if let Some(reason) = name::fault(&deployment.upstream_model) {
            return Err(RegistryError::invalid("upstream_model", reason));
        }
        if self.group_by_name(&deployment.name).is_some() {
            return Err(RegistryError::Conflict("a group has this name; choose a different one".to_owned()));
        }
        check_capacity(deployment)?;
        if let Some((_, price)) = deployment.price.as_deref() {
            check_price(price)?;
        }
        check_plan(plan, now)?;
        if self.deployments().any(|other| other.id != deployment.id && is_same_offer(other, deployment)) {
            return Err(RegistryError::Conflict("the provider offers this model under this name already".to_owned()));
        }
        Ok(())
    }
}

fn is_same_offer(one: &Deployment, other: &Deployment) -> bool {
    one.name == other.name && one.provider == other.provider && one.upstream_model == other.upstream_model
}

/// Only the shape; whether the address may be called is the upstream guard's question.
fn check_base_url(provider: &Provider) -> Result<(), RegistryError> {
    let url = provider.base_url.as_str();
    if provider.kind == ProviderKind::Sandbox && url.is_empty() {
        return Ok(());
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if rest.is_none_or(str::is_empty) {
        return Err(RegistryError::invalid("base_url", "must begin with http:// or https:// and name a host"));
    }
    if url.len() > MAX_URL || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(RegistryError::invalid("base_url", "must be one address of at most 2048 bytes without spaces"));
    }
    Ok(())
}

fn check_timeouts(timeouts: &Timeouts) -> Result<(), RegistryError> {
    let waits = [
        ("timeouts.connect_ms", Some(timeouts.connect_ms)),
        ("timeouts.first_byte_ms", timeouts.first_byte_ms),
        ("timeouts.idle_ms", Some(timeouts.idle_ms)),
        ("timeouts.total_ms", Some(timeouts.total_ms)),
    ];
    check_range(&waits, MAX_WAIT_MS)
}

fn check_capacity(deployment: &Deployment) -> Result<(), RegistryError> {
    if deployment.dialects.is_empty() {
        return Err(RegistryError::invalid("dialects", "must name at least one dialect"));
    }
    let sizes = [("max_output_tokens", deployment.max_output_tokens), ("context_window", deployment.context_window)];
    check_range(&sizes, MAX_TOKENS)
}

fn check_range(figures: &[(&'static str, Option<u64>)], most: u64) -> Result<(), RegistryError> {
    for (field, figure) in figures {
        if figure.is_some_and(|figure| figure == 0 || figure > most) {
            return Err(RegistryError::invalid(field, format!("must be between 1 and {most}")));
        }
    }
    Ok(())
}

/// What was charged stays as it was: no price begins in the past.
fn check_plan(plan: &Plan, now: Timestamp) -> Result<(), RegistryError> {
    let Plan::At(moment, price) = plan else { return Ok(()) };
    check_price(price)?;
    if *moment <= now {
        let reason = format!("must be in the future; leave it out for a price from now on (it is {now})");
        return Err(RegistryError::invalid("prices.effective_from", reason));
    }
    Ok(())
}

/// Rates are never negative by their type; fees are money, which may be.
fn check_price(price: &Price) -> Result<(), RegistryError> {
    let fees = [
        ("prices.request_fee_usd", price.request_fee_usd),
        ("prices.image_fee_usd", price.image_fee_usd),
        ("prices.audio_minute_fee_usd", price.audio_minute_fee_usd),
        ("prices.search_fee_usd", price.search_fee_usd),
    ];
    for (field, fee) in fees {
        if fee.is_negative() || fee.to_row().is_none() {
            return Err(RegistryError::invalid(field, "must be between 0 and 9000000 dollars"));
        }
    }
    let mut lengths: Vec<_> = price.context_tiers.iter().map(|tier| tier.above_input_tokens).collect();
    lengths.sort_unstable();
    lengths.dedup();
    if lengths.len() < price.context_tiers.len() {
        return Err(RegistryError::invalid("prices.context_tiers", "must not have two tiers that begin at one length"));
    }
    Ok(())
}

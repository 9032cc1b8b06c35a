//! What may be changed in the catalogue, and why not. Pure: each verb takes a record and gives the change to save, or a
//! refusal. Owns every rule about providers, deployments and prices, and when a price becomes a new version.

use std::sync::Arc;

use super::catalogue::{Catalogue, Deployment, Provider};
use super::error::RegistryError;
use super::group::Group;
use crate::domain::{
    DeploymentId, GroupId, Price, PriceId, PriceInForce, ProviderId, ProviderKind, Timeouts, Timestamp, name,
};

/// Longest address of a provider.
const MAX_URL: usize = 2_048;
/// No wait is longer than a day: beyond it a call is not waited for but forgotten.
const MAX_WAIT_MS: u64 = 24 * 60 * 60 * 1_000;
/// Far above any model and far below what a row can hold.
const MAX_TOKENS: u64 = 1_000_000_000_000;

/// One accepted change, to be saved as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a change is made by hand, one at a time")]
pub enum Change {
    /// The provider, new or instead of the one with its id.
    SaveProvider(Arc<Provider>),
    /// No provider with this id.
    RemoveProvider(ProviderId),
    /// The deployment, new or instead of the one with its id.
    SaveDeployment {
        /// The deployment, with the id of the version of its price.
        deployment: Arc<Deployment>,
        /// That version, if it is new.
        new_price: Option<PriceVersion>,
    },
    /// No deployment with this id; the versions of its price stay.
    RemoveDeployment(DeploymentId),
    /// The group, new or instead of the one with its id.
    SaveGroup(Arc<Group>),
    /// No group with this id.
    RemoveGroup(GroupId),
}

/// A price as it is kept for ever, so that every amount booked at it can be computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceVersion {
    /// Its id, named by every entry booked at it.
    pub id: PriceId,
    /// Whose price it is.
    pub deployment: DeploymentId,
    /// From when calls are booked at it.
    pub effective_from: Timestamp,
    /// The rates and fees.
    pub price: Price,
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

    pub(super) fn delete_provider(&self, id: ProviderId) -> Decision {
        self.provider(id).ok_or(RegistryError::NotFound)?;
        let used = self.deployments().filter(|deployment| deployment.provider == id).count();
        if used > 0 {
            return Err(RegistryError::Conflict(format!(
                "{used} models are at this provider; delete or move them first"
            )));
        }
        Ok(Change::RemoveProvider(id))
    }

    pub(super) fn create_deployment(&self, deployment: Deployment, fresh: PriceId) -> Decision {
        if self.deployment(deployment.id).is_some() {
            return Err(RegistryError::Conflict("a model with this id exists already".to_owned()));
        }
        self.check_deployment(&deployment)?;
        let at = deployment.created_at;
        Ok(versioned(deployment, None, fresh, at))
    }

    pub(super) fn update_deployment(&self, mut deployment: Deployment, fresh: PriceId, at: Timestamp) -> Decision {
        let present = self.deployment(deployment.id).ok_or(RegistryError::NotFound)?;
        deployment.created_at = present.created_at;
        self.check_deployment(&deployment)?;
        if deployment.name != present.name {
            self.check_unneeded(present)?;
        }
        Ok(versioned(deployment, present.price.as_ref(), fresh, at))
    }

    pub(super) fn delete_deployment(&self, id: DeploymentId) -> Decision {
        let present = self.deployment(id).ok_or(RegistryError::NotFound)?;
        self.check_unneeded(present)?;
        Ok(Change::RemoveDeployment(id))
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

    fn check_deployment(&self, deployment: &Deployment) -> Result<(), RegistryError> {
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
        if self.deployments().any(|other| other.id != deployment.id && is_same_offer(other, deployment)) {
            return Err(RegistryError::Conflict("the provider offers this model under this name already".to_owned()));
        }
        Ok(())
    }
}

/// The deployment with the version of its price: the present one for an equal price, a fresh one from `at` otherwise.
fn versioned(mut deployment: Deployment, present: Option<&PriceInForce>, fresh: PriceId, at: Timestamp) -> Change {
    let asked = deployment.price.take();
    let is_present = |price: &Price| present.is_some_and(|present| present.1 == *price);
    let new_price = asked.as_deref().filter(|(_, price)| !is_present(price)).map(|(_, price)| PriceVersion {
        id: fresh,
        deployment: deployment.id,
        effective_from: at,
        price: price.clone(),
    });
    deployment.price = match &new_price {
        Some(version) => Some(Arc::new((version.id, version.price.clone()))),
        None => asked.and(present.cloned()),
    };
    Change::SaveDeployment { deployment: Arc::new(deployment), new_price }
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

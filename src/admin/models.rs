//! Models: deployments at providers, with their prices. Owns what one is made of and the defaults of its kind.
//! Refuses rules: which deployment is sound, and when a price is a new version, are the registry's questions.

use std::sync::Arc;

use farthing_actors::domain::{Author, DeploymentId, Dialect, Price, PriceSource, Timestamp};
use farthing_actors::registry::catalogue::Deployment;
use farthing_actors::registry::{Plan, unversioned};

use super::etag::expect;
use super::{Admin, AdminError, Tagged};
use crate::upstream::kinds::dialects;

/// A deployment to be made, or to stand where another stood.
#[derive(Debug, Clone)]
pub struct ModelDraft {
    /// The model as clients name it.
    pub name: String,
    /// Its provider, by name or id.
    pub provider: String,
    /// The model as the provider names it; the same name if absent.
    pub upstream_model: Option<String>,
    /// Its share among deployments of equal priority.
    pub weight: u32,
    /// Lower is tried first.
    pub priority: i32,
    /// What it speaks; what the provider's kind usually speaks if absent.
    pub dialects: Option<Vec<Dialect>>,
    /// The most it can generate for one request; what the catalogue knows if absent.
    pub max_output_tokens: Option<u64>,
    /// The most it can take in and generate together; what the catalogue knows if absent.
    pub context_window: Option<u64>,
    /// Its price; the catalogue's if absent, and unknown, which is never zero, if that has none.
    pub price: Option<Price>,
    /// From when that price is to be charged, in the future; from now on if absent.
    pub effective_from: Option<Timestamp>,
}

impl Admin {
    /// The deployment with this id.
    ///
    /// # Errors
    /// If there is none.
    pub fn model(&self, id: DeploymentId) -> Result<Arc<Deployment>, AdminError> {
        self.catalogue().deployment(id).cloned().ok_or_else(|| AdminError::absent("model", id))
    }

    /// Makes a deployment. With a price that is planned for later, it has the list's until then, or none.
    ///
    /// # Errors
    /// If its provider is missing, or as the registry refuses.
    pub async fn create_model(&self, draft: ModelDraft, by: &Author) -> Result<Arc<Deployment>, AdminError> {
        let _one = self.changing.lock().await;
        let now = self.parts.clock.now();
        let (draft, plan) = planned(draft);
        let deployment = self.deployment(DeploymentId::generate(), draft, (now, None))?;
        let id = deployment.id;
        self.parts.registry.create_deployment(deployment, plan, by.does("model.create").about(id)).await?;
        self.model(id)
    }

    /// Puts `draft` where the deployment with this id stood; a different price is in force from now on, or from when the
    /// draft says. A planned price stays unless the draft plans another or has none: then the list is followed.
    ///
    /// # Errors
    /// If there is none, or as the registry refuses.
    pub async fn replace_model(
        &self,
        id: DeploymentId,
        draft: ModelDraft,
        by: &Author,
    ) -> Result<Arc<Deployment>, AdminError> {
        let _one = self.changing.lock().await;
        let present = self.model(id)?;
        expect(by, &present.etag())?;
        let (draft, plan) = planned(draft);
        let deployment = self.deployment(id, draft, (present.created_at, Some(&present)))?;
        let event = by.does("model.update").about(id);
        self.parts.registry.update_deployment(deployment, plan, event).await?;
        self.model(id)
    }

    /// Gives up the planned price of a deployment; its present one stays.
    ///
    /// # Errors
    /// If there is no such deployment, or nothing is planned.
    pub async fn withdraw_price(&self, id: DeploymentId, by: &Author) -> Result<Arc<Deployment>, AdminError> {
        let _one = self.changing.lock().await;
        let present = self.model(id)?;
        if present.upcoming.is_none() {
            return Err(AdminError::absent("upcoming price of the model", id));
        }
        let event = by.does("price.withdraw").about(id);
        self.parts.registry.update_deployment(Deployment::clone(&present), Plan::Withdraw, event).await?;
        self.model(id)
    }

    /// Removes a deployment; the versions of its price stay.
    ///
    /// # Errors
    /// If there is none.
    pub async fn delete_model(&self, id: DeploymentId, by: &Author) -> Result<(), AdminError> {
        let _one = self.changing.lock().await;
        expect(by, &self.model(id)?.etag())?;
        Ok(self.parts.registry.delete_deployment(id, by.does("model.delete").about(id)).await?)
    }

    fn deployment(
        &self,
        id: DeploymentId,
        draft: ModelDraft,
        (created_at, present): (Timestamp, Option<&Deployment>),
    ) -> Result<Deployment, AdminError> {
        let missing = || AdminError::invalid("provider", format!("{:?} does not exist", draft.provider));
        let provider = self.find_provider(&draft.provider).ok_or_else(missing)?;
        let name: Arc<str> = draft.name.into();
        let upstream_model = draft.upstream_model.map_or_else(|| Arc::clone(&name), Arc::from);
        let present = present.filter(|present| present.provider == provider.id);
        let listed = self.parts.lists.listed(provider.kind, &upstream_model, present);
        // Whoever gives a price means it, also where the list says the same today.
        let (price, price_source) = match draft.price {
            Some(price) => (Some(price), PriceSource::Own),
            None => (listed.price, listed.source),
        };
        Ok(Deployment {
            id,
            provider: provider.id,
            name,
            weight: draft.weight,
            priority: draft.priority,
            dialects: draft.dialects.unwrap_or_else(|| dialects(provider.kind, &upstream_model).to_vec()),
            upstream_model,
            max_output_tokens: draft.max_output_tokens.or(listed.max_output_tokens),
            context_window: draft.context_window.or(listed.context_window),
            price: price.map(unversioned),
            price_source,
            // The plan goes beside the record.
            upcoming: None,
            created_at,
        })
    }
}

/// The draft without a price that is for later, and what is to be planned.
fn planned(draft: ModelDraft) -> (ModelDraft, Plan) {
    match (&draft.price, draft.effective_from) {
        (Some(price), Some(moment)) => {
            let plan = Plan::At(moment, price.clone());
            (ModelDraft { price: None, ..draft }, plan)
        }
        (Some(_), None) => (draft, Plan::Keep),
        (None, _) => (draft, Plan::Withdraw),
    }
}

//! What the fetched price list changes about models: applied at once, or held back for an operator where a rate would move
//! more than tenfold. Owns that nothing an operator priced is touched, and that what is approved is what was seen.

use std::sync::Arc;

use farthing_actors::domain::Price;
use farthing_actors::domain::{Author, Event};
use farthing_actors::registry::Quote;
use farthing_actors::registry::catalogue::{Catalogue, Deployment};
use sha2::{Digest, Sha256};

use super::price_lists::{PriceLists, RefreshError, Refreshed};
use super::{Admin, AdminError};
use crate::catalogue::guard::{Leap, leap};
use crate::catalogue::{PriceList, completed};

/// Who sets prices from the fetched list.
const CATALOGUE: &str = "catalogue";

/// A price that the fetched list has, and the model has not.
#[derive(Debug, Clone)]
pub struct PriceChange {
    /// Names this change: of this model, from the price it has, to this one.
    pub id: String,
    /// The model as it is.
    pub model: Arc<Deployment>,
    /// The price of the list.
    pub price: Price,
    /// The rate that would move too far, if one would.
    pub leap: Option<Leap>,
}

impl Admin {
    /// The fetched price list.
    pub fn price_lists(&self) -> &Arc<PriceLists> {
        &self.parts.lists
    }

    /// Changes that wait for an operator, by their models' ids.
    pub fn held_back_prices(&self) -> Vec<PriceChange> {
        let refreshed = self.parts.lists.refreshed();
        let mut held = changes(&self.catalogue(), &refreshed);
        held.retain(|change| change.leap.is_some() && !refreshed.dismissed.contains(&change.id));
        held
    }

    /// Fetches the price list once and applies what may be applied.
    ///
    /// # Errors
    /// If there is no newer list; then no price has changed.
    pub async fn refresh_prices(&self) -> Result<(), RefreshError> {
        self.parts.lists.fetch(self.parts.clock.now()).await?;
        let _one = self.changing.lock().await;
        let author = Author::new(CATALOGUE, self.parts.clock.now());
        for change in changes(&self.catalogue(), &self.parts.lists.refreshed()) {
            match &change.leap {
                None => drop(self.apply(&change, author.does("price.refresh")).await.inspect_err(|error| {
                    log::warn!(deployment:% = change.model.id, error:%; "a listed price could not be set");
                })),
                Some(leap) => log::warn!(
                    deployment:% = change.model.id, change = change.id.as_str(), class = leap.class,
                    from:% = leap.from, to:% = leap.to; "a listed price is held back: it moves more than tenfold"
                ),
            }
        }
        Ok(())
    }

    /// Puts held-back prices in force; `by` has set them then.
    ///
    /// # Errors
    /// If one of `wanted` is not held back: then none is in force.
    pub async fn approve_prices(&self, wanted: &[String], by: &Author) -> Result<(), AdminError> {
        let _one = self.changing.lock().await;
        for change in self.held_back(wanted)? {
            self.apply(&change, by.does("price.approve").and("change", &change.id)).await?;
        }
        Ok(())
    }

    /// Holds changes back no longer: the prices stay as they are until the list says something else.
    ///
    /// # Errors
    /// If one of `wanted` is not held back, or it cannot be kept.
    pub async fn dismiss_prices(&self, wanted: &[String], by: &Author) -> Result<(), AdminError> {
        self.held_back(wanted)?;
        self.parts.audit.record(by.does("price.dismiss").and("changes", wanted.join(" "))).await?;
        self.parts.lists.dismiss(wanted.to_vec()).await
    }

    fn held_back(&self, wanted: &[String]) -> Result<Vec<PriceChange>, AdminError> {
        let held = self.held_back_prices();
        let find = |id: &String| held.iter().find(|change| change.id == *id).cloned();
        let one = |id| find(id).ok_or_else(|| AdminError::absent("held-back price change", id));
        wanted.iter().map(one).collect()
    }

    async fn apply(&self, change: &PriceChange, event: Event) -> Result<(), AdminError> {
        let instead_of = change.model.price.as_deref().map(|(id, _)| *id);
        let quote = Quote { deployment: change.model.id, instead_of, price: change.price.clone() };
        Ok(self.parts.registry.requote(quote, event.about(change.model.id)).await?)
    }
}

/// Everything that the fetched list has otherwise, of models whose price a list may say.
fn changes(catalogue: &Catalogue, refreshed: &Refreshed) -> Vec<PriceChange> {
    let following = catalogue.deployments().filter(|model| model.price_source.follows_list());
    following.filter_map(|model| change(catalogue, refreshed, model)).collect()
}

fn change(catalogue: &Catalogue, refreshed: &Refreshed, model: &Arc<Deployment>) -> Option<PriceChange> {
    let kind = catalogue.provider(model.provider)?.kind;
    let listed = &refreshed.list.find(kind, &model.upstream_model)?.price;
    let present = model.price.as_deref().map(|(_, price)| price);
    let bundled = || PriceList::bundled().find(kind, &model.upstream_model).map(|listing| &listing.price);
    let known = present.or_else(bundled);
    let price = known.map_or_else(|| listed.clone(), |known| completed(listed, known));
    if present == Some(&price) {
        return None;
    }
    let leap = known.and_then(|known| leap(known, &price));
    Some(PriceChange { id: id(model, &price), model: Arc::clone(model), price, leap })
}

fn id(model: &Deployment, price: &Price) -> String {
    let from = model.price.as_deref().map(|(version, _)| version.to_string()).unwrap_or_default();
    // Plain figures always have a JSON form.
    let to = serde_json::to_vec(price).unwrap_or_default();
    let digest = Sha256::new().chain_update(model.id.to_string()).chain_update(from).chain_update(to).finalize();
    let part = digest.first_chunk::<8>().copied().unwrap_or_default();
    format!("chg_{:016x}", u64::from_be_bytes(part))
}

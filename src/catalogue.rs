//! The catalogue: prices and limits of known models, from the list that comes with the program or from one in models.dev's
//! form. Owns how a model is found by its many names. Refuses guesses: a model that is not listed has no price, which is
//! not a price of zero, and whoever wants a list fetches it.

mod bundled;
pub mod guard;
pub mod models_dev;
mod names;
mod silence;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use farthing_actors::domain::{Price, ProviderKind};
use thiserror::Error;

pub use silence::completed;

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What it costs.
    pub price: Price,
    /// The most it can take in and generate together.
    pub context_window: Option<u64>,
    /// The most it can generate for one request.
    pub max_output_tokens: Option<u64>,
}

/// Why a list is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("it is no list of prices: {0}")]
pub struct ListError(String);

/// Known models, by the kind of their provider and their name there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PriceList {
    listings: HashMap<(ProviderKind, String), Listing>,
    /// Names that look like another of a listed model and are not.
    excepted: HashSet<(ProviderKind, String)>,
}

impl PriceList {
    /// The list that comes with the program.
    pub fn bundled() -> &'static Self {
        static BUNDLED: OnceLock<PriceList> = OnceLock::new();
        // A test reads the same text; a program whose own list is broken has no list, and prices nothing.
        BUNDLED.get_or_init(|| bundled::read(bundled::TEXT).unwrap_or_default())
    }

    /// What is known of `model` at a provider of this kind: by its exact name, then without the parts of a name that do
    /// not change a price. A reseller that names the maker first is found at the maker if its own list has no such model.
    pub fn find(&self, kind: ProviderKind, model: &str) -> Option<&Listing> {
        let model = model.strip_prefix("models/").unwrap_or(model);
        self.spelt(kind, model).or_else(|| {
            let (maker, model) = names::resold(kind, model)?;
            self.spelt(maker, model)
        })
    }

    fn spelt(&self, kind: ProviderKind, model: &str) -> Option<&Listing> {
        if self.excepted.contains(&(kind, model.to_owned())) {
            return None;
        }
        names::spellings(model).find_map(|name| self.listings.get(&(kind, name)))
    }

    /// With the exceptions of `other`, but for names that this list has itself.
    #[must_use]
    pub fn excepting_as(mut self, other: &Self) -> Self {
        let unlisted = other.excepted.iter().filter(|name| !self.listings.contains_key(*name));
        let excepted: Vec<_> = unlisted.cloned().collect();
        self.excepted.extend(excepted);
        self
    }

    /// Every model of the list: its provider's kind, its name there, and what is known of it.
    pub fn iter(&self) -> impl Iterator<Item = (ProviderKind, &str, &Listing)> {
        self.listings.iter().map(|((kind, model), listing)| (*kind, model.as_str(), listing))
    }

    /// How many models it has.
    pub fn len(&self) -> usize {
        self.listings.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.listings.is_empty()
    }

    fn add(&mut self, kind: ProviderKind, model: &str, listing: Listing) -> bool {
        self.listings.insert((kind, model.to_owned()), listing).is_none()
    }
}

//! Price lists: the fetched one, which goes before the one that comes with the program. Owns the fetched list, what is known
//! of its fetching, and which list a model's price is from. Refuses to change a model: `price_changes` does.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use farthing_actors::domain::{Price, PriceSource, ProviderKind, Timestamp};
use farthing_actors::registry::catalogue::Deployment;
use farthing_actors::snapshot::{Publisher, Snapshot};
use serde_json::value::RawValue;
use thiserror::Error;
use tokio::sync::Mutex;

use super::AdminError;
use crate::background;
use crate::catalogue::models_dev::{self, Fetched};
use crate::catalogue::{ListError, Listing, PriceList, completed, guard};
use crate::store::StoreError;
use crate::store::kept_list::{KeptList, ListFile};
use crate::upstream::client;
use crate::upstream::guard::{Address, AddressError};

/// Why there is no newer list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RefreshError {
    /// Nothing is to be fetched.
    #[error("catalogue.url is empty, so no list is fetched")]
    Off,
    /// It did not come.
    #[error("the price list could not be fetched: {0}")]
    Fetch(String),
    /// It came, and is none.
    #[error("the price list was not taken: {0}")]
    List(#[from] ListError),
}

/// Where prices are listed.
pub struct PriceLists {
    address: Option<Address>,
    file: ListFile,
    published: Publisher<Refreshed>,
    refreshed: Snapshot<Refreshed>,
    /// One change of the list at a time.
    changing: Mutex<()>,
}

/// The fetched list, and what is known of its fetching.
#[derive(Debug, Default, Clone)]
pub struct Refreshed {
    /// What it lists; nothing if none was ever fetched.
    pub list: Arc<PriceList>,
    /// How many of its models have a figure that is no exact amount.
    pub left_out: usize,
    /// When it was fetched.
    pub fetched_at: Option<Timestamp>,
    /// When that was last tried.
    pub tried_at: Option<Timestamp>,
    /// Why that failed, if it did.
    pub last_error: Option<String>,
    /// Changes of it that an operator does not want.
    pub dismissed: Vec<String>,
}

/// What a list knows of a model.
pub(super) struct Listed {
    pub price: Option<Price>,
    pub source: PriceSource,
    pub context_window: Option<u64>,
    pub max_output_tokens: Option<u64>,
}

impl PriceLists {
    /// The list that was last fetched at `url`, as `data_dir` keeps it. One that cannot be read is none.
    ///
    /// # Errors
    /// If the address is none that may be called.
    pub fn open(url: Option<&str>, data_dir: &Path) -> Result<Self, AddressError> {
        let address = url.map(Address::written).transpose()?;
        let file = ListFile::within(data_dir);
        let kept = address.as_ref().and_then(|address| kept(&file, address)).unwrap_or_default();
        let published = Publisher::new(kept);
        Ok(Self { address, file, refreshed: published.reader(), published, changing: Mutex::new(()) })
    }

    /// Where the list is fetched, if anywhere.
    pub fn url(&self) -> Option<&str> {
        self.address.as_ref().map(|address| address.base.as_str())
    }

    /// The fetched list as it is now.
    pub fn refreshed(&self) -> Arc<Refreshed> {
        self.refreshed.get()
    }

    /// Fetches the list at `now`, once, and keeps it if it is one.
    ///
    /// # Errors
    /// If it cannot be had or is none; then the last one stays.
    pub(super) async fn fetch(&self, now: Timestamp) -> Result<(), RefreshError> {
        let address = self.address.as_ref().ok_or(RefreshError::Off)?;
        let _one = self.changing.lock().await;
        let outcome = match client::fetch(address).await {
            Ok(text) => self.take(text, now).await,
            Err(error) => Err(RefreshError::Fetch(error.to_string())),
        };
        if let Err(error) = &outcome {
            self.complain(error, now);
        }
        outcome
    }

    async fn take(&self, text: Bytes, now: Timestamp) -> Result<(), RefreshError> {
        let dismissed = self.refreshed().dismissed.clone();
        let (file, url) = (self.file.clone(), self.url().unwrap_or_default().to_owned());
        let refreshed = background::run(move || {
            let fetched = models_dev::read(&text)?;
            let list = serde_json::from_slice::<Box<RawValue>>(&text);
            let kept = list.map(|list| KeptList { url, fetched_at: now, dismissed: dismissed.clone(), list });
            let written = kept.map_err(|error| error.to_string());
            let written = written.and_then(|kept| file.write(&kept).map_err(|error| error.to_string()));
            if let Err(error) = written {
                log::warn!(error:%; "the price list is used, but could not be kept for the next start");
            }
            Ok(Refreshed { tried_at: Some(now), dismissed, ..Refreshed::new(fetched, now) })
        });
        let refreshed = refreshed.await.unwrap_or_else(|gone| Err(RefreshError::Fetch(gone.to_string())))?;
        let (models, left_out) = (refreshed.list.len(), refreshed.left_out);
        log::info!(url = self.url(), models, left_out; "the price list was fetched");
        self.published.publish(refreshed);
        Ok(())
    }

    /// Said once, however often the same is tried again.
    fn complain(&self, error: &RefreshError, now: Timestamp) {
        let before = self.refreshed();
        let last_error = Some(error.to_string());
        if before.last_error != last_error {
            log::warn!(url = self.url(), error:%; "the price list stays as it is");
        }
        self.published.publish(Refreshed { tried_at: Some(now), last_error, ..Refreshed::clone(&before) });
    }

    /// Notes that changes of the list are not wanted.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub(super) async fn dismiss(&self, changes: Vec<String>) -> Result<(), AdminError> {
        let _one = self.changing.lock().await;
        let before = self.refreshed();
        let mut dismissed = before.dismissed.clone();
        dismissed.extend(changes);
        let (file, all) = (self.file.clone(), dismissed.clone());
        let kept = background::run(move || match file.read()? {
            Some(kept) => file.write(&KeptList { dismissed: all, ..kept }),
            None => Ok(()),
        });
        kept.await.map_err(StoreError::from)??;
        self.published.publish(Refreshed { dismissed, ..Refreshed::clone(&before) });
        Ok(())
    }

    /// What is known of `model` at a provider of this kind: by the fetched list unless its price would leap from the one
    /// there is, else by the bundled one. A model that a list forgot keeps the price it had from it.
    pub(super) fn listed(&self, kind: ProviderKind, model: &str, present: Option<&Deployment>) -> Listed {
        let (refreshed, bundled) = (self.refreshed(), PriceList::bundled().find(kind, model));
        let newer = refreshed.list.find(kind, model);
        let known =
            baseline(bundled.map(|listing| &listing.price), present.filter(|old| *old.upstream_model == *model));
        let (price, source) = match (newer.map(|listing| &listing.price), known) {
            (None, None) => (None, PriceSource::Bundled),
            (None, Some((price, source))) => (Some(price.clone()), source),
            (Some(newer), None) => (Some(newer.clone()), PriceSource::Refreshed),
            (Some(newer), Some((price, source))) => {
                let newer = completed(newer, price);
                let stays = newer == *price || guard::leap(price, &newer).is_some();
                if stays { (Some(price.clone()), source) } else { (Some(newer), PriceSource::Refreshed) }
            }
        };
        let limit = |pick: fn(&Listing) -> Option<u64>| newer.and_then(pick).or_else(|| bundled.and_then(pick));
        Listed {
            price,
            source,
            context_window: limit(|listing| listing.context_window),
            max_output_tokens: limit(|listing| listing.max_output_tokens),
        }
    }
}

impl Refreshed {
    fn new(fetched: Fetched, at: Timestamp) -> Self {
        Self {
            list: Arc::new(fetched.list.excepting_as(PriceList::bundled())),
            left_out: fetched.left_out.len(),
            fetched_at: Some(at),
            ..Self::default()
        }
    }
}

/// What a newer price is compared with: what the model has from the fetched list, else what the bundled one says.
fn baseline<'a>(bundled: Option<&'a Price>, present: Option<&'a Deployment>) -> Option<(&'a Price, PriceSource)> {
    let present = present.filter(|present| present.price_source.follows_list());
    let source = present.map_or(PriceSource::Bundled, |present| present.price_source);
    let had = present.and_then(|present| present.price.as_deref()).map(|(_, price)| (price, source));
    let bundled = bundled.map(|price| (price, PriceSource::Bundled));
    if source == PriceSource::Refreshed { had.or(bundled) } else { bundled.or(had) }
}

/// What the file keeps of the list at `address`.
fn kept(file: &ListFile, address: &Address) -> Option<Refreshed> {
    let unreadable = |error: &dyn std::fmt::Display| {
        log::warn!(error:%; "the kept price list cannot be read; it is fetched anew");
    };
    let kept = file.read().inspect_err(|error| unreadable(error)).ok()??;
    if kept.url != address.base {
        return None;
    }
    let fetched = models_dev::read(kept.list.get().as_bytes()).inspect_err(|error| unreadable(error)).ok()?;
    Some(Refreshed { dismissed: kept.dismissed, ..Refreshed::new(fetched, kept.fetched_at) })
}

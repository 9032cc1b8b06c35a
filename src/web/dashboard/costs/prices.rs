//! The price table: what each deployment charges per million tokens, fresh, generated, read from a cache and written to one.
//! Owns the order: what has no price comes first. Refuses more rows than a page can carry; it says how many are not shown.

use farthing_actors::registry::catalogue::{Catalogue, Deployment};

use crate::web::dashboard::rates::{Rates, source};
use crate::web::dashboard::shown::Moment;

/// Rows a page shows.
const MOST: usize = 200;

/// The table.
pub(super) struct Prices {
    pub(super) rows: Vec<PriceRow>,
    pub(super) more: usize,
    pub(super) unpriced: usize,
}

/// One deployment.
pub(super) struct PriceRow {
    pub(super) href: String,
    pub(super) model: String,
    pub(super) provider: String,
    pub(super) rates: Option<Rates>,
    pub(super) source: &'static str,
    pub(super) upcoming: Option<Moment>,
}

impl Prices {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut rows: Vec<_> = catalogue.deployments().map(|model| PriceRow::new(catalogue, model)).collect();
        rows.sort_by(|one, other| {
            let place = |row: &PriceRow| (row.rates.is_some(), row.model.clone(), row.provider.clone());
            place(one).cmp(&place(other))
        });
        let unpriced = rows.iter().filter(|row| row.rates.is_none()).count();
        let more = rows.len().saturating_sub(MOST);
        rows.truncate(MOST);
        Self { rows, more, unpriced }
    }
}

impl PriceRow {
    fn new(catalogue: &Catalogue, model: &Deployment) -> Self {
        Self {
            href: format!("/models/{}", model.id),
            model: model.name.to_string(),
            provider: catalogue.provider(model.provider).map_or_else(String::new, |provider| provider.name.clone()),
            rates: model.price.as_deref().map(|(_, price)| price.into()),
            source: source(model.price_source),
            upcoming: model.upcoming.as_deref().map(|version| version.effective_from.into()),
        }
    }
}

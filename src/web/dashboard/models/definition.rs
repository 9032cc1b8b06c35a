//! A deployment as the fields of a form that puts it back as it is. Owns their names. Refuses to leave one out: PUT takes the
//! whole definition, and what is missing would be as in a new one.

use farthing_actors::domain::{Dialect, Price, PriceSource};
use farthing_actors::registry::catalogue::Deployment;

/// A field that nobody sees.
pub(super) type Hidden = (&'static str, String);

/// All of a deployment but its price.
pub(super) fn fields(model: &Deployment) -> Vec<Hidden> {
    let or_none = |figure: Option<u64>| figure.map_or_else(String::new, |figure| figure.to_string());
    vec![
        ("name", model.name.to_string()),
        ("provider", model.provider.to_string()),
        ("upstream_model", model.upstream_model.to_string()),
        ("weight:int", model.weight.to_string()),
        ("priority:int", model.priority.to_string()),
        ("dialects:list", model.dialects.iter().map(|dialect| dialect.name()).collect::<Vec<_>>().join(",")),
        ("max_output_tokens:int", or_none(model.max_output_tokens)),
        ("context_window:int", or_none(model.context_window)),
    ]
}

/// The price in force, for a form that changes something else. One that a list says is left out, so that the list is still
/// followed; but not while another is planned, which would be given up with it.
pub(super) fn price(model: &Deployment) -> Option<Hidden> {
    let (_, price) = model.price.as_deref()?;
    let is_kept = model.price_source == PriceSource::Own || model.upcoming.is_some();
    is_kept.then(|| ("prices:json", json(price)))
}

/// The price in force is a list's, and would become one's own by a form that has it.
pub(super) fn would_be_own(model: &Deployment) -> bool {
    model.price_source != PriceSource::Own && model.upcoming.is_some()
}

fn json(price: &Price) -> String {
    serde_json::to_string(price).unwrap_or_default()
}

/// Every dialect, and whether the deployment speaks it.
pub(super) fn dialects(model: &Deployment) -> Vec<(&'static str, bool)> {
    Dialect::ALL.iter().map(|dialect| (dialect.name(), model.dialects.contains(dialect))).collect()
}

//! Every version of a deployment's price: from when, by whom, and where it stands. Owns the order, the latest first.

use farthing_actors::registry::catalogue::Deployment;
use farthing_actors::registry::{PriceVersion, Withdrawal};

use crate::web::dashboard::rates::Rates;
use crate::web::dashboard::shown::Moment;
use crate::web::manage::models::versions::State;

/// One version.
pub(super) struct VersionRow {
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
    pub(super) from: Moment,
    pub(super) set_at: Moment,
    pub(super) set_by: String,
    pub(super) rates: Rates,
}

/// The record of `model`.
pub(super) fn history(
    model: &Deployment,
    (versions, withdrawals): (Vec<PriceVersion>, Vec<Withdrawal>),
) -> Vec<VersionRow> {
    let is_withdrawn = |version: &PriceVersion| withdrawals.iter().any(|withdrawal| withdrawal.price == version.id);
    let rows = versions.iter().map(|version| VersionRow::new(model, version, is_withdrawn(version)));
    rows.rev().collect()
}

impl VersionRow {
    fn new(model: &Deployment, version: &PriceVersion, is_withdrawn: bool) -> Self {
        let (state, tone) = match State::of(version.id, Some(model), is_withdrawn) {
            State::Upcoming => ("planned", "fair"),
            State::InForce => ("in force", "good"),
            State::Past => ("past", ""),
            State::Withdrawn => ("withdrawn", ""),
        };
        Self {
            state,
            tone,
            from: version.effective_from.into(),
            set_at: version.set_at.into(),
            set_by: version.set_by.to_string(),
            rates: (&version.price).into(),
        }
    }
}

//! Providers, each as well as its worst circuit, or as what it says to our key.

use std::sync::Arc;

use farthing_actors::breakers::{CircuitReport, RefusedKey};
use farthing_actors::domain::ProviderKind;
use farthing_actors::registry::catalogue::{Catalogue, Provider};

use crate::web::Gateway;
use crate::web::dashboard::shown::{self, Moment};
use crate::web::manage::providers::breaker::circuits;

/// One provider.
pub(super) struct ProviderRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: ProviderKind,
    pub(super) models: String,
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
    pub(super) cause: Option<Arc<str>>,
    pub(super) next_trial: Option<Moment>,
}

pub(super) fn providers(gateway: &Gateway, catalogue: &Catalogue) -> Vec<ProviderRow> {
    let row = |provider: &Arc<Provider>| {
        let models = catalogue.deployments_at(provider.id).count();
        let circuits = circuits(gateway, provider.id).into_iter().map(|(_, report)| report);
        ProviderRow::new((provider, models), circuits, gateway.breakers.refused_key(provider.id))
    };
    catalogue.providers().map(row).collect()
}

impl ProviderRow {
    fn new(
        (provider, models): (&Provider, usize),
        circuits: impl Iterator<Item = CircuitReport>,
        refused: Option<RefusedKey>,
    ) -> Self {
        let models = shown::count(models);
        let worst = circuits.max_by_key(|circuit| circuit.state);
        let (state, tone) = match &worst {
            _ if !provider.enabled => ("disabled", "fair"),
            _ if refused.is_some() => ("key refused", "bad"),
            None => ("no models", "fair"),
            Some(circuit) => shown::circuit(circuit.state),
        };
        let trial = worst.as_ref().and_then(|circuit| circuit.next_trial_at).map(Moment::from);
        let (id, name, kind) = (provider.id.to_string(), provider.name.clone(), provider.kind);
        let cause = worst
            .and_then(|circuit| circuit.cause)
            .or_else(|| refused.map(|refused| shown::refused_key(refused.status)));
        Self { id, name, kind, models, state, tone, cause, next_trial: trial }
    }
}

//! Trying a provider before anybody depends on it. Owns how long it took. No call of a client: nothing is held, booked or told
//! to the breakers, because nothing is generated.

use std::time::Duration;

use farthing_actors::registry::catalogue::Provider;

use super::Relay;
use crate::upstream::{Checked, UpstreamError, profile};

/// What came of it.
pub struct Tried {
    /// What was tried: `models`, `key`, `empty_request` or `built_in`.
    pub by: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Whether it works, or why not.
    pub result: Result<Checked, UpstreamError>,
}

impl Relay {
    /// Tries `provider` with its key, for ten seconds at most.
    pub async fn try_provider(&self, provider: &Provider) -> Tried {
        let catalogue = self.catalogue.load();
        let deployment = catalogue.deployments().find(|deployment| deployment.provider == provider.id);
        let model = deployment.map(|deployment| &*deployment.upstream_model);
        let began = self.clock.monotonic();
        let result = self.upstream.check(provider, model).await;
        Tried { by: profile(provider.kind).check.name(), took: self.clock.monotonic().saturating_sub(began), result }
    }
}

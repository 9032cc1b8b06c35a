//! Circuits as operators take them in hand. Owns that it is on record before it is tried, and again as it ended.
//! Refuses to decide when one opens: that is the breakers'.

use farthing_actors::breakers::Control;
use farthing_actors::domain::{Author, Effect, ProviderId};

use super::{Admin, AdminError};

impl Admin {
    /// Takes every circuit of a provider in hand, those of models to come included, or lets them go; `wish` is how the record names that.
    ///
    /// # Errors
    /// If it cannot be recorded that it is tried; then nothing was done. If the breakers do not answer; then they may or may not be as wished.
    pub async fn force_circuits(
        &self,
        provider: ProviderId,
        (control, wish): (Control, &str),
        by: &Author,
    ) -> Result<(), AdminError> {
        let event = by.does("breaker.force").about(provider).and("state", wish);
        self.parts.audit.record(event.clone().ending(Effect::Attempted)).await?;
        let deployments = self.catalogue().deployments_at(provider).map(|one| one.id).collect();
        let forced = self.parts.breakers.force(provider, deployments, control).await;
        let event = event.again();
        let event = match &forced {
            Ok(()) => event,
            Err(error) => event.ending(Effect::Failure).and("reason", error),
        };
        self.parts.audit.note(event);
        forced.map_err(AdminError::Breakers)
    }
}

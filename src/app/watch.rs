//! Watches: what is looked at now and then, and told to operators by log and feed when it turns.
//! Refuses to act: nothing here stops a call. Webhooks are to be told the same from here.

use std::time::Duration;

use actix_web::web;
use farthing_actors::feed::{Event, SystemNoted};

use crate::admin::credits::Credit;
use crate::web::Gateway;

/// A look is one short read where no credit is set.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Tells once of each provider whose credit has become low.
pub(super) async fn credits(gateway: web::Data<Gateway>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        match gateway.admin.newly_low_credits().await {
            Ok(low) => low.iter().for_each(|credit| tell(&gateway, credit)),
            Err(error) => log::warn!(error:%; "the credit of providers could not be looked at"),
        }
    }
}

fn tell(gateway: &Gateway, credit: &Credit) {
    let name = gateway.admin.provider(credit.provider).map(|provider| provider.name.clone()).unwrap_or_default();
    let (provider, remaining) = (credit.provider, credit.remaining());
    log::warn!(provider_id:% = provider, provider = name.as_str(), remaining_usd:% = remaining;
        "a provider's credit is low");
    let message = format!("the credit at the provider {name} is low: ${remaining} left").into();
    gateway.feed.publish(Event::System(SystemNoted { time: gateway.clock.now(), message }));
}

//! The pulse: whether every owner of state still does anything.
//! Owns when silence is a fault. Refuses to mend it: a thread that hangs cannot be replaced, a process can, and the
//! journal knows what was in flight.

use std::time::Duration;

use actix_web::web;
use farthing_actors::mailbox::Vitals;
use farthing_actors::supervisor::{OnFatal, StartError};
use tokio::time::{Instant, interval};

use crate::web::Gateway;

/// An actor that lives and does nothing for so long never will again: no wait of ours for the disk is longer.
const HOPELESS: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tells `on_fatal` of the first actor that stalls for good.
pub(super) async fn watch(gateway: web::Data<Gateway>, on_fatal: OnFatal) {
    let (mut looks, mut last) = (interval(LOOK_EVERY), Instant::now());
    loop {
        looks.tick().await;
        // A process that was stopped as a whole has done nothing either: its actors are given the time to show it.
        let was_away = last.elapsed() > LOOK_EVERY.saturating_mul(3);
        last = Instant::now();
        if let Some(actor) = stalled(&gateway).filter(|_| !was_away) {
            let reason = format!("it has done nothing for {} s", actor.silent.as_secs());
            return on_fatal(StartError { name: actor.name, reason });
        }
    }
}

/// An actor that stalls for good, if one does.
pub(super) fn stalled(gateway: &Gateway) -> Option<Vitals> {
    gateway.vitals.iter().map(|vitals| vitals()).find(|actor| actor.alive && actor.silent >= HOPELESS)
}

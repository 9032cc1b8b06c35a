//! The owners of state, and how each of them is.

use crate::web::Gateway;
use crate::web::dashboard::shown;

/// One actor.
pub(super) struct ActorRow {
    pub(super) name: &'static str,
    pub(super) alive: bool,
    pub(super) waiting: String,
    pub(super) restarts: String,
}

pub(super) fn actors(gateway: &Gateway) -> Vec<ActorRow> {
    let vitals = gateway.vitals.iter().map(|vitals| vitals());
    let row = |it: farthing_actors::mailbox::Vitals| ActorRow {
        name: it.name,
        alive: it.alive,
        waiting: shown::count(it.waiting),
        restarts: shown::count(it.restarts),
    };
    vitals.map(row).collect()
}

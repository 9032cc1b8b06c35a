//! Shadowing: calls that passed although a limit or a budget in shadow mode would have refused them, and calls that a group
//! in the shadow would have sent elsewhere. Owns when that is told: once nothing else refuses the call, so what is counted is
//! exactly what enforcing would add; and once it is served, so that prices are compared by what it really took.

use farthing_actors::domain::Usage;
use farthing_actors::ledger::{Hold, Target};
use farthing_actors::limiters::Permit;
use farthing_actors::shadow::{Detour, Instance};

use super::Relay;
use super::exchange::Exchange;

impl Relay {
    /// Notes what would have refused an admitted call.
    pub(super) fn note_shadowed(&self, exchange: &Exchange, permit: &Permit, hold: &Hold) {
        for shadowed in permit.shadowed().iter().chain(hold.shadowed()) {
            self.shadow.note(*shadowed, instance(exchange));
        }
    }

    /// Notes where a group in the shadow would have sent a call that was served with `usage`.
    pub(super) fn note_detour(&self, exchange: &Exchange, served: &Target, usage: &Usage) {
        let Some(group) = self.catalogue.load().shadow_of(&exchange.head().model).cloned() else { return };
        let Some((_, price)) = served.price.as_deref() else { return };
        let chosen = self.first_choice(exchange, &group.name).map(|candidate| {
            let price = candidate.deployment.price.as_deref();
            (candidate.deployment.id, price.map(|(_, price)| price.cost(usage)))
        });
        let (group, call, served) = (group.id, instance(exchange), (served.deployment, price.cost(usage)));
        self.shadow.note_route(Detour { group, call, served, chosen });
    }
}

fn instance(exchange: &Exchange) -> Instance {
    Instance {
        request: exchange.id,
        key: exchange.key_id(),
        project: exchange.key.project.id,
        model: exchange.head().model.as_str().into(),
        time: exchange.placed_at,
    }
}

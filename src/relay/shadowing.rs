//! Shadowing: calls that passed although a limit or a budget in shadow mode would have refused them.
//! Owns when that is told: once nothing else refuses the call, so what is counted is exactly what enforcing would add.

use farthing_actors::ledger::Hold;
use farthing_actors::limiters::Permit;
use farthing_actors::shadow::Instance;

use super::Relay;
use super::exchange::Exchange;

impl Relay {
    /// Notes what would have refused an admitted call.
    pub(super) fn note_shadowed(&self, exchange: &Exchange, permit: &Permit, hold: &Hold) {
        for shadowed in permit.shadowed().iter().chain(hold.shadowed()) {
            let instance = Instance {
                request: exchange.id,
                key: exchange.key_id(),
                project: exchange.key.project.id,
                model: exchange.head().model.as_str().into(),
                time: exchange.placed_at,
            };
            self.shadow.note(*shadowed, instance);
        }
    }
}

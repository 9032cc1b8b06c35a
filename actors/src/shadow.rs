//! The shadow: owns what limits and budgets in shadow mode would have refused since the start, and where groups in
//! the shadow would have sent what others served.
//! A crash loses all of it: counting begins anew, and the report says since when.
//! Refuses to decide: the ledger and the limiters do, and whoever asked them tells.

mod handle;
mod messages;
mod record;
mod routes;

use actix::{Actor, ArbiterHandle, Context, Handler, MessageResult};

pub use handle::Shadow;
pub use record::{Count, Instance, Report};
pub use routes::{Detour, RouteCount};

use crate::domain::Clock;
use crate::supervisor::{StartError, Supervisor};
use messages::{Forget, Note, NoteRoute, Read};
use record::Record;

/// The shell: brings the time to the core.
struct ShadowActor {
    record: Record,

    clock: Clock,
}

/// Starts the shadow on `arbiter`.
///
/// # Errors
/// If that thread is gone.
pub async fn start(supervisor: &Supervisor, arbiter: ArbiterHandle) -> Result<Shadow, StartError> {
    let clock = supervisor.clock();
    let make = move || Ok(ShadowActor { record: Record::since(clock.now()), clock: clock.clone() });
    Ok(Shadow::new(supervisor.start("shadow", arbiter, make).await?))
}

impl Actor for ShadowActor {
    type Context = Context<Self>;
}

impl Handler<Note> for ShadowActor {
    type Result = ();

    fn handle(&mut self, Note(shadowed, instance): Note, _: &mut Context<Self>) {
        self.record.note(shadowed, *instance);
    }
}

impl Handler<NoteRoute> for ShadowActor {
    type Result = ();

    fn handle(&mut self, NoteRoute(detour): NoteRoute, _: &mut Context<Self>) {
        self.record.note_route(*detour);
    }
}

impl Handler<Read> for ShadowActor {
    type Result = MessageResult<Read>;

    fn handle(&mut self, _: Read, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.record.report())
    }
}

impl Handler<Forget> for ShadowActor {
    type Result = ();

    fn handle(&mut self, _: Forget, _: &mut Context<Self>) {
        self.record = Record::since(self.clock.now());
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(ShadowActor);

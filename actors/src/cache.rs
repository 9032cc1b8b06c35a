//! The cache: one actor owns the answers that may be given again, so that memory is bounded and a purge leaves nothing.
//!
//! Owns: the answers, how long each may be given, and what was counted. All of it is in memory; a crash loses all of it,
//! which costs nothing but the next misses.
//! Never: decides who may have an answer, looks into one, or keeps one beyond its bounds.

pub mod entries;
mod handle;
mod messages;

use std::time::Duration;

use actix::{Actor, ArbiterHandle, AsyncContext, Context, Handler, MessageResult};

pub use entries::{Bounds, Kept, Purged, Slot, Tally};
pub use handle::Cache;

use crate::domain::Clock;
use crate::supervisor::{StartError, Supervisor};
use entries::Entries;
use messages::{Count, Find, Keep, Purge};

/// How often answers that are too old are thrown away: nobody finds them meanwhile, they only take room.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Starts the cache on `arbiter`. With no bytes to fill it keeps nothing, and is never asked.
///
/// # Errors
/// If that thread is gone.
pub async fn start(supervisor: &Supervisor, arbiter: ArbiterHandle, bounds: Bounds) -> Result<Cache, StartError> {
    let clock = supervisor.clock();
    let make = move || Ok(CacheActor { entries: Entries::new(bounds), clock: clock.clone() });
    Ok(Cache::new(supervisor.start("cache", arbiter, make).await?, bounds))
}

/// The shell: brings the time to the core.
struct CacheActor {
    entries: Entries,

    clock: Clock,
}

impl Actor for CacheActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(SWEEP_EVERY, |actor, _| actor.entries.sweep(actor.clock.monotonic()));
    }
}

impl Handler<Find> for CacheActor {
    type Result = MessageResult<Find>;

    fn handle(&mut self, Find(slot, max_age): Find, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.entries.find(slot, max_age, self.clock.monotonic()))
    }
}

impl Handler<Keep> for CacheActor {
    type Result = ();

    fn handle(&mut self, Keep(slot, kept): Keep, _: &mut Context<Self>) {
        self.entries.keep(slot, kept, self.clock.monotonic());
    }
}

impl Handler<Purge> for CacheActor {
    type Result = MessageResult<Purge>;

    fn handle(&mut self, Purge(project): Purge, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.entries.purge(project, self.clock.monotonic()))
    }
}

impl Handler<Count> for CacheActor {
    type Result = MessageResult<Count>;

    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.entries.tally())
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(CacheActor);

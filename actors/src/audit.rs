//! The audit trail's actor: owns events that wait to be written, and moves what is written on to the file and, in time, out.
//! A crash loses the reads and refusals of the last moment; a change has its event in its own transaction and needs no actor.
//! Refuses to let a flood of one refusal fill the trail: it is told once, and then by number.

mod handle;
mod messages;
mod repeats;
mod store;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ArbiterHandle, AsyncContext, Context, Handler};

pub use handle::AuditLog;
pub use store::AuditStore;

use crate::domain::{Clock, Event};
use crate::error::SaveError;
use crate::supervisor::{StartError, Supervisor};
use messages::{Flush, Note, Record};
use repeats::Repeats;

/// How long a read or a refusal may wait to be written.
const WRITE_EVERY: Duration = Duration::from_millis(500);
/// How often old events are looked for.
const RETIRE_EVERY: Duration = Duration::from_secs(600);
/// Events that wait while the database does not answer; more are counted and dropped.
const WAITING: usize = 8_192;

/// The shell: gathers, writes, and lets the store carry on.
struct AuditActor {
    waiting: Vec<Event>,
    repeats: Repeats,
    /// Events that found no room.
    dropped: u64,
    store: Arc<dyn AuditStore>,
    clock: Clock,
    /// Whether the last write to the file failed, so that it is said once.
    file_fails: bool,
}

/// Starts it on `arbiter`, which may wait for the disk.
///
/// # Errors
/// If that thread is gone.
pub async fn start(
    supervisor: &Supervisor,
    arbiter: ArbiterHandle,
    clock: Clock,
    store: Arc<dyn AuditStore>,
) -> Result<AuditLog, StartError> {
    let factory = move || Ok(AuditActor::new(Arc::clone(&store), clock.clone()));
    Ok(AuditLog::new(supervisor.start("audit", arbiter, factory).await?))
}

impl AuditActor {
    fn new(store: Arc<dyn AuditStore>, clock: Clock) -> Self {
        Self { waiting: Vec::new(), repeats: Repeats::default(), dropped: 0, store, clock, file_fails: false }
    }

    fn gather(&mut self, event: Event) {
        let Some(event) = self.repeats.first(event) else { return };
        if self.waiting.len() >= WAITING {
            self.dropped += 1;
            return;
        }
        self.waiting.push(event);
    }

    /// Writes what waits. What the store refuses goes on waiting.
    fn write(&mut self) -> Result<(), SaveError> {
        if !self.waiting.is_empty() {
            self.store.append(&self.waiting)?;
            self.waiting.clear();
        }
        if self.dropped > 0 {
            log::error!(count = self.dropped; "events of the audit trail found no room while the database did not answer");
            self.dropped = 0;
        }
        Ok(())
    }

    fn write_what_waits(&mut self) {
        let now = self.clock.now();
        self.waiting.extend(self.repeats.over(now));
        if let Err(error) = self.write() {
            log::error!(error:%; "the audit trail cannot be written; trying again");
        }
        self.bring_to_file();
    }

    fn bring_to_file(&mut self) {
        loop {
            match self.store.file() {
                Ok(0) => break self.file_fails = false,
                Ok(_) => self.file_fails = false,
                Err(error) => {
                    if !std::mem::replace(&mut self.file_fails, true) {
                        log::error!(error:%; "the audit file cannot be written; events wait for it");
                    }
                    break;
                }
            }
        }
    }

    fn retire(&self) {
        loop {
            match self.store.retire(self.clock.now()) {
                Ok(0) => break,
                Ok(count) => log::info!(count; "old events left the audit trail"),
                Err(error) => break log::error!(error:%; "old events cannot leave the audit trail"),
            }
        }
    }
}

impl Actor for AuditActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(WRITE_EVERY, |actor, _| actor.write_what_waits());
        context.run_interval(RETIRE_EVERY, |actor, _| actor.retire());
        self.bring_to_file();
        self.retire();
    }
}

impl Handler<Note> for AuditActor {
    type Result = ();

    fn handle(&mut self, Note(event): Note, _: &mut Self::Context) {
        self.gather(event);
    }
}

impl Handler<Record> for AuditActor {
    type Result = Result<(), SaveError>;

    fn handle(&mut self, Record(event): Record, _: &mut Self::Context) -> Self::Result {
        self.write()?;
        self.store.append(std::slice::from_ref(&event))?;
        self.bring_to_file();
        Ok(())
    }
}

impl Handler<Flush> for AuditActor {
    type Result = ();

    fn handle(&mut self, _: Flush, _: &mut Self::Context) {
        self.waiting.extend(self.repeats.all());
        self.write_what_waits();
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(AuditActor);

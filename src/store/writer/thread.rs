//! The writer's thread: gather, sync the journal, commit, answer, and again.
//! Owns its connection and the segments to be synced. Refuses to commit what the journal could still lose, and to let
//! a panic end it: the batch is kept and tried again.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::thread::park_timeout;
use std::time::Duration;

use diesel::SqliteConnection;

use super::batch::{Batch, Pen};
use super::{BATCH, Counts, Work};
use crate::store::journal::segment::Segment;
use crate::store::{Store, StoreError};

/// How often the thread looks for lines: rows are at most this and one commit behind, and the journal is synced so
/// often (well within the promised second). Longer makes batches larger and rows cheaper, and pages older.
const TICK: Duration = Duration::from_millis(200);
/// Waits between tries of a batch: a busy database is asked again soon, a broken one is not flooded.
const FIRST_RETRY: Duration = Duration::from_millis(20);
const LAST_RETRY: Duration = Duration::from_secs(1);

pub(super) struct WriterThread {
    store: Arc<Store>,
    work: Receiver<Work>,
    begun: Receiver<Arc<Segment>>,
    counts: Arc<Counts>,
    connection: Option<SqliteConnection>,
    pen: Pen,
    segments: Vec<Arc<Segment>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Stopping,
}

/// What is done once the batch is committed, in the order it was asked for.
enum Then {
    Remove(PathBuf),
    Answer(SyncSender<()>),
}

impl WriterThread {
    pub(super) fn new(
        store: Arc<Store>,
        work: Receiver<Work>,
        begun: Receiver<Arc<Segment>>,
        counts: Arc<Counts>,
    ) -> Self {
        let (pen, segments) = (Pen::default(), Vec::new());
        Self { store, work, begun, counts, connection: None, pen, segments, state: State::Running }
    }

    pub(super) fn run(mut self) {
        while self.state == State::Running {
            let (batch, then) = self.gather();
            self.keep(&batch);
            let lines = u64::try_from(batch.lines.len()).unwrap_or(u64::MAX);
            self.counts.waiting.fetch_sub(lines, Ordering::AcqRel);
            if self.state == State::Stopping {
                self.connection = None;
            }
            then.into_iter().for_each(|then| self.perform(then));
            if lines < BATCH && self.state == State::Running {
                park_timeout(TICK);
            }
        }
    }

    fn gather(&mut self) -> (Batch, Vec<Then>) {
        let (mut batch, mut then) = (Batch::default(), Vec::new());
        for _ in 0..BATCH {
            match self.work.try_recv() {
                Ok(Work::Line(seq, line)) => {
                    batch.through = batch.through.max(seq);
                    batch.lines.push((seq, line));
                }
                Ok(Work::Retired { segment, through }) => {
                    batch.through = batch.through.max(through);
                    then.push(Then::Remove(segment));
                }
                Ok(Work::Flush(done)) => then.push(Then::Answer(done)),
                Ok(Work::Stop(done)) => {
                    self.state = State::Stopping;
                    then.push(Then::Answer(done));
                    break;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.state = State::Stopping;
                    break;
                }
            }
        }
        (batch, then)
    }

    // Returns only when the batch is on disk: there is nothing better to do with it than to try again.
    fn keep(&mut self, batch: &Batch) {
        let mut pause = FIRST_RETRY;
        while let Err(error) = self.attempt(batch) {
            self.counts.failures.fetch_add(1, Ordering::AcqRel);
            log::error!(lines = batch.lines.len(), error:%; "the database did not take a batch; trying again");
            // A connection that failed half-way may hold anything; a new one holds nothing.
            self.connection = None;
            park_timeout(pause);
            pause = (pause * 2).min(LAST_RETRY);
        }
    }

    fn attempt(&mut self, batch: &Batch) -> Result<(), StoreError> {
        catch_unwind(AssertUnwindSafe(|| {
            // Journal first: a row in the database must not be missing from the journal after a power cut.
            self.sync_journal().map_err(|error| StoreError::Journal(error.to_string()))?;
            if batch.is_empty() { Ok(()) } else { self.commit(batch) }
        }))
        .unwrap_or(Err(StoreError::Abandoned))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(self.store.connect()?),
        };
        batch.commit(connection, &mut self.pen)
    }

    fn sync_journal(&mut self) -> io::Result<()> {
        self.segments.extend(self.begun.try_iter());
        self.segments.iter().try_for_each(|segment| segment.sync_if_written())
    }

    fn perform(&mut self, then: Then) {
        match then {
            Then::Remove(path) => {
                self.segments.retain(|segment| segment.path() != path);
                if let Err(error) = std::fs::remove_file(&path) {
                    // Harmless: the next start applies nothing from it and tries again.
                    log::warn!(segment:% = path.display(), error:%; "an applied journal segment was not deleted");
                }
            }
            Then::Answer(done) => {
                // Whoever asked may have stopped waiting.
                done.send(()).ok();
            }
        }
    }
}

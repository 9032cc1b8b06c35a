//! The writer: the one thread that carries finished lines from the journal to the database, in large batches.
//! Owns the order and the bound of what waits. Refuses to lose or reorder: a batch the database does not take is tried
//! again until it does, and the journal keeps what waits.

mod batch;
mod thread;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use farthing_actors::ledger::entry::Line;

use super::journal::segment::Segment;
use super::{Store, StoreError};
use crate::background;
use thread::WriterThread;

/// Lines in one transaction: beyond a thousand the cost of a row no longer falls, and the lock is held too long.
const BATCH: u64 = 1_024;
/// Lines that may wait: ten seconds of five thousand calls each, or minutes of some hundreds; about a kilobyte each.
/// Beyond it the ledger waits for the database.
const CAPACITY: usize = 65_536;
/// Lines waiting at which no more calls should be admitted; the rest is room for closing those in flight.
const OVERLOADED: u64 = 49_152;
/// How long a flush waits: longer than a busy database needs, shorter than anyone's patience.
const FLUSH_DEADLINE: Duration = Duration::from_secs(20);
/// How long a page waits for what is not in the database yet, before it says so instead.
const PAGE_DEADLINE: Duration = Duration::from_secs(2);
/// How long the ledger waits, and every call with it. Whoever asks it has waited for the database before.
const LEDGER_DEADLINE: Duration = Duration::from_millis(500);

/// The way to the writer's thread. Cheap to clone; the thread ends when it is stopped or the last clone is gone.
#[derive(Clone)]
pub struct Writer(Arc<Shared>);

struct Shared {
    queue: SyncSender<Work>,
    segments: Sender<Arc<Segment>>,
    counts: Arc<Counts>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicU64,
    failures: AtomicU64,
}

/// What the thread is sent, in the order it was journalled.
enum Work {
    /// A finished line and its number. Boxed: the queue's room is allocated at once.
    Line(u64, Box<Line>),
    /// A segment that is needed no more once everything up to its last record, `through`, is committed.
    Retired { segment: PathBuf, through: u64 },
    /// Answer when everything sent before is committed.
    Flush(SyncSender<()>),
    /// As `Flush`, and end.
    Stop(SyncSender<()>),
}

impl Writer {
    /// Starts the thread with a connection of its own to a migrated database.
    ///
    /// # Errors
    /// If the database cannot be opened or no thread be started.
    pub fn start(store: &Arc<Store>) -> Result<Self, StoreError> {
        let (queue, work) = sync_channel(CAPACITY);
        let (segments, begun) = channel();
        let counts = Arc::new(Counts::default());
        let thread = spawn(WriterThread::new(Arc::clone(store), work, begun, Arc::clone(&counts)))?;
        Ok(Self(Arc::new(Shared { queue, segments, counts, thread })))
    }

    /// Lines written to the journal and not yet committed to the database.
    pub fn behind(&self) -> u64 {
        self.0.counts.waiting.load(Ordering::Acquire)
    }

    /// Batches the database has refused so far; each was or will be tried again.
    pub fn failures(&self) -> u64 {
        self.0.counts.failures.load(Ordering::Acquire)
    }

    /// Whether too much waits, or the thread is gone, for more calls to be admitted.
    pub fn is_overloaded(&self) -> bool {
        self.behind() >= OVERLOADED || self.0.thread.is_finished()
    }

    /// Waits until everything sent before is committed. Blocks this thread.
    ///
    /// # Errors
    /// [`StoreError::Behind`] if that takes too long, [`StoreError::Abandoned`] if the thread is gone.
    pub fn flush_blocking(&self) -> Result<(), StoreError> {
        self.flush_within(FLUSH_DEADLINE)
    }

    /// As [`Writer::flush_blocking`], for callers that must not block.
    ///
    /// # Errors
    /// As [`Writer::flush_blocking`].
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.flush_aside(FLUSH_DEADLINE).await
    }

    /// Waits a moment until everything sent before is committed, and gives how many lines are still not: 0 unless the
    /// database is slow, locked or gone.
    ///
    /// # Errors
    /// [`StoreError::Abandoned`] if the thread is gone.
    pub async fn catch_up(&self) -> Result<u64, StoreError> {
        match self.flush_aside(PAGE_DEADLINE).await {
            Ok(()) => Ok(0),
            Err(StoreError::Behind) => Ok(self.behind().max(1)),
            Err(error) => Err(error),
        }
    }

    /// As [`Writer::flush_blocking`], for the ledger, which every call waits for.
    pub(super) fn flush_for_ledger(&self) -> Result<(), StoreError> {
        self.flush_within(LEDGER_DEADLINE)
    }

    async fn flush_aside(&self, deadline: Duration) -> Result<(), StoreError> {
        let writer = self.clone();
        background::run(move || writer.flush_within(deadline)).await?
    }

    fn flush_within(&self, deadline: Duration) -> Result<(), StoreError> {
        let (done, answer) = sync_channel(1);
        // A full queue is no place to wait in: whoever asks would hold up the lines behind.
        self.0.queue.try_send(Work::Flush(done)).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Behind,
            TrySendError::Disconnected(_) => StoreError::Abandoned,
        })?;
        self.wake();
        answer.recv_timeout(deadline).map_err(|error| match error {
            RecvTimeoutError::Timeout => StoreError::Behind,
            RecvTimeoutError::Disconnected => StoreError::Abandoned,
        })
    }

    /// Commits everything sent before, syncs the journal and ends the thread. Blocks this thread.
    ///
    /// # Errors
    /// As [`Writer::flush_blocking`]; what is not committed is replayed from the journal at the next start.
    pub fn stop(&self) -> Result<(), StoreError> {
        let (done, answer) = sync_channel(1);
        self.wake();
        self.0.queue.send(Work::Stop(done)).map_err(|_| StoreError::Abandoned)?;
        self.wake();
        answer.recv_timeout(FLUSH_DEADLINE).map_err(|_| StoreError::Behind)
    }

    /// Sends a finished line, waiting while the queue is full. Returns whether the thread took it; if it is gone, the
    /// line is safe in the journal and reaches the database at the next start.
    pub(super) fn send(&self, seq: u64, line: Line) -> bool {
        let waiting = self.0.counts.waiting.fetch_add(1, Ordering::AcqRel) + 1;
        // The thread looks by itself a few times a second; waking it for each line would cost more than the line.
        if waiting.is_multiple_of(BATCH) {
            self.wake();
        }
        self.0.queue.send(Work::Line(seq, Box::new(line))).is_ok()
    }

    /// Gives the thread a new segment to sync from now on. Never waits, whatever the database does.
    pub(super) fn adopt(&self, segment: Arc<Segment>) {
        // A thread that is gone syncs nothing; it is reported by `is_overloaded`.
        self.0.segments.send(segment).ok();
    }

    /// Lets the thread delete `segment` once everything up to `through` is committed.
    pub(super) fn retire(&self, segment: PathBuf, through: u64) {
        // A thread that is gone deletes nothing; the next start finds the segment and retires it again.
        self.0.queue.send(Work::Retired { segment, through }).ok();
    }

    fn wake(&self) {
        self.0.thread.thread().unpark();
    }
}

fn spawn(thread: WriterThread) -> Result<JoinHandle<()>, StoreError> {
    let builder = Builder::new().name("writer".to_owned());
    builder.spawn(move || thread.run()).map_err(|error| StoreError::Thread(error.to_string()))
}

#[cfg(test)]
mod tests;

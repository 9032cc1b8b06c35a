//! Lines on their way out: calm ones are gathered and written together, so that a request does not pay for a system call
//! of its own. Owns the thread that writes them. Refuses to gather warnings and errors: what may be the last word of a
//! process is written at once. Keeps the latest lines for operators who ask.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that may wait; beyond it they are written by whoever has them.
const ROOM: usize = 16_384;
/// How long a line may wait. The thread looks by itself: waking it for each line would cost what gathering saves.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the end of a process waits for the last lines.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How many lines operators may ask for.
const KEPT: usize = 1_000;

static GATHERED: OnceLock<SyncSender<Item>> = OnceLock::new();

enum Item {
    Line(Vec<u8>),
    /// A line that is written already.
    Written(Vec<u8>),
    Recent(Sender<Vec<Vec<u8>>>),
    Flush(Sender<()>),
}

/// Starts the thread; a system that has none to give gets every line written at once.
pub(super) fn start() {
    let (sender, items) = sync_channel(ROOM);
    if thread::Builder::new().name("log".to_owned()).spawn(move || carry(&items)).is_ok() {
        // Started twice, the first stays.
        GATHERED.set(sender).ok();
    }
}

/// Takes a line, or gives it back to be written at once.
pub(super) fn gather(line: Vec<u8>) -> Result<(), Vec<u8>> {
    let Some(sender) = GATHERED.get() else { return Err(line) };
    sender.try_send(Item::Line(line)).map_err(|refused| match refused {
        TrySendError::Full(Item::Line(line)) | TrySendError::Disconnected(Item::Line(line)) => line,
        TrySendError::Full(_) | TrySendError::Disconnected(_) => Vec::new(),
    })
}

/// Remembers a line that is written already.
pub(super) fn keep(line: Vec<u8>) {
    if let Some(sender) = GATHERED.get() {
        // Where there is no room for it, there is none for whoever would read it.
        sender.try_send(Item::Written(line)).ok();
    }
}

/// The latest lines, oldest first, each a JSON object. Waits for the thread that has them, so not for request threads.
pub fn recent() -> Vec<Vec<u8>> {
    let (sender, lines) = channel();
    let asked = GATHERED.get().is_some_and(|thread| thread.try_send(Item::Recent(sender)).is_ok());
    if asked { lines.recv_timeout(LAST_WAIT).unwrap_or_default() } else { Vec::new() }
}

/// Waits until everything gathered so far is written.
pub fn flush() {
    let (done, written) = channel();
    let asked = GATHERED.get().is_some_and(|sender| sender.try_send(Item::Flush(done)).is_ok());
    if asked {
        // A terminal that takes no more lines does not hold the process up.
        written.recv_timeout(LAST_WAIT).ok();
    }
}

fn remember(kept: &mut VecDeque<Vec<u8>>, line: Vec<u8>) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(line);
}

fn carry(items: &Receiver<Item>) {
    let mut batch = Vec::new();
    let mut kept = VecDeque::with_capacity(KEPT);
    while let Ok(first) = items.recv() {
        let mut waiting = Vec::new();
        for item in std::iter::once(first).chain(items.try_iter()) {
            match item {
                Item::Line(line) => {
                    batch.extend_from_slice(&line);
                    remember(&mut kept, line);
                }
                Item::Written(line) => remember(&mut kept, line),
                // Whoever asked may have gone.
                Item::Recent(sender) => drop(sender.send(kept.iter().cloned().collect())),
                Item::Flush(done) => waiting.push(done),
            }
        }
        // Lines that cannot be written have nowhere else to go.
        io::stderr().write_all(&batch).ok();
        batch.clear();
        if waiting.is_empty() {
            thread::sleep(PAUSE);
        }
        for done in waiting {
            done.send(()).ok();
        }
    }
}

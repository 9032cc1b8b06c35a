//! The pump: events from the provider to the client, each when it arrives.
//! Owns the patience with a provider that trickles. Refuses to buffer: at most a few pieces wait for a slow client, then the
//! provider waits too.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::attempt::stream_error;
use super::keeping::Outlet;
use crate::dialect::{Passage, StreamEnd};
use crate::upstream::{UpstreamBody, UpstreamError};

/// A client hears something at least this often, so that nothing between us gives the connection up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How far a stream has come is noted so often: a crash loses at most that much of what it consumed.
const CHECKPOINT: Duration = Duration::from_secs(1);

/// How a stream came to its end.
pub(super) enum PumpEnd {
    /// The provider finished.
    Complete,
    /// The client left.
    ClientGone,
    /// The client left, and the provider finished: the answer was read on, because it is billed.
    ReadOn,
    /// The provider failed.
    Failed(UpstreamError),
    /// The gateway stops, and has waited long enough.
    Stopped,
}

/// Forwards events until the stream is over for one of three reasons, and lets `note` note how far it has come.
pub(super) async fn pump(
    reader: &mut dyn Passage,
    body: &mut UpstreamBody,
    first: Bytes,
    (pieces, keep_alive): (&Outlet, Bytes),
    note: &mut dyn FnMut(&dyn Passage),
) -> PumpEnd {
    if !first.is_empty() && pieces.send(first).await.is_err() {
        return PumpEnd::ClientGone;
    }
    let mut silence = Silence::begin(body, keep_alive);
    let mut alarm = pin!(sleep_until(silence.next_alarm()));
    while !reader.is_done() {
        let piece = tokio::select! {
            biased;
            chunk = body.next() => match take(reader, chunk) {
                Ok(piece) => {
                    if silence.heard() {
                        return PumpEnd::Failed(silence.over());
                    }
                    silence.if_due(|| note(reader));
                    piece
                }
                Err(end) => return last_words(reader, end, pieces).await,
            },
            () = pieces.closed() => return PumpEnd::ClientGone,
            () = &mut alarm => {
                let comment = match silence.ring() {
                    Ok(comment) => comment,
                    Err(error) => return PumpEnd::Failed(error),
                };
                // The provider is silent, not lost.
                note(reader);
                alarm.as_mut().reset(silence.next_alarm());
                comment
            }
        };
        if !piece.is_empty() && pieces.send(piece).await.is_err() {
            return PumpEnd::ClientGone;
        }
    }
    PumpEnd::Complete
}

/// Reads to the end for nobody. Whether it came to its end.
pub(super) async fn drain(reader: &mut dyn Passage, body: &mut UpstreamBody) -> bool {
    while !reader.is_done() {
        if let Err(end) = take(reader, body.next().await) {
            return matches!(end, PumpEnd::Complete);
        }
    }
    true
}

/// Whole events that stood before the fault are the client's, too.
async fn last_words(reader: &mut dyn Passage, end: PumpEnd, pieces: &Outlet) -> PumpEnd {
    if matches!(end, PumpEnd::Failed(_)) {
        let rest = reader.rest();
        if !rest.is_empty() && pieces.send(rest).await.is_err() {
            return PumpEnd::ClientGone;
        }
    }
    end
}

/// What of `chunk` goes to the client; or how the stream ended with it.
fn take(reader: &mut dyn Passage, chunk: Option<Result<Bytes, UpstreamError>>) -> Result<Bytes, PumpEnd> {
    match chunk {
        Some(Ok(chunk)) => reader.push(chunk).map_err(|fault| PumpEnd::Failed(stream_error(fault))),
        Some(Err(error)) => Err(PumpEnd::Failed(error)),
        None => Err(match reader.finish() {
            StreamEnd::Complete => PumpEnd::Complete,
            StreamEnd::Cut => PumpEnd::Failed(UpstreamError::Cut("it ended without its end marker".to_owned())),
        }),
    }
}

/// How long the provider has been silent. Hearing something only notes the time: the timer is not touched.
struct Silence {
    patience: Duration,
    /// When all must be said, and how long that was from the start.
    deadline: Option<(Instant, Duration)>,
    /// What the client is told meanwhile.
    keep_alive: Bytes,
    heard_at: Instant,
    said_at: Instant,
    noted_at: Instant,
}

impl Silence {
    fn begin(body: &UpstreamBody, keep_alive: Bytes) -> Self {
        let now = Instant::now();
        let (patience, deadline) = (body.idle(), body.deadline());
        Self { patience, deadline, keep_alive, heard_at: now, said_at: now, noted_at: now }
    }

    /// Something came, if only a sign of life: a model may think for minutes. Whether patience is over all the same.
    fn heard(&mut self) -> bool {
        self.heard_at = Instant::now();
        self.said_at = self.heard_at;
        self.said_at >= self.limit()
    }

    /// When patience is over.
    fn limit(&self) -> Instant {
        let silent = self.heard_at + self.patience;
        self.deadline.map_or(silent, |(deadline, _)| deadline.min(silent))
    }

    /// That patience is over.
    fn over(&self) -> UpstreamError {
        let late = self.deadline.filter(|(deadline, _)| *deadline <= self.said_at);
        UpstreamError::Timeout(late.map_or(self.patience, |(_, total)| total))
    }

    /// Does `note` if it was not done for a while.
    fn if_due(&mut self, note: impl FnOnce()) {
        if self.said_at >= self.noted_at + CHECKPOINT {
            self.noted_at = self.said_at;
            note();
        }
    }

    fn next_alarm(&self) -> Instant {
        self.limit().min(self.said_at + KEEP_ALIVE)
    }

    /// What to send the client now, perhaps nothing; or that patience is over.
    fn ring(&mut self) -> Result<Bytes, UpstreamError> {
        let now = Instant::now();
        if now >= self.limit() {
            self.said_at = now;
            return Err(self.over());
        }
        if now < self.said_at + KEEP_ALIVE {
            return Ok(Bytes::new());
        }
        self.said_at = now;
        Ok(self.keep_alive.clone())
    }
}

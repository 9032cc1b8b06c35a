//! Playback: the sandbox's answers performed in time, as a connection would deliver them.
//! Owns the waiting that the sandbox itself refuses.

use std::iter::Peekable;
use std::time::Duration;

use bytes::Bytes;
use farthing_actors::domain::Clock;

use super::error::UpstreamError;
use super::kinds::sandbox::{End, Pieces, answer};
use crate::tokenizer::Tokenizer;

/// The provider inside this process.
#[derive(Clone)]
pub struct Sandbox {
    clock: Clock,
    tokenizer: Tokenizer,
}

/// The head of a sandbox answer.
pub(super) struct PlaybackHead {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub playback: Playback,
}

/// The rest of a sandbox answer.
pub(super) struct Playback {
    pieces: Peekable<Pieces>,
    end: End,
}

impl Sandbox {
    /// A sandbox that dates its answers by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { clock, tokenizer: Tokenizer }
    }

    /// Answers a request in the time the request asks for; hangs if it asks for that.
    pub(super) async fn answer(&self, body: &[u8]) -> PlaybackHead {
        let answer = answer(body, self.clock.now(), self.tokenizer);
        pause(answer.latency).await;
        let retry_after = answer.headers.iter().find(|(name, _)| *name == "retry-after");
        let retry_after = retry_after.and_then(|(_, seconds)| seconds.parse().ok()).map(Duration::from_secs);
        let mut playback = Playback { pieces: answer.pieces.peekable(), end: answer.end };
        if playback.end == End::Hang && playback.pieces.peek().is_none() {
            std::future::pending::<()>().await;
        }
        PlaybackHead { status: answer.status, retry_after, playback }
    }
}

impl Playback {
    /// The next piece at its time; then the end the request asked for.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        // Peeked, not taken: a caller that stops waiting comes back for the same piece.
        let delay = self.pieces.peek().map(|(delay, _)| *delay);
        let Some(delay) = delay else {
            return match self.end {
                End::Clean => None,
                End::Cut => Some(Err(UpstreamError::Cut("the sandbox was asked to break off".to_owned()))),
                End::Hang => std::future::pending().await,
            };
        };
        pause(delay).await;
        self.pieces.next().map(|(_, piece)| Ok(piece))
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

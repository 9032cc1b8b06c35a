//! Sifted passages: a stream of events between a provider and a client of the same dialect.
//! Owns what is the same in all of them: events whole, nothing after the end marker or a fault, and a last event without its
//! blank line. Refuses to know what an event says, which its [`Sieve`] does, and to reshape: what passes is byte for byte
//! what the provider sent.

use bytes::{Bytes, BytesMut};

use super::fault::StreamFault;
use super::frame;
use super::passage::{Passage, Seen, StreamEnd};
use super::sse::Splitter;
use super::usage::Reading;

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The client gets it now.
    Passes,
    /// The client does not get it, or in the tail.
    Stays,
    /// It ends the stream, and stays.
    Ends,
}

/// What one dialect makes of the events that pass.
pub trait Sieve {
    /// Takes in one event, its blank line included.
    ///
    /// # Errors
    /// When the stream cannot go on.
    fn take(&mut self, event: &[u8]) -> Result<Fate, StreamFault>;

    /// Whether nothing is missing, should the provider leave without an end marker.
    fn is_whole(&self) -> bool;

    /// Adds the end of the stream; see [`Passage::tail`].
    fn end(&mut self, farthing: Option<&str>, tail: &mut BytesMut);

    /// The usage the provider reported last.
    fn usage(&self) -> Reading;

    /// What was streamed so far.
    fn seen(&self) -> Seen;
}

/// One stream being relayed.
#[derive(Default)]
pub struct Sifted<S> {
    sieve: S,
    splitter: Splitter,
    state: State,
    rest: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Open,
    Done,
    Failed,
}

impl<S: Sieve> Sifted<S> {
    /// Begins a stream.
    pub fn through(sieve: S) -> Self {
        Self { sieve, splitter: Splitter::default(), state: State::Open, rest: Bytes::new() }
    }
}

/// Takes in one event; says whether it goes to the client now.
fn take(sieve: &mut impl Sieve, state: &mut State, event: &[u8]) -> Result<bool, StreamFault> {
    if *state == State::Done {
        return Ok(false);
    }
    let fate = sieve.take(event)?;
    if fate == Fate::Ends {
        *state = State::Done;
    }
    Ok(fate == Fate::Passes)
}

impl<S: Sieve> Passage for Sifted<S> {
    fn push(&mut self, chunk: Bytes) -> Result<Bytes, StreamFault> {
        if self.state != State::Open {
            return Ok(Bytes::new());
        }
        let (sieve, state) = (&mut self.sieve, &mut self.state);
        let (due, outcome) = frame::sift(&mut self.splitter, &chunk, |event| take(sieve, state, event));
        match outcome {
            Err(fault) if self.state == State::Open => {
                self.state = State::Failed;
                self.rest = due;
                Err(fault)
            }
            _ => Ok(due),
        }
    }

    fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.rest)
    }

    fn finish(&mut self) -> StreamEnd {
        let last = frame::last(&mut self.splitter).filter(|_| self.state == State::Open);
        if let Some(last) = last.filter(|last| take(&mut self.sieve, &mut self.state, last) == Ok(true)) {
            self.rest = last;
        }
        match self.state {
            State::Done => StreamEnd::Complete,
            State::Open if self.sieve.is_whole() => StreamEnd::Complete,
            State::Open | State::Failed => StreamEnd::Cut,
        }
    }

    fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn tail(&mut self, farthing: Option<&str>) -> Bytes {
        let mut tail = BytesMut::from(&self.rest()[..]);
        self.sieve.end(farthing, &mut tail);
        tail.freeze()
    }

    fn usage(&self) -> Reading {
        self.sieve.usage()
    }

    fn seen(&self) -> Seen {
        self.sieve.seen()
    }
}

//! A passage that is listened to: a stream of which a transcript is kept while it passes.
//! Owns a reader of its own beside the passage, so that a passage between equals need not look at words. Refuses to
//! touch what passes: what cannot be read, or is too long, is only no longer listened to.

use bytes::Bytes;

use super::canonical::Event;
use super::fault::StreamFault;
use super::passage::{Decode, Passage, Seen, StreamEnd};
use super::transcript::Transcript;
use super::usage::Reading;

/// A stream and its transcript.
pub(super) struct Overheard {
    passage: Box<dyn Passage>,
    listener: Option<Listener>,
}

struct Listener {
    decoder: Box<dyn Decode>,
    events: Vec<Event>,
    transcript: Transcript,
}

impl Overheard {
    /// Listens to `passage` with `decoder`, which reads what the provider speaks.
    pub(super) fn new(passage: Box<dyn Passage>, decoder: Box<dyn Decode>) -> Self {
        let listener = Listener { decoder, events: Vec::new(), transcript: Transcript::default() };
        Self { passage, listener: Some(listener) }
    }
}

impl Listener {
    /// Whether listening goes on.
    fn hear(&mut self, chunk: &Bytes) -> bool {
        let read = self.decoder.push(chunk, &mut self.events);
        self.note();
        read.is_ok() && self.transcript.fits()
    }

    fn note(&mut self) {
        for event in self.events.drain(..) {
            self.transcript.hear(&event);
        }
    }
}

impl Passage for Overheard {
    fn push(&mut self, chunk: Bytes) -> Result<Bytes, StreamFault> {
        if self.listener.as_mut().is_some_and(|listener| !listener.hear(&chunk)) {
            self.listener = None;
        }
        self.passage.push(chunk)
    }

    fn rest(&mut self) -> Bytes {
        self.passage.rest()
    }

    fn finish(&mut self) -> StreamEnd {
        if let Some(listener) = &mut self.listener {
            // Whether it is complete is the passage's to say.
            let _: StreamEnd = listener.decoder.finish(&mut listener.events);
            listener.note();
        }
        self.passage.finish()
    }

    fn is_done(&self) -> bool {
        self.passage.is_done()
    }

    fn tail(&mut self, farthing: Option<&str>) -> Bytes {
        self.passage.tail(farthing)
    }

    fn usage(&self) -> Reading {
        self.passage.usage()
    }

    fn seen(&self) -> Seen {
        self.passage.seen()
    }

    fn transcript(&mut self) -> Option<Transcript> {
        // A reader that found no words where the passage saw some has not understood them.
        let spoken = self.passage.seen().text_bytes > 0;
        let transcript = self.listener.take()?.transcript;
        (transcript.fits() && (transcript.bytes() > 0 || !spoken)).then_some(transcript)
    }
}

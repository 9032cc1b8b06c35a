//! A provider's stream of chat chunks, read into events.
//! Owns what a chunk says of the answer, its choices, usage and errors. Refuses to be strict: a member of a shape that
//! is not known says nothing, for compatible servers send many; only what is no JSON object, or an error, ends the
//! stream.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::frame::{Frame, read};
use crate::dialect::canonical::{Event, Json, Piece};
use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::members::{self, Member};
use crate::dialect::openai_chat::answer::Answer;
use crate::dialect::passage::{Decode, StreamEnd};
use crate::dialect::sse::Splitter;
use crate::dialect::usage::Reading;
use crate::dialect::words::UpstreamWords;
use farthing_actors::domain::ServiceTier;

/// The most choices that are read; no request can ask for more.
const MAX_CHOICES: usize = 128;

/// Reads one stream.
#[derive(Default)]
pub struct ChatDecoder {
    splitter: Splitter,
    begun: bool,
    choices: Vec<Open>,
    service_tier: Option<String>,
    done: bool,
    failed: bool,
}

/// A choice that has begun.
struct Open {
    index: u64,
    answer: Answer,
    finished: bool,
}

/// The members of a chunk.
struct Chunk<'a> {
    id: Option<Member<'a>>,
    model: Option<Member<'a>>,
    created: Option<Member<'a>>,
    choices: Vec<&'a RawValue>,
    usage: Reading,
    service_tier: Option<String>,
    error: Option<Member<'a>>,
}

impl ChatDecoder {
    /// Begins a stream.
    pub fn new() -> Self {
        Self::default()
    }

    fn event(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.done {
            return Ok(());
        }
        match read(&frame::open(bytes)?)? {
            Frame::Silent => Ok(()),
            Frame::Done => {
                self.done = true;
                Ok(())
            }
            // Local servers send broken UTF-8; the rest of the chunk is as good as any.
            Frame::Chunk(json) => {
                let text = String::from_utf8_lossy(&json);
                let chunk = Chunk::read(&text)?;
                let Some(error) = chunk.error else { return self.chunk(&chunk, events) };
                // What has failed may have cost something all the same.
                events.extend((chunk.usage != Reading::Absent).then_some(Event::Usage(chunk.usage)));
                Err(StreamFault::UpstreamError(UpstreamWords::of(error)))
            }
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>, events: &mut Vec<Event>) -> Result<(), StreamFault> {
        // Azure's first chunk judges the prompt and has neither choice nor id: the answer begins with the next.
        if !self.begun && (!chunk.choices.is_empty() || chunk.usage != Reading::Absent) {
            self.begun = true;
            events.push(chunk.began());
        }
        for choice in &chunk.choices {
            self.choice(choice.get(), events)?;
        }
        if chunk.service_tier.is_some() && chunk.service_tier != self.service_tier && self.begun {
            self.service_tier.clone_from(&chunk.service_tier);
            events.extend(chunk.service_tier.clone().map(Event::ServiceTier));
        }
        let tier = self.service_tier.as_deref().and_then(ServiceTier::of_provider);
        events.extend((chunk.usage != Reading::Absent).then_some(Event::Usage(chunk.usage.served(tier))));
        Ok(())
    }

    fn choice(&mut self, text: &str, events: &mut Vec<Event>) -> Result<(), StreamFault> {
        const MEMBERS: [&str; 6] = ["index", "delta", "message", "finish_reason", "logprobs", "error"];
        let Ok(object) = members::read(text, &MEMBERS) else { return Ok(()) };
        let [index, delta, message, reason, log_probs, error] = object.present();
        if let Some(error) = error {
            return Err(StreamFault::UpstreamError(UpstreamWords::of(error)));
        }
        let index = index.and_then(|index| index.whole()).unwrap_or(0);
        let Some(open) = self.open(index) else { return Ok(()) };
        let mut pieces = delta.or(message).map(|delta| open.answer.take(delta)).unwrap_or_default();
        pieces.extend(log_probs.and_then(|probs| Json::object(probs.text)).map(Piece::LogProbs));
        let stop = open.answer.stop(reason).filter(|_| !open.finished);
        if stop.is_some() {
            open.finished = true;
            pieces.extend(open.answer.end());
        }
        events.extend(pieces.into_iter().map(|piece| Event::More { choice: index, piece }));
        events.extend(stop.map(|stop| Event::Finished { choice: index, stop }));
        Ok(())
    }

    /// The choice of this index, begun now if it is new; `None` beyond all that can be asked for.
    fn open(&mut self, index: u64) -> Option<&mut Open> {
        if let Some(place) = self.choices.iter().position(|open| open.index == index) {
            return self.choices.get_mut(place);
        }
        if self.choices.len() >= MAX_CHOICES {
            return None;
        }
        self.choices.push(Open { index, answer: Answer::default(), finished: false });
        self.choices.last_mut()
    }

    fn all_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|open| open.finished)
    }
}

impl<'a> Chunk<'a> {
    fn read(text: &'a str) -> Result<Self, StreamFault> {
        const MEMBERS: [&str; 8] = ["id", "model", "created", "choices", "usage", "error", "x_groq", "service_tier"];
        let object = members::read(text, &MEMBERS).map_err(|_| StreamFault::Garbage("an event is not valid JSON"))?;
        let [id, model, created, choices, usage, error, x_groq, service_tier] = object.present();
        Ok(Self {
            id,
            model,
            created,
            error,
            choices: choices.and_then(|choices| serde_json::from_str(choices.text).ok()).unwrap_or_default(),
            usage: Reading::of(usage, x_groq),
            service_tier: service_tier.and_then(|tier| tier.string()),
        })
    }

    fn began(&self) -> Event {
        let text = |member: Option<Member<'_>>| member.and_then(|member| member.string()).unwrap_or_default();
        let created = self.created.and_then(|created| created.whole()).filter(|created| *created > 0);
        Event::Began { id: text(self.id), model: text(self.model), created }
    }
}

impl Decode for ChatDecoder {
    fn push(&mut self, chunk: &Bytes, events: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.done || self.failed {
            return Ok(());
        }
        let mut splitter = std::mem::take(&mut self.splitter);
        let (_, outcome) = frame::sift(&mut splitter, chunk, |event| self.event(event, events).map(|()| false));
        self.splitter = splitter;
        if self.done {
            return Ok(());
        }
        self.failed = outcome.is_err();
        outcome
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> StreamEnd {
        let last = frame::last(&mut self.splitter);
        if let Some(last) = last.filter(|_| !self.done && !self.failed) {
            self.failed = self.event(&last, events).is_err();
        }
        let complete = self.done || (!self.failed && self.all_finished());
        if complete { StreamEnd::Complete } else { StreamEnd::Cut }
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

#[cfg(test)]
mod tests;

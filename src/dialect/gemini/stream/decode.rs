//! A provider's stream, read into events.
//! Owns the order of events and the ids of calls without one. Refuses to merge calls: Gemini gives each whole and in
//! one part, with no index, so every such part is a call of its own.
//!
//! Why a choice ended is told when the stream has: some servers give a reason with every chunk, and the last one
//! counts.

use bytes::Bytes;

use super::Choices;
use crate::dialect::canonical::{Event, Json, Piece, Stop};
use crate::dialect::fault::StreamFault;
use crate::dialect::gemini::framing::{self, Frame, Frames};
use crate::dialect::gemini::seal::Seal;
use crate::dialect::gemini::wire::{self, Answer, Candidate, FunctionCall, Part};
use crate::dialect::gemini::{Side, calls, grounding, log_probs, parts, stop, usage};
use crate::dialect::passage::{Decode, StreamEnd};
use crate::dialect::usage::Reading;
use crate::dialect::words::UpstreamWords;

/// Reads a stream of either framing.
#[derive(Default)]
pub struct GeminiDecoder {
    frames: Frames,
    choices: Choices<Choice>,
    began: bool,
    /// The array was closed.
    closed: bool,
    /// The reasons were told.
    ended: bool,
    failed: bool,
    service_tier: Option<String>,
    searches: u64,
}

/// One choice so far.
#[derive(Default)]
struct Choice {
    calls: usize,
    stop: Option<Stop>,
}

impl GeminiDecoder {
    /// Begins a stream.
    pub fn new() -> Self {
        Self::default()
    }

    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.closed {
            return Ok(());
        }
        self.closed = frame.closes;
        let json = frame.json.trim_ascii();
        if json.is_empty() {
            return Ok(());
        }
        let answer = wire::answer(json).ok_or(StreamFault::Garbage("an event is not a Gemini answer"))?;
        if let Some(words) = answer.error.as_ref().and_then(|_| UpstreamWords::read(json)) {
            return Err(StreamFault::UpstreamError(words));
        }
        self.answer(answer, events);
        Ok(())
    }

    fn answer(&mut self, answer: Answer<Json>, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.began, true) {
            let id = answer.response_id.clone().unwrap_or_default();
            events.push(Event::Began { id, model: answer.model_version.clone().unwrap_or_default(), created: None });
        }
        if answer.is_blocked() {
            self.stop(0, Stop::Filtered);
        }
        for (position, candidate) in answer.candidates.iter().flatten().enumerate() {
            self.candidate(candidate.choice(position), candidate, events);
        }
        self.searches = self.searches.max(grounding::searches(&answer));
        self.usage(answer.usage_metadata.as_ref(), events);
    }

    fn usage(&mut self, metadata: Option<&Json>, events: &mut Vec<Event>) {
        let reading = usage::read(metadata).searched(self.searches);
        if reading != Reading::Absent {
            events.push(Event::Usage(reading));
        }
        let tier = usage::service_tier(metadata);
        if tier.is_some() && tier != self.service_tier {
            events.extend(tier.clone().map(Event::ServiceTier));
            self.service_tier = tier;
        }
    }

    fn candidate(&mut self, choice: u64, candidate: &Candidate<Json>, events: &mut Vec<Event>) {
        self.choices.note(choice, false);
        for part in candidate.parts() {
            self.part(choice, part, events);
        }
        if let Some(log_probs) = candidate.logprobs_result.as_ref().and_then(log_probs::read) {
            events.push(Event::More { choice, piece: Piece::LogProbs(log_probs) });
        }
        if let Some(reason) = candidate.finish_reason.as_deref().filter(|_| candidate.is_finished()) {
            let calls = self.choices.at(choice).is_some_and(|choice| choice.calls > 0);
            self.stop(choice, stop::read(reason, calls));
        }
    }

    fn part(&mut self, choice: u64, part: Part, events: &mut Vec<Event>) {
        let mut more = |piece| events.push(Event::More { choice, piece });
        let seal = Seal::read(part.thought_signature.as_deref(), Side::Provider);
        if let Some(call) = part.function_call {
            return self.call(choice, call, seal).into_iter().for_each(more);
        }
        let thought = part.thought == Some(true);
        if let Some(text) = part.text.filter(|text| !text.is_empty()) {
            more(if thought { Piece::Reasoning(text) } else { Piece::Text(text) });
        }
        if let Seal { signature: Some(signature), .. } = seal {
            more(Piece::Sealed { signature: Some(signature), sealed: None, id: None });
        }
    }

    /// What a call is in pieces.
    fn call(&mut self, choice: u64, call: FunctionCall, seal: Seal) -> Vec<Piece> {
        let Some(choice) = self.choices.at(choice) else { return Vec::new() };
        let call = parts::read_call(call, seal, calls::fresh);
        let number = choice.calls;
        choice.calls = number.saturating_add(1);
        let begins = Piece::ToolCall { call: number, id: call.id, name: call.name, signature: call.signature };
        vec![begins, Piece::Arguments { call: number, text: call.arguments }]
    }

    fn stop(&mut self, choice: u64, stop: Stop) {
        self.choices.note(choice, true);
        if let Some(choice) = self.choices.at(choice) {
            choice.stop = Some(stop);
        }
    }

    /// Tells why each choice ended, once, if all have.
    fn end(&mut self, events: &mut Vec<Event>) {
        if !self.choices.all_finished() || std::mem::replace(&mut self.ended, true) {
            return;
        }
        for (index, (choice, _)) in &mut self.choices.0 {
            events.extend(choice.stop.take().map(|stop| Event::Finished { choice: *index, stop }));
        }
    }
}

impl Decode for GeminiDecoder {
    fn push(&mut self, chunk: &Bytes, events: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.closed || self.failed {
            return Ok(());
        }
        let mut frames = std::mem::take(&mut self.frames);
        let (_, outcome) = frames.sift(chunk, |frame| self.frame(frame, events).map(|()| false));
        self.frames = frames;
        if self.closed {
            self.end(events);
            return Ok(());
        }
        self.failed = outcome.is_err();
        outcome
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> StreamEnd {
        let last = self.frames.last();
        if !last.is_empty() && !self.failed {
            let outcome = framing::of_event(&last).and_then(|frame| self.frame(&frame, events));
            self.failed = outcome.is_err();
        }
        if self.failed || !self.choices.all_finished() {
            return StreamEnd::Cut;
        }
        self.end(events);
        StreamEnd::Complete
    }

    fn is_done(&self) -> bool {
        self.closed && self.choices.all_finished()
    }
}

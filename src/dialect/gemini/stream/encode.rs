//! Events, written as a client's stream.
//! Owns the chunks' shape: whole calls, since Gemini has no pieces of them, and one last chunk with the reasons and
//! usage. Refuses comments and bare `data:`; Google's client reads neither.

use std::collections::BTreeMap;

use bytes::{BufMut, BytesMut};

use crate::dialect::canonical::{Event, Json, Piece, Stop, ToolCall};
use crate::dialect::frame;
use crate::dialect::gemini::framing::Framing;
use crate::dialect::gemini::seal::Seal;
use crate::dialect::gemini::wire::{Answer, Candidate, Content, Part};
use crate::dialect::gemini::{Side, log_probs, parts, stop, usage};
use crate::dialect::passage::Encode;
use crate::dialect::usage::Reading;

/// Writes a stream in one framing.
pub struct GeminiEncoder {
    framing: Framing,
    /// Something was written.
    begun: bool,
    id: Option<String>,
    model: Option<String>,
    choices: BTreeMap<u64, Choice>,
    usage: Reading,
    service_tier: Option<String>,
}

/// One choice so far.
#[derive(Default)]
struct Choice {
    /// Calls not written yet, by number.
    calls: BTreeMap<usize, ToolCall>,
    /// The last piece was a thought, so that a seal is the thought's.
    thinking: bool,
    stop: Option<Stop>,
}

impl GeminiEncoder {
    /// Begins a stream framed as the client asked.
    pub fn new(framing: Framing) -> Self {
        Self {
            framing,
            begun: false,
            id: None,
            model: None,
            choices: BTreeMap::new(),
            usage: Reading::Absent,
            service_tier: None,
        }
    }

    fn more(&mut self, index: u64, piece: Piece, out: &mut BytesMut) {
        let choice = self.choices.entry(index).or_default();
        let log_probs = match &piece {
            Piece::LogProbs(log_probs) => log_probs::write(log_probs),
            _ => None,
        };
        let part = choice.part(piece);
        if part.is_none() && log_probs.is_none() {
            return;
        }
        let content = part.map(|part| Content::of_model(vec![part]));
        let candidate = Candidate {
            content,
            finish_reason: None,
            index: Some(index),
            logprobs_result: log_probs,
            grounding_metadata: None,
        };
        self.write(Some(vec![candidate]), None, out);
    }

    /// Writes the calls that are now whole.
    fn finished(&mut self, index: u64, stop: Stop, out: &mut BytesMut) {
        let choice = self.choices.entry(index).or_default();
        choice.stop = Some(stop);
        let calls: Vec<_> = std::mem::take(&mut choice.calls).into_values().collect();
        if calls.is_empty() {
            return;
        }
        let calls = calls.iter().map(|call| parts::write_call(call, Side::Client)).collect();
        let content = Some(Content::of_model(calls));
        let candidate = Candidate {
            content,
            finish_reason: None,
            index: Some(index),
            logprobs_result: None,
            grounding_metadata: None,
        };
        self.write(Some(vec![candidate]), None, out);
    }

    /// Only reasons end this dialect's streams: what the provider ended without one has ended all the same.
    fn finish_all(&mut self, out: &mut BytesMut) {
        if self.choices.is_empty() {
            self.choices.insert(0, Choice::default());
        }
        let open = self.choices.iter().filter(|(_, choice)| choice.stop.is_none());
        for index in open.map(|(index, _)| *index).collect::<Vec<_>>() {
            self.finished(index, Stop::End, out);
        }
    }

    fn write(&mut self, candidates: Option<Vec<Candidate<Part>>>, usage_metadata: Option<Json>, out: &mut BytesMut) {
        let (model_version, response_id) = (self.model.clone(), self.id.clone());
        let answer = Answer { candidates, usage_metadata, model_version, response_id, ..Answer::default() };
        let json = serde_json::to_vec(&answer).unwrap_or_default();
        match self.framing {
            Framing::Sse => frame::write(None, &json, out),
            Framing::Array => {
                out.put_slice(if self.begun { b",\n" } else { b"[" });
                out.put_slice(&json);
            }
        }
        self.begun = true;
    }
}

impl Choice {
    /// The part that a piece is; `None` for what waits or says nothing.
    fn part(&mut self, piece: Piece) -> Option<Part> {
        let thinking = self.thinking;
        self.thinking = matches!(piece, Piece::Reasoning(_));
        match piece {
            Piece::Text(text) | Piece::Refusal(text) => (!text.is_empty()).then(|| Part::text(text)),
            Piece::Reasoning(text) => (!text.is_empty()).then(|| Part { thought: Some(true), ..Part::text(text) }),
            Piece::Sealed { signature, sealed, id } => {
                let thought_signature = Seal { signature, sealed, id }.write(Side::Client);
                thought_signature.is_some().then(|| Part {
                    thought_signature,
                    thought: thinking.then_some(true),
                    ..Part::text("")
                })
            }
            Piece::ToolCall { call, id, name, signature } => {
                self.calls.insert(call, ToolCall { id, name, arguments: String::new(), signature });
                None
            }
            Piece::Arguments { call, text } => {
                self.calls.entry(call).and_modify(|call| call.arguments.push_str(&text));
                None
            }
            Piece::LogProbs(_) => None,
        }
    }
}

impl Encode for GeminiEncoder {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Began { id, model, .. } => {
                self.id = Some(id).filter(|id| !id.is_empty());
                self.model = Some(model).filter(|model| !model.is_empty());
            }
            Event::More { choice, piece } => self.more(choice, piece, out),
            Event::Finished { choice, stop } => self.finished(choice, stop, out),
            Event::Usage(reading) => self.usage = reading,
            Event::ServiceTier(tier) => self.service_tier = Some(tier),
        }
    }

    fn tail(&mut self, farthing: Option<&str>, out: &mut BytesMut) {
        self.finish_all(out);
        let ends = std::mem::take(&mut self.choices).into_iter().filter_map(|(index, choice)| {
            let finish_reason = Some(stop::write(&choice.stop?).to_owned());
            let content = Some(Content::of_model(vec![Part::text("")]));
            Some(Candidate {
                content,
                finish_reason,
                index: Some(index),
                logprobs_result: None,
                grounding_metadata: None,
            })
        });
        let ends = Some(ends.collect::<Vec<_>>()).filter(|ends| !ends.is_empty());
        let usage_metadata = usage::write(self.usage, self.service_tier.as_deref(), farthing);
        self.write(ends, usage_metadata, out);
        if self.framing == Framing::Array {
            out.put_slice(b"]");
        }
    }
}

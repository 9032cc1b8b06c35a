//! The items of a stream as they grow. Owns what of each was told, by index, so that nothing is told twice and nothing
//! is lost where a server sends no deltas.

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::canonical::{Json, Piece, Reasoning, ToolCall};
use crate::dialect::openai_responses::output::{self, Read, Spoken};
use crate::dialect::openai_responses::{elements, pick, reply, text};

/// All items of one stream.
#[derive(Default)]
pub(super) struct Items {
    items: BTreeMap<u64, Item>,
    calls: usize,
    refused: bool,
    /// Signatures of calls that come later, by their ids.
    signatures: BTreeMap<String, String>,
}

/// What of one item was told.
#[derive(Default)]
struct Item {
    /// Which of the answer's calls it is.
    call: Option<usize>,
    /// Parts of its text told, by index; of its arguments, part zero.
    told: BTreeSet<u64>,
    /// Which of its two texts its thinking is read from.
    thinking: Option<Thinking>,
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Thinking {
    Summary,
    Content,
}

/// Where in the output an event belongs, and its text.
struct Spot {
    item: u64,
    part: u64,
    text: String,
}

impl Items {
    /// Takes in one event and adds what it says to `pieces`.
    pub(super) fn take(&mut self, kind: &str, json: &str, pieces: &mut Vec<Piece>) {
        match kind {
            "response.output_item.added" => self.added(json, pieces),
            "response.output_item.done" => {
                let [index, item] = pick(json, &["output_index", "item"]);
                let index = index.and_then(|index| index.whole()).unwrap_or_else(|| self.last());
                if let Some(item) = item {
                    self.ended(index, item.text, pieces);
                }
            }
            "response.output_text.delta" => self.text(json, pieces),
            "response.refusal.delta" => {
                let spot = self.spot(json, "content_index", "delta");
                self.tell(&spot);
                self.refused = true;
                pieces.push(Piece::Refusal(spot.text));
            }
            "response.reasoning_summary_text.delta" => {
                let spot = self.spot(json, "summary_index", "delta");
                self.think(spot, Thinking::Summary, pieces);
            }
            "response.reasoning_text.delta" => {
                let spot = self.spot(json, "content_index", "delta");
                self.think(spot, Thinking::Content, pieces);
            }
            "response.function_call_arguments.delta" => self.arguments(json, pieces),
            _ => {}
        }
    }

    /// Takes in the whole output at the end, for servers that sent less before. A server whose indexes are not places
    /// in the output is not believed: better nothing than the same twice.
    pub(super) fn catch_up(&mut self, output: &[&str], pieces: &mut Vec<Piece>) {
        if self.items.last_key_value().is_some_and(|(last, _)| output.get(place(*last)).is_none()) {
            return;
        }
        for (index, item) in (0..).zip(output) {
            self.ended(index, item, pieces);
        }
    }

    pub(super) fn called(&self) -> bool {
        self.calls > 0
    }

    pub(super) fn refused(&self) -> bool {
        self.refused
    }

    /// The item that came last, for servers that leave the index out.
    fn last(&self) -> u64 {
        self.items.last_key_value().map_or(0, |(index, _)| *index)
    }

    fn item(&mut self, index: u64) -> &mut Item {
        self.items.entry(index).or_default()
    }

    fn spot(&self, json: &str, part: &'static str, member: &'static str) -> Spot {
        let [item, part, said] = pick(json, &["output_index", part, member]);
        let item = item.and_then(|item| item.whole()).unwrap_or_else(|| self.last());
        Spot { item, part: part.and_then(|part| part.whole()).unwrap_or(0), text: text(said) }
    }

    /// Notes that a part was told; gives whether it is new.
    fn tell(&mut self, spot: &Spot) -> bool {
        self.item(spot.item).told.insert(spot.part)
    }

    fn added(&mut self, json: &str, pieces: &mut Vec<Piece>) {
        let [index, item] = pick(json, &["output_index", "item"]);
        let next = self.items.last_key_value().map_or(0, |(index, _)| index.saturating_add(1));
        let index = index.and_then(|index| index.whole()).unwrap_or(next);
        self.item(index);
        if let Some(Read::Call(call)) = item.map(|item| output::read(item.text)) {
            self.call(index, call, pieces);
        }
    }

    /// Begins a call, once; gives which it is.
    fn call(&mut self, index: u64, call: ToolCall, pieces: &mut Vec<Piece>) -> usize {
        if let Some(known) = self.item(index).call {
            return known;
        }
        let number = self.calls;
        self.calls = number.saturating_add(1);
        self.item(index).call = Some(number);
        let signature = self.signatures.remove(&call.id);
        pieces.push(Piece::ToolCall { call: number, id: call.id, name: call.name, signature });
        number
    }

    fn arguments(&mut self, json: &str, pieces: &mut Vec<Piece>) {
        let spot = self.spot(json, "content_index", "delta");
        // A call whose beginning never came has no name yet; it is told when it ends.
        let Some(call) = self.item(spot.item).call else { return };
        self.tell(&spot);
        pieces.push(Piece::Arguments { call, text: spot.text });
    }

    fn text(&mut self, json: &str, pieces: &mut Vec<Piece>) {
        let spot = self.spot(json, "content_index", "delta");
        self.tell(&spot);
        pieces.push(Piece::Text(spot.text));
        let [log_probs] = pick(json, &["logprobs"]);
        pieces.extend(probabilities(elements(log_probs).into_iter().filter_map(Json::parse).collect()));
    }

    /// Thinking is shown as a summary or as content; where a server sends both, the first counts. Parts of it stand
    /// apart.
    fn think(&mut self, spot: Spot, kind: Thinking, pieces: &mut Vec<Piece>) {
        let item = self.item(spot.item);
        if *item.thinking.get_or_insert(kind) != kind {
            return;
        }
        let later = !item.told.is_empty();
        let apart = if item.told.insert(spot.part) && later { "\n\n" } else { "" };
        pieces.push(Piece::Reasoning(format!("{apart}{}", spot.text)));
    }

    /// An item is whole: what no delta told is told now.
    fn ended(&mut self, index: u64, item: &str, pieces: &mut Vec<Piece>) {
        if std::mem::replace(&mut self.item(index).ended, true) {
            return;
        }
        match output::read(item) {
            Read::Message(spoken) => self.spoken(index, spoken, pieces),
            Read::Reasoning(reasoning) if output::is_told(&reasoning) => self.thought(index, reasoning, pieces),
            Read::CallSignature(call, signature) => drop(self.signatures.insert(call, signature)),
            Read::Call(mut call) => {
                let arguments = std::mem::take(&mut call.arguments);
                let call = self.call(index, call, pieces);
                if self.item(index).told.is_empty() && !arguments.is_empty() {
                    pieces.push(Piece::Arguments { call, text: arguments });
                }
            }
            Read::Reasoning(_) | Read::Other => {}
        }
    }

    fn spoken(&mut self, item: u64, spoken: Vec<Spoken>, pieces: &mut Vec<Piece>) {
        for (part, said) in (0..).zip(spoken) {
            if !self.tell(&Spot { item, part, text: String::new() }) {
                continue;
            }
            match said {
                Spoken::Text(text, log_probs) => {
                    pieces.push(Piece::Text(text));
                    pieces.extend(probabilities(log_probs));
                }
                Spoken::Refusal(text) => {
                    self.refused = true;
                    pieces.push(Piece::Refusal(text));
                }
                Spoken::Other => {}
            }
        }
    }

    fn thought(&mut self, index: u64, thought: Reasoning, pieces: &mut Vec<Piece>) {
        if self.item(index).told.is_empty() && !thought.text.is_empty() {
            pieces.push(Piece::Reasoning(thought.text));
        }
        pieces.push(Piece::Sealed { signature: thought.signature, sealed: thought.sealed, id: thought.id });
    }
}

fn probabilities(tokens: Vec<Json>) -> Option<Piece> {
    (!tokens.is_empty()).then(|| Piece::LogProbs(reply::tokens_of(tokens)))
}

fn place(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

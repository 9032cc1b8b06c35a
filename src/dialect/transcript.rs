//! A transcript: the words of an answer, kept for a count because the provider did not say what it consumed.
//! Owns what of an answer was generated, and the bound on how much of it is kept. Refuses to count.

use super::canonical::{Event, Part, PartKind, Piece, Reply};

/// The most that is kept of one answer; beyond it there is no transcript.
pub const MOST_BYTES: usize = 64 * 1024;

/// What was generated, text by text.
#[derive(Default)]
pub struct Transcript {
    texts: Vec<Text>,
    bytes: usize,
}

/// Whose part a text is. Texts of one owner are one text, however many pieces they came in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Answer,
    Refusal,
    Thinking,
    Call(usize),
}

struct Text {
    choice: u64,
    owner: Owner,
    words: String,
}

impl Transcript {
    /// Of a whole answer; `None` if it is too long.
    pub fn of(reply: &Reply) -> Option<Self> {
        let mut transcript = Self::default();
        for (choice, said) in (0..).zip(&reply.choices) {
            for (place, part) in said.parts.iter().enumerate() {
                transcript.take(choice, place, part);
            }
        }
        transcript.fits().then_some(transcript)
    }

    /// Takes in one event of a streamed answer.
    pub(super) fn hear(&mut self, event: &Event) {
        let Event::More { choice, piece } = event else { return };
        match piece {
            Piece::Text(words) => self.add(*choice, Owner::Answer, words),
            Piece::Refusal(words) => self.add(*choice, Owner::Refusal, words),
            Piece::Reasoning(words) => self.add(*choice, Owner::Thinking, words),
            Piece::ToolCall { call, name, .. } => self.add(*choice, Owner::Call(*call), name),
            Piece::Arguments { call, text } => self.add(*choice, Owner::Call(*call), text),
            Piece::Sealed { .. } | Piece::LogProbs(_) => {}
        }
    }

    /// Whether no more came than is kept.
    pub(super) fn fits(&self) -> bool {
        self.bytes <= MOST_BYTES
    }

    /// The bytes of all texts.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The texts that are thinking, or those that are not.
    pub fn texts(&self, thinking: bool) -> impl Iterator<Item = &str> {
        let wanted = move |text: &&Text| (text.owner == Owner::Thinking) == thinking;
        self.texts.iter().filter(wanted).map(|text| text.words.as_str())
    }

    fn take(&mut self, choice: u64, place: usize, part: &Part) {
        match &part.kind {
            PartKind::Text(words) => self.add(choice, Owner::Answer, words),
            PartKind::Refusal(words) => self.add(choice, Owner::Refusal, words),
            PartKind::Reasoning(reasoning) => self.add(choice, Owner::Thinking, &reasoning.text),
            PartKind::ToolCall(call) => {
                self.add(choice, Owner::Call(place), &call.name);
                self.add(choice, Owner::Call(place), &call.arguments);
            }
            _ => {}
        }
    }

    fn add(&mut self, choice: u64, owner: Owner, words: &str) {
        self.bytes = self.bytes.saturating_add(words.len());
        if !self.fits() {
            return;
        }
        let known = self.texts.iter_mut().rev().find(|text| text.choice == choice && text.owner == owner);
        match known {
            Some(text) => text.words.push_str(words),
            None => self.texts.push(Text { choice, owner, words: words.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(choice: u64, piece: Piece) -> Event {
        Event::More { choice, piece }
    }

    #[test]
    fn interleaved_pieces_become_whole_texts() {
        let mut transcript = Transcript::default();
        for event in [
            more(0, Piece::Reasoning("hm".to_owned())),
            more(0, Piece::Text("to".to_owned())),
            more(1, Piece::Text("other".to_owned())),
            more(0, Piece::Text("ken".to_owned())),
            more(0, Piece::ToolCall { call: 0, id: "c".to_owned(), name: "f".to_owned(), signature: None }),
            more(0, Piece::Arguments { call: 0, text: "{}".to_owned() }),
        ] {
            transcript.hear(&event);
        }
        assert_eq!(transcript.texts(false).collect::<Vec<_>>(), ["token", "other", "f{}"]);
        assert_eq!((transcript.texts(true).collect::<Vec<_>>(), transcript.bytes()), (vec!["hm"], 15));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut transcript = Transcript::default();
        for _ in 0..100 {
            transcript.hear(&more(0, Piece::Text("x".repeat(1_024))));
        }
        let kept: usize = transcript.texts(false).map(str::len).sum();
        assert!(!transcript.fits() && kept == MOST_BYTES, "{kept}");
    }
}

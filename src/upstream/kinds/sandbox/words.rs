//! Words: what the sandbox says. Sentences of a fixed list, each piece exactly one token of o200k, so that a stream has
//! one chunk per token and the count needs no counting. Owns the list. Refuses anything a JSON string would escape.

use super::draw::Draw;

const OPENERS: [&str; 10] = [" The", " A", " Every", " One", " Each", " This", " That", " Our", " Your", " No"];

const WORDS: [&str; 48] = [
    " river", " ledger", " carries", " small", " coins", " under", " quiet", " bridge", " while", " morning", " light",
    " counts", " each", " stone", " and", " old", " garden", " keeps", " its", " promise", " with", " patient",
    " hands", " after", " rain", " we", " follow", " green", " paths", " through", " open", " fields", " until",
    " evening", " bells", " answer", " from", " distant", " towers", " where", " careful", " people", " write",
    " down", " what", " they", " owe", " today",
];

const STOP: &str = ".";

/// The pieces of a text of so many tokens, one token each. The first has no space before it; the last is a full stop,
/// unless there is only one.
#[derive(Debug, Clone)]
pub(super) struct Words {
    draw: Draw,
    left: u64,
    in_sentence: u64,
    begun: bool,
}

impl Words {
    pub(super) fn new(seed: u64, tokens: u64) -> Self {
        Self { draw: Draw::new(seed), left: tokens, in_sentence: 0, begun: false }
    }

    fn piece(&mut self) -> &'static str {
        if !self.begun {
            self.begun = true;
            self.in_sentence = self.sentence();
            return self.draw.pick(&OPENERS).trim_start();
        }
        match (self.left, self.in_sentence) {
            // Two full stops in a row would be one token: a sentence that would end just before the text goes on.
            (1, 1) => self.draw.pick(&WORDS),
            (0, _) | (_, 1) => {
                self.in_sentence = 0;
                STOP
            }
            (_, 0) => {
                self.in_sentence = self.sentence();
                self.draw.pick(&OPENERS)
            }
            _ => {
                self.in_sentence -= 1;
                self.draw.pick(&WORDS)
            }
        }
    }

    /// The pieces after the opener, the full stop included.
    fn sentence(&mut self) -> u64 {
        6 + self.draw.below(8)
    }
}

impl Iterator for Words {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        self.left = self.left.checked_sub(1)?;
        Some(self.piece())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{Basis, Tokenizer};

    #[test]
    fn every_piece_is_one_token() {
        let first = OPENERS.iter().map(|piece| piece.trim_start());
        for piece in first.chain(OPENERS).chain(WORDS).chain([STOP]) {
            assert_eq!(Tokenizer.count(piece).tokens, 1, "{piece:?}");
            assert!(piece.is_ascii() && !piece.contains(['"', '\\']), "{piece:?}");
        }
    }

    #[test]
    fn a_text_has_as_many_tokens_as_pieces() {
        for tokens in (0..200).chain([1_000, 9_999]) {
            for seed in 0..5 {
                let pieces: Vec<_> = Words::new(seed, tokens).collect();
                assert_eq!(pieces.len() as u64, tokens);
                let count = Tokenizer.count(&pieces.concat());
                assert_eq!((count.tokens, count.basis), (tokens, Basis::Exact), "{}", pieces.concat());
            }
        }
    }

    #[test]
    fn texts_are_sentences_that_depend_on_the_seed() {
        let text = |seed| Words::new(seed, 64).collect::<String>();
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
        for seed in 0..50 {
            let text = text(seed);
            assert!(text.ends_with('.') && !text.contains("..") && text.starts_with(char::is_uppercase), "{text}");
        }
    }
}

//! The tokenizer: how many tokens a text is, in o200k, the vocabulary of OpenAI's current models.
//! Owns the bounds around foreign code: loaded on first use, inputs capped, panics caught.
//! Refuses to pass an approximation off as a count: every figure says what it rests on.

mod gauge;
mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use gauge::Gauge;
pub use queue::{CountQueue, Lane};

/// Counted in full up to here: 64 KiB take about 3 ms. Beyond, the library's cost and its use of the stack grow too fast
/// (a megabyte of spaces makes it panic), so the beginning stands for the whole.
pub const EXACT_BYTES: usize = 64 * 1024;

/// What English text and code come to in nearly every vocabulary.
const BYTES_PER_TOKEN: u64 = 4;

/// What a count rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Every token was counted.
    Exact,
    /// The first [`EXACT_BYTES`] were counted, the rest is assumed to be alike.
    Extrapolated,
    /// The library failed: four bytes are taken for a token.
    Bytes,
}

/// A number of tokens, and how far to trust it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many tokens.
    pub tokens: u64,
    /// What the figure rests on.
    pub basis: Basis,
}

/// Counts tokens. Costs nothing until first asked; then the vocabulary (about 46 MiB, a tenth of a second) is loaded once
/// for the process. Counting blocks for about 30 µs per KiB: keep long texts off the request threads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokenizer;

impl Tokenizer {
    /// Counts the tokens of a text. Special tokens written out in it count as ordinary text. Never panics.
    pub fn count(&self, text: &str) -> Count {
        guarded(text, |sample| tiktoken_rs::o200k_base_singleton().count_ordinary(sample))
    }
}

fn guarded(text: &str, count: impl FnOnce(&str) -> usize) -> Count {
    let sample = text.get(..text.floor_char_boundary(EXACT_BYTES)).unwrap_or(text);
    // The closure reads the text and a vocabulary that is never changed: nothing is left half-done by a panic.
    let counted = catch_unwind(AssertUnwindSafe(|| count(sample)));
    match counted {
        Ok(tokens) if sample.len() == text.len() => Count { tokens: wide(tokens), basis: Basis::Exact },
        Ok(tokens) => Count { tokens: scaled(tokens, sample.len(), text.len()), basis: Basis::Extrapolated },
        Err(_) => Count { tokens: wide(text.len()).div_ceil(BYTES_PER_TOKEN), basis: Basis::Bytes },
    }
}

/// Rounded up: an estimate that charges too little is the worse error.
fn scaled(tokens: usize, sample: usize, whole: usize) -> u64 {
    wide(tokens).saturating_mul(wide(whole)).div_ceil(wide(sample).max(1))
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> u64 {
        let count = Tokenizer.count(text);
        assert_eq!(count.basis, Basis::Exact, "{text:?}");
        count.tokens
    }

    #[test]
    fn counts_are_those_of_o200k() {
        // Held so that another vocabulary, or another way of counting, is noticed.
        for (text, tokens) in
            [("", 0), ("hello world", 2), ("Hello, world!", 4), ("The books balance.", 4), ("    ", 1)]
        {
            assert_eq!(exact(text), tokens, "{text:?}");
        }
        assert_eq!(exact("<|endoftext|>"), 7, "a special token written out is ordinary text");
    }

    #[test]
    fn the_cap_is_exact_to_the_byte_and_extrapolates_beyond() {
        let whole = " word".repeat(EXACT_BYTES / 5);
        assert_eq!(exact(&whole), 13_107);
        let count = Tokenizer.count(&" word".repeat(1_000_000));
        assert_eq!(count.basis, Basis::Extrapolated);
        assert!((999_000..=1_001_000).contains(&count.tokens), "{}", count.tokens);
    }

    #[test]
    fn a_character_across_the_cap_is_left_out_whole() {
        let text = format!("{}é and more", "a".repeat(EXACT_BYTES - 1));
        assert_eq!(guarded(&text, str::len).tokens, 65_546);
    }

    #[test]
    fn hostile_texts_are_survived() {
        for text in
            [" ".repeat(1 << 20), "a".repeat(1 << 20), "\n".repeat(1 << 20), "🙂".repeat(1 << 18), "\0".repeat(1 << 20)]
        {
            let count = Tokenizer.count(&text);
            assert_eq!(count.basis, Basis::Extrapolated);
            assert!(count.tokens > 0);
        }
    }

    #[test]
    fn a_panic_becomes_an_honest_approximation() {
        let count = guarded("nine bytes", |_| panic!("regex stack overflow"));
        assert_eq!(count, Count { tokens: 3, basis: Basis::Bytes });
    }
}

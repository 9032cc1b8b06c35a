//! The gauge: how many tokens a text may be, guessed from its bytes in one pass, for what must be quick.
//! Owns the classes of bytes and what each pair of neighbours costs, likely and at most; `gauge/costs.rs` has the figures,
//! measured against o200k and cl100k by the test `calibrate`. Refuses to be a count.

mod costs;

use costs::{CEILING, LIKELY};

/// Classes of bytes.
const CLASSES: usize = 32;
/// A token in the units of the tables.
const TOKEN: u64 = 256;
/// Sums of two figures share a word for this many bytes: even at eight tokens for each they do not meet.
const STRETCH: usize = 1 << 20;
/// What a text begins after.
const SPACE: u8 = 6;

/// Tokens of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gauge {
    /// Likely.
    pub likely: u64,
    /// At most.
    pub ceiling: u64,
}

static CLASS: [u8; 256] = classes();
static PAIRS: [u64; CLASSES * CLASSES] = pairs();

impl Gauge {
    /// Reads `text`, which may be JSON: then escapes count as what they stand for.
    pub fn of(text: &[u8]) -> Self {
        let sums = text.chunks(STRETCH).scan(SPACE, |before, stretch| Some(sum(stretch, before)));
        let (likely, ceiling) =
            sums.fold((0, 0), |(likely, ceiling), sum| (likely + (sum & LOW), ceiling + (sum >> 32)));
        Self { likely: likely.div_ceil(TOKEN), ceiling: ceiling.div_ceil(TOKEN) }
    }

    /// Of two texts.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { likely: self.likely.saturating_add(other.likely), ceiling: self.ceiling.saturating_add(other.ceiling) }
    }
}

const LOW: u64 = 0xffff_ffff;

/// Both figures of a stretch, the ceiling in the upper half.
fn sum(stretch: &[u8], before: &mut u8) -> u64 {
    let mut last = usize::from(*before);
    let mut sum = 0_u64;
    for byte in stretch {
        let class = usize::from(class(*byte));
        // The mask tells the compiler what is true anyway.
        sum += PAIRS.get((last << 5 | class) & (CLASSES * CLASSES - 1)).copied().unwrap_or(0);
        last = class;
    }
    *before = stretch.last().map_or(*before, |byte| class(*byte));
    sum
}

fn class(byte: u8) -> u8 {
    CLASS.get(usize::from(byte)).copied().unwrap_or(0)
}

#[expect(clippy::indexing_slicing, reason = "computed when compiling, where a fault is a failed build")]
const fn pairs() -> [u64; CLASSES * CLASSES] {
    let mut pairs = [0; CLASSES * CLASSES];
    let mut at = 0;
    while at < pairs.len() {
        let (row, column) = (at / CLASSES, at % CLASSES);
        pairs[at] = LIKELY[row][column] as u64 | (CEILING[row][column] as u64) << 32;
        at += 1;
    }
    pairs
}

#[expect(clippy::indexing_slicing, reason = "computed when compiling, where a fault is a failed build")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        classes[byte as usize] = class_of(byte);
        byte -= 1;
    }
    classes[0] = class_of(0);
    classes
}

/// Bytes that behave alike between their neighbours.
const fn class_of(byte: u8) -> u8 {
    match byte {
        b'a' | b'e' | b'i' | b'o' | b'u' => 0,
        b'k' | b'v' | b'x' | b'j' | b'q' | b'z' => 2,
        b'a'..=b'z' => 1,
        b'A' | b'E' | b'I' | b'O' | b'U' => 3,
        b'A'..=b'Z' => 4,
        b'0'..=b'9' => 5,
        b' ' => SPACE,
        b'\n' | b'\r' => 7,
        b'\t' => 8,
        b'.' | b',' => 9,
        b'"' => 10,
        b'\'' | b'`' => 11,
        b'(' | b'[' | b'{' | b'<' => 12,
        b')' | b']' | b'}' | b'>' => 13,
        b';' | b':' | b'!' | b'?' => 14,
        b'_' => 16,
        b'\\' => 17,
        0x00..=0x1f | 0x7f => 18,
        0x21..=0x7e => 15,
        // Latin letters with marks.
        0xc2..=0xc5 => 19,
        // Greek.
        0xce | 0xcf => 20,
        // The Cyrillic letters of Europe.
        0xd0 | 0xd1 => 31,
        // Hebrew and Arabic.
        0xd6..=0xdb => 21,
        // Other two-byte letters, and what is no UTF-8.
        0xc0..=0xdf => 22,
        // India's scripts, Thai.
        0xe0 => 23,
        0xe1 | 0xe2 => 24,
        // Kana.
        0xe3 => 25,
        // Han.
        0xe4..=0xe9 => 26,
        // Hangul, mostly.
        0xea..=0xed => 27,
        0xee | 0xef => 28,
        0xf0..=0xff => 29,
        // A character's cost stands at its first byte.
        0x80..=0xbf => 30,
    }
}

#[cfg(test)]
mod calibration;
#[cfg(test)]
mod tests;

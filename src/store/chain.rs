//! The chain: each line's hash covers the line and the hash of the line before it, so that none can be altered, removed or
//! slipped in later without every later hash changing.
//! Owns what is hashed and how. Refuses secrets: whoever can read the books can compute it again (`docs/ledger.md`).

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// A link of the chain. The first line's covers 32 zeros in place of an earlier one.
pub(super) type Hash = [u8; 32];

/// Between two fields: a character that no name may contain. A client may ask for a model whose name contains it; so no other text
/// of its line may, or a line could be told anew with its fields moved and have the same hash.
pub(super) const SEPARATOR: char = '\u{1f}';

/// The fields of one line as one text. Kept between lines for its memory.
#[derive(Default)]
pub(super) struct Fields(String);

impl Fields {
    /// Forgets the line before.
    pub(super) fn begin(&mut self) {
        self.0.clear();
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self.0.push(SEPARATOR);
        self
    }

    /// A field that may be absent, which is empty then.
    pub(super) fn maybe(&mut self, text: Option<&str>) -> &mut Self {
        self.text(text.unwrap_or(""))
    }

    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        // Writing to a String cannot fail.
        write!(self.0, "{number}{SEPARATOR}").ok();
        self
    }

    /// A number that may be absent, which is empty then.
    pub(super) fn maybe_number(&mut self, number: Option<i64>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.text(""),
        }
    }

    /// Forgets what is behind the first `length` bytes.
    pub(super) fn shorten(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// All of them.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash of the line after the one whose hash is `before`.
    pub(super) fn hash(&self, before: &Hash) -> Hash {
        Sha256::new().chain_update(before).chain_update(&self.0).finalize().into()
    }
}

/// The hash of a row.
pub(super) fn hash_of_row(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}

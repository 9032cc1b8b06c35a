//! Streamed answers: relayed as they came, read into events, written from events.
//! Owns which choices a stream shows and which of them gave a reason for their end, since that alone ends a Gemini
//! stream. Refuses to mix the three ways; each stands in its own file.

mod decode;
mod encode;
mod passage;

use std::collections::BTreeMap;

pub use decode::GeminiDecoder;
pub use encode::GeminiEncoder;
pub use passage::GeminiStream;

/// More choices than any request can ask for; beyond it an index is not believed.
const MAX_CHOICES: usize = 128;

/// The choices of a stream by index, each with what is known of it.
struct Choices<T>(BTreeMap<u64, (T, bool)>);

impl<T> Default for Choices<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Default> Choices<T> {
    /// What is known of choice `index`; `None` where there are too many.
    fn at(&mut self, index: u64) -> Option<&mut T> {
        if self.0.len() >= MAX_CHOICES && !self.0.contains_key(&index) {
            return None;
        }
        Some(&mut self.0.entry(index).or_default().0)
    }

    /// Takes in that a choice was there, and whether it gave a reason for its end.
    fn note(&mut self, index: u64, finished: bool) {
        if self.at(index).is_some()
            && let Some((_, was_finished)) = self.0.get_mut(&index)
        {
            *was_finished |= finished;
        }
    }

    /// Whether there were choices and all have finished.
    fn all_finished(&self) -> bool {
        !self.0.is_empty() && self.0.values().all(|(_, finished)| *finished)
    }
}

#[cfg(test)]
mod tests;

//! Which choices a stream has shown and which of them finished. Owns two sets of bits; refuses indexes above 127, which
//! no request can ask for.

/// Choices by index.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Indexes {
    seen: u128,
    finished: u128,
}

impl Indexes {
    /// Takes in that a choice was there, and whether it gave a reason for finishing.
    pub(super) fn note(&mut self, index: u64, finished: bool) {
        let bit = bit(index);
        self.seen |= bit;
        if finished {
            self.finished |= bit;
        }
    }

    /// Whether the choice was there before.
    pub(super) fn contains(&self, index: u64) -> bool {
        self.seen & bit(index) != 0
    }

    /// Whether there were choices and all have finished.
    pub(super) fn all_finished(&self) -> bool {
        self.seen != 0 && self.seen == self.finished
    }
}

fn bit(index: u64) -> u128 {
    u32::try_from(index).ok().and_then(|index| 1_u128.checked_shl(index)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seen_choice_must_finish() {
        let mut choices = Indexes::default();
        assert!(!choices.all_finished(), "no choice is no answer");
        choices.note(0, true);
        assert!(choices.all_finished());
        choices.note(127, false);
        assert!(!choices.all_finished() && choices.contains(127) && !choices.contains(1));
        choices.note(127, true);
        choices.note(0, false);
        choices.note(128, false);
        assert!(choices.all_finished() && !choices.contains(128));
    }
}

//! Chance that can be repeated: SplitMix64, from a seed that is printed.

use std::hash::{BuildHasher, Hasher, RandomState};

pub(crate) struct Seed(u64);

impl Seed {
    /// `FARTHING_SEED`, or a fresh one. Printed, so that a failure can be repeated.
    pub(crate) fn from_outside() -> Self {
        let fresh = || RandomState::new().build_hasher().finish();
        let seed = std::env::var("FARTHING_SEED")
            .map_or_else(|_| fresh(), |text| text.parse().expect("FARTHING_SEED is a number"));
        println!("FARTHING_SEED={seed}");
        Self(seed)
    }

    /// Another one, for a thread of its own.
    pub(crate) fn branch(&mut self) -> Self {
        Self(self.next())
    }

    /// A number to begin a series of one's own with.
    pub(crate) fn number(&mut self) -> u64 {
        self.next()
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a small number");
        usize::try_from(self.next() % limit).expect("below a small number")
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

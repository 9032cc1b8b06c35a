//! Drawing: numbers that look random and depend on a seed only, so that answers can be repeated (SplitMix64).
//! Owns the hash that makes a seed. Refuses any use where an adversary must not guess: that is `security`'s.

/// A sequence of draws.
#[derive(Debug, Clone)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; zero if that is zero.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.number().checked_rem(bound).unwrap_or(0)
    }

    /// One of several.
    pub(super) fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let at = self.below(u64::try_from(from.len()).unwrap_or(0));
        usize::try_from(at).ok().and_then(|at| from.get(at)).copied().unwrap_or_default()
    }

    /// Letters and digits, as in the ids of api.openai.com.
    pub(super) fn letters(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..length).map(|_| char::from(self.pick(ALPHABET))).collect()
    }
}

/// FNV-1a over several texts, each closed by a byte that UTF-8 never contains.
pub(super) fn seed<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = texts.flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_published_sequence() {
        // The first outputs of SplitMix64 for the seed 1234567, from its reference implementation.
        let mut draw = Draw::new(1_234_567);
        assert_eq!(
            [draw.number(), draw.number(), draw.number()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn seeds_tell_texts_apart_by_their_borders_too() {
        assert_eq!(seed(["ab", "c"].into_iter()), seed(["ab", "c"].into_iter()));
        assert_ne!(seed(["ab", "c"].into_iter()), seed(["a", "bc"].into_iter()));
        assert_ne!(seed(["ab"].into_iter()), seed(["ab", ""].into_iter()));
    }

    #[test]
    fn nothing_to_pick_from_is_survived() {
        assert_eq!(Draw::new(1).pick::<u8>(&[]), 0);
        assert_eq!(Draw::new(1).letters(29).len(), 29);
    }
}

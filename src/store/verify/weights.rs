//! Weights: figures of a bucket as one number, so that a sum over buckets tells whether each is in its place.
//! Owns the weighing, which is another in every check: whoever alters rollups cannot foretell what would cancel out.
//! Refuses to be exact: of two that differ, one pair in 2^60 weighs the same.

use std::hash::{BuildHasher, RandomState};

/// What each bucket weighs in one check.
#[derive(Clone, Default)]
pub(super) struct Weights(RandomState);

impl Weights {
    /// The figures as the polynomial with these coefficients, at the bucket's own place: linear in each, so that lines add up.
    pub(super) fn weigh(&self, bucket: i64, figures: impl IntoIterator<Item = i128>) -> i128 {
        let place = i128::from(self.0.hash_one(bucket) | 1);
        figures.into_iter().fold(0_i128, |sum, figure| sum.wrapping_add(figure).wrapping_mul(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_same_sums_and_moments_elsewhere_weighs_something_else() {
        let weights = Weights::default();
        let weigh = |rows: &[(i64, [i128; 2])]| {
            rows.iter().fold(0_i128, |sum, (bucket, figures)| sum.wrapping_add(weights.weigh(*bucket, *figures)))
        };
        // One from the first to the second and one from the fourth to the third: no total, and no centre, is another.
        let before = [(1, [5, 0]), (2, [5, 0]), (3, [5, 0]), (4, [5, 0])];
        let after = [(1, [4, 0]), (2, [6, 0]), (3, [6, 0]), (4, [4, 0])];
        assert_ne!(weigh(&before), weigh(&after));
        assert_ne!(weigh(&[(1, [1, 2])]), weigh(&[(1, [2, 1])]));
        assert_eq!(weigh(&[(7, [1, 2]), (7, [10, 20])]), weigh(&[(7, [11, 22])]));
        assert_eq!(weights.weigh(9, [3, 4]), weights.clone().weigh(9, [3, 4]));
    }
}

//! Shares: each of several choices gets the share of conversations that its weight is of all weights, and a conversation
//! keeps its choice while that is there (weighted rendezvous hashing).
//! Owns the arithmetic, in integers. No state: the choice is a function of the conversation and the choice, so that when one
//! is left out only its own conversations move, to the others by their weights, and come back with it.

/// Bits behind the point.
const POINT: u32 = 32;

/// The place of a choice for the conversation `seed`: the lowest goes first. Choices differ in `mark`. A weight of zero comes
/// behind every other.
///
/// The place is exponentially distributed with the weight as its rate, and the first of several such has each index with the
/// probability of its rate in the sum of rates.
pub(super) fn place(seed: u64, mark: u128, weight: u32) -> u128 {
    let wait = u128::from(wait(mixed(seed, mark)));
    match weight {
        0 => u128::MAX - u128::from(u64::MAX) + wait,
        weight => (wait << POINT) / u128::from(weight),
    }
}

/// `seed` and `mark` as one evenly distributed number (the finisher of SplitMix64, over each half).
fn mixed(seed: u64, mark: u128) -> u64 {
    let [low, high] = [mark & u128::from(u64::MAX), mark >> 64].map(|half| u64::try_from(half).unwrap_or_default());
    scatter(scatter(scatter(seed) ^ high) ^ low)
}

fn scatter(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// −log₂ of `number` ÷ 2⁶⁴, with [`POINT`] bits behind the point.
fn wait(number: u64) -> u64 {
    let number = number.max(1);
    let whole = number.leading_zeros();
    // Between one and two, with 63 bits behind the point.
    let mut mantissa = u128::from(number << whole);
    let mut fraction = 0_u64;
    for _ in 0..POINT {
        mantissa = (mantissa * mantissa) >> 63;
        let doubled = mantissa >> 64;
        mantissa >>= doubled;
        fraction = (fraction << 1) | u64::from(doubled != 0);
    }
    ((u64::from(whole) + 1) << POINT) - fraction
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "statistics, not money")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_wait_is_the_logarithm() {
        for number in [1, 2, 3, 1_000, u64::MAX / 3, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            let expected = 64.0 - (number as f64).log2();
            let found = wait(number) as f64 / 2_f64.powi(32);
            assert!((found - expected).abs() < 1e-6, "{number}: {found} is not {expected}");
        }
    }

    /// How often each of `weights` comes first in `rounds` conversations.
    fn first(weights: &[u32], rounds: u64, seed: u64) -> Vec<u64> {
        let mut counts = vec![0; weights.len()];
        for round in 0..rounds {
            let places =
                weights.iter().zip(1_u128..).map(|(weight, mark)| place(scatter(seed ^ round), mark << 70, *weight));
            counts[places.enumerate().min_by_key(|(_, place)| *place).unwrap().0] += 1;
        }
        counts
    }

    #[test]
    fn choices_get_their_shares() {
        const ROUNDS: u64 = 100_000;
        for (seed, weights) in [(1, vec![1, 1]), (2, vec![1, 2, 7]), (3, vec![100, 1]), (4, vec![3, 0, 5])] {
            let counts = first(&weights, ROUNDS, seed);
            let sum: u32 = weights.iter().sum();
            for (weight, count) in weights.iter().zip(&counts) {
                let share = f64::from(*weight) / f64::from(sum);
                let (mean, deviation) = (share * ROUNDS as f64, (share * (1.0 - share) * ROUNDS as f64).sqrt());
                let off = (*count as f64 - mean).abs();
                assert!(
                    off <= 4.0 * deviation,
                    "seed {seed}: {weights:?} gave {counts:?}, expected {mean} ± {deviation}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn who_is_left_out_moves_nobody_else(seed: u64, weights in proptest::collection::vec(0_u32..9, 2..6), out in 0_usize..6) {
            let order = |left_out: Option<usize>| {
                let mut order: Vec<_> = (0..weights.len()).filter(|index| Some(*index) != left_out).collect();
                order.sort_by_key(|index| place(seed, *index as u128, weights[*index]));
                order
            };
            let expected: Vec<_> = order(None).into_iter().filter(|index| *index != out).collect();
            prop_assert_eq!(order(Some(out)), expected);
        }

        #[test]
        fn nobody_without_weight_goes_before_somebody_with(seed: u64, one: u128, other: u128, weight in 1_u32..) {
            prop_assert!(place(seed, one, 0) > place(seed, other, weight));
        }
    }
}

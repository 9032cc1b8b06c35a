//! Money as the wire writes it, read into whole picodollars: the tests' own arithmetic, so that the gateway is not checked
//! with itself. Refuses floating point.

use std::iter::Sum;
use std::ops::{Add, Mul};

use serde_json::Value;

const DIGITS: usize = 12;

/// Whole picodollars (10⁻¹² US dollars).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Picos(pub i128);

impl Picos {
    /// Reads a decimal string such as `0.000012345`.
    ///
    /// # Panics
    /// If the text is no plain decimal with at most twelve digits after the point.
    pub fn parse(text: &str) -> Self {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        assert!(fraction.len() <= DIGITS, "{text:?} is finer than a picodollar");
        let plain = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        assert!(!whole.is_empty() && plain(whole) && plain(fraction), "{text:?} is no decimal amount");
        Self(sign * format!("{whole}{fraction:0<DIGITS$}").parse::<i128>().expect("digits only"))
    }

    /// Reads a JSON field that must be a decimal string.
    ///
    /// # Panics
    /// If it is anything else, a number included.
    pub fn of(value: &Value) -> Self {
        Self::parse(value.as_str().unwrap_or_else(|| panic!("{value} should be a decimal string")))
    }

    /// What `tokens` cost at `rate` dollars per million, in millionths of a picodollar: added up first, rounded once.
    pub fn millionths(rate: &str, tokens: u64) -> i128 {
        Self::parse(rate).0 * i128::from(tokens)
    }

    /// Rounds a sum of [`Picos::millionths`] half up.
    pub fn rounded(millionths: i128) -> Self {
        Self((millionths + 500_000).div_euclid(1_000_000))
    }
}

impl Add for Picos {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Mul<i128> for Picos {
    type Output = Self;

    fn mul(self, times: i128) -> Self {
        Self(self.0 * times)
    }
}

impl Sum for Picos {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(Picos::parse("25.00"), Picos(25_000_000_000_000));
        assert_eq!(Picos::parse("0.000012345"), Picos(12_345_000));
        assert_eq!(Picos::parse("-1"), Picos(-1_000_000_000_000));
    }

    #[test]
    fn a_bill_rounds_once() {
        let bill = Picos::millionths("0.15", 100) + Picos::millionths("0.60", 57) + Picos::millionths("0.075", 1_000);
        assert_eq!(Picos::rounded(bill), Picos::parse("0.0001242"));
    }

    #[test]
    #[should_panic(expected = "no decimal amount")]
    fn an_exponent_is_refused() {
        Picos::parse("1e-5");
    }
}

//! Money: whole picodollars (10⁻¹² US dollars), signed, 128 bits in memory and 64 in a row.
//! Owns the exact decimal text of dollars. Refuses floating point, rounding of what somebody typed, and silent overflow.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

const PICOS_PER_DOLLAR: i128 = 1_000_000_000_000;
const DECIMALS: usize = 12;
/// The largest amount text may name: a million million dollars, far above any budget and far below overflow.
const MAX_DOLLARS: i128 = 1_000_000_000_000;

/// An amount of money in picodollars. Text form: decimal dollars, exact, such as `0.000012345`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i128);

/// Why a text is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not `digits[.digits]`, with an optional leading minus.
    #[error("expected a decimal amount of dollars such as \"25.00\"")]
    Malformed,
    /// More than twelve decimals: finer than a picodollar.
    #[error("at most 12 decimals are possible")]
    TooFine,
    /// Beyond a million million dollars.
    #[error("the amount is too large")]
    TooLarge,
}

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// The smallest amount there is: a picodollar.
    pub const ONE: Self = Self(1);
    /// More than anybody has: the limit of what is not limited.
    pub const MAX: Self = Self(MAX_DOLLARS * PICOS_PER_DOLLAR);

    /// An amount from whole picodollars.
    pub const fn from_picos(picos: i128) -> Self {
        Self(picos)
    }

    /// The amount in whole picodollars.
    pub const fn picos(self) -> i128 {
        self.0
    }

    /// The amount as a row stores it; `None` beyond ±9.2 million dollars.
    pub fn to_row(self) -> Option<i64> {
        i64::try_from(self.0).ok()
    }

    /// The amount of a stored row, in picodollars.
    pub fn from_row(picos: i64) -> Self {
        Self(i128::from(picos))
    }

    /// This amount, or nothing where it is negative.
    pub fn at_least_zero(self) -> Self {
        Self(self.0.max(0))
    }

    /// Whether this is nothing.
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// Whether this is less than nothing.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Exact decimal dollars: `0`, `25.00`, `0.000012345` (two decimals at least, no needless zeros after them).
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0");
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let per_dollar = PICOS_PER_DOLLAR.unsigned_abs();
        let (mut decimals, mut width) = (magnitude % per_dollar, DECIMALS);
        while width > 2 && decimals % 10 == 0 {
            decimals /= 10;
            width -= 1;
        }
        write!(f, "{sign}{}.{decimals:0width$}", magnitude / per_dollar)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${self}")
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        if !all_digits(whole) || !all_digits(decimals) {
            return Err(MoneyError::Malformed);
        }
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > DECIMALS {
            return Err(MoneyError::TooFine);
        }
        let dollars: i128 = whole.parse().map_err(|_| MoneyError::TooLarge)?;
        if dollars > MAX_DOLLARS {
            return Err(MoneyError::TooLarge);
        }
        let picos: i128 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| MoneyError::Malformed)?;
        Ok(Self(sign * (dollars * PICOS_PER_DOLLAR + picos)))
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

super::ids::schema_of_text!(Money, r"^-?[0-9]+(\.[0-9]+)?$");

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_what_people_expect() {
        let shown = |picos| Money::from_picos(picos).to_string();
        assert_eq!(shown(0), "0");
        assert_eq!(shown(25_000_000_000_000), "25.00");
        assert_eq!(shown(12_345_000), "0.000012345");
        assert_eq!(shown(-1), "-0.000000000001");
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        for text in ["", ".", "1.", ".5", "1e3", "+1", "1_000", " 1", "NaN", "--1"] {
            assert_eq!(text.parse::<Money>(), Err(MoneyError::Malformed), "{text:?}");
        }
        assert_eq!("0.0000000000001".parse::<Money>(), Err(MoneyError::TooFine));
        assert_eq!("9999999999999".parse::<Money>(), Err(MoneyError::TooLarge));
    }

    proptest! {
        #[test]
        fn text_round_trips(picos in -1_000_000_000_000_000_000_000_000_i128..1_000_000_000_000_000_000_000_000) {
            let money = Money::from_picos(picos);
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        }
    }
}

//! Figures: what a subject used in some span of time, as lines add to it, as a row keeps it and as a page sums it.
//! Owns which line counts as what. Refuses overflow: sums are 128 bits wide, and a row takes 64 or nothing.

use std::iter::zip;
use std::ops::{Add, AddAssign, Neg};

use farthing_actors::domain::{CallStatus, Money, Provenance, Units, Usage};
use farthing_actors::ledger::entry::{Entry, Line};

/// How many figures a row has.
pub(in crate::store) const WIDTH: usize = 20;

/// Their columns, in the order of [`Figures::values`]: the classes are those of [`Usage::classes`].
pub(in crate::store) const COLUMNS: [&str; WIDTH] = [
    "requests",
    "errors",
    "refused",
    "estimated",
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
    "images",
    "audio_ms",
    "characters",
    "searches",
    "amount",
    "adjusted",
];

/// What was used. Sums of lines; a difference of two sums is one too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests, refused ones included.
    pub requests: i128,
    /// Those that failed: the provider answered an error or broke off, or Farthing died meanwhile.
    pub errors: i128,
    /// Those that Farthing refused.
    pub refused: i128,
    /// Those whose usage was estimated when they were booked.
    pub estimated: i128,
    /// What they consumed, attempts before the last one included, in the order of [`Usage::classes`].
    pub classes: [i128; 14],
    /// What they cost.
    pub cost: Money,
    /// What operators charged beside them; negative where they gave back.
    pub adjusted: Money,
}

impl Figures {
    /// What `line` adds. A correction says what is true instead of `before`, which was booked first.
    pub(in crate::store) fn of(line: &Line, before: &Usage) -> Self {
        match line {
            Line::Entry(entry) => Self::of_entry(entry, before),
            Line::Adjustment(adjustment) => Self { adjusted: adjustment.amount, ..Self::default() },
        }
    }

    fn of_entry(entry: &Entry, before: &Usage) -> Self {
        let (outcome, is_call) = (&entry.outcome, entry.kind.is_call());
        let one_if = |counts: bool| i128::from(is_call && counts);
        let failed = [CallStatus::UpstreamError, CallStatus::UpstreamCut, CallStatus::Interrupted];
        Self {
            requests: one_if(true),
            errors: one_if(failed.contains(&outcome.status)),
            refused: one_if(outcome.status == CallStatus::Refused),
            estimated: one_if(matches!(outcome.provenance, Provenance::Estimated(_))),
            classes: classes(&outcome.usage).add_each(classes(before).map(Neg::neg)),
            cost: entry.amount,
            adjusted: Money::ZERO,
        }
    }

    /// Every figure, in the order of [`COLUMNS`].
    pub(in crate::store) fn values(&self) -> [i128; WIDTH] {
        let mut values = [0; WIDTH];
        let counts = [self.requests, self.errors, self.refused, self.estimated];
        let money = [self.cost.picos(), self.adjusted.picos()];
        zip(&mut values, counts.into_iter().chain(self.classes).chain(money)).for_each(|(value, it)| *value = it);
        values
    }

    /// The figures of which these are the values.
    pub(in crate::store) fn from_values(values: [i128; WIDTH]) -> Self {
        let [requests, errors, refused, estimated, classes @ .., cost, adjusted] = values;
        let (cost, adjusted) = (Money::from_picos(cost), Money::from_picos(adjusted));
        Self { requests, errors, refused, estimated, classes, cost, adjusted }
    }

    /// What was consumed, in classes. (A sum of whole lines is never negative.)
    pub fn usage(&self) -> Usage {
        let counts = self.classes.map(|count| u64::try_from(count.max(0)).unwrap_or(u64::MAX));
        let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, units @ ..] = counts;
        let [audio_input, audio_output, image_input, image_output, images, audio_ms, characters, searches] = units;
        let units =
            Units { audio_input, audio_output, image_input, image_output, images, audio_ms, characters, searches };
        Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, units, ..Usage::default() }
    }

    /// Whether nothing happened.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Add for Figures {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            errors: self.errors.saturating_add(other.errors),
            refused: self.refused.saturating_add(other.refused),
            estimated: self.estimated.saturating_add(other.estimated),
            classes: self.classes.add_each(other.classes),
            cost: self.cost + other.cost,
            adjusted: self.adjusted + other.adjusted,
        }
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Figures {
    type Output = Self;
    fn neg(self) -> Self {
        Self::from_values(self.values().map(|value| value.saturating_neg()))
    }
}

/// Addition class by class.
trait AddEach {
    fn add_each(self, other: Self) -> Self;
}

impl<const N: usize> AddEach for [i128; N] {
    fn add_each(mut self, other: Self) -> Self {
        zip(&mut self, other).for_each(|(sum, it)| *sum = sum.saturating_add(it));
        self
    }
}

fn classes(usage: &Usage) -> [i128; 14] {
    usage.classes().map(|(_, count)| i128::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_classes_are_the_classes() {
        let names = Usage::default().classes().map(|(name, _)| name);
        assert_eq!(COLUMNS[4..18], names);
        let values = std::array::from_fn(|index| i128::try_from(index).unwrap() + 1);
        let figures = Figures::from_values(values);
        assert_eq!(figures.values(), values);
        assert_eq!(figures.usage().classes().map(|(_, count)| i128::from(count)), figures.classes);
        assert!((figures + -figures).is_nothing());
    }
}

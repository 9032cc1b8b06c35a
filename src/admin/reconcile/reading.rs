//! Reading: a provider's export as figures by day and model. Owns the layouts and exact amounts. Refuses floating point,
//! and a file that it does not understand in full.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use farthing_actors::domain::Money;

use super::gemini::{self, Elsewhere};
use super::{csv, json};
use crate::admin::books::Day;

/// How an export is written; docs/reconcile.md has each with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// OpenAI: usage or costs, JSON of the API or CSV of the dashboard.
    Openai,
    /// Anthropic: usage or cost report, JSON of the API or CSV of the console.
    Anthropic,
    /// Google: usage cost export of Cloud Billing, JSON or CSV, as far as it is about the Gemini API.
    Gemini,
    /// Our own table for everybody else.
    Csv,
}

/// Tokens in disjoint classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Of the prompt, not read from a cache.
    pub input: i64,
    /// Of the prompt, read from a cache.
    pub cached: i64,
    /// Generated.
    pub output: i64,
}

/// What one side says of one day and model. What it does not speak of is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The day.
    pub day: Day,
    /// The model.
    pub model: String,
    /// The tokens.
    pub tokens: Option<Tokens>,
    /// The dollars.
    pub cost: Option<Money>,
}

/// A whole export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The first day it covers.
    pub first: Day,
    /// The last.
    pub last: Day,
    /// Its figures, one for each day and model.
    pub figures: Vec<Figures>,
    /// What it says was charged for services that are not compared, by their names.
    pub elsewhere: Elsewhere,
}

impl Tokens {
    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let Self { input, cached, output } = other;
        Self {
            input: self.input.saturating_add(input),
            cached: self.cached.saturating_add(cached),
            output: self.output.saturating_add(output),
        }
    }

    /// The difference.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        let Self { input, cached, output } = other;
        Self {
            input: self.input.saturating_sub(input),
            cached: self.cached.saturating_sub(cached),
            output: self.output.saturating_sub(output),
        }
    }
}

impl Figures {
    /// Nothing, of a side that speaks of tokens and of dollars as `says` says.
    pub fn nothing(day: Day, model: &str, (tokens, cost): (bool, bool)) -> Self {
        let (tokens, cost) = (tokens.then(Tokens::default), cost.then_some(Money::ZERO));
        Self { day, model: model.to_owned(), tokens, cost }
    }

    /// Adds what is said. A sum of which one part is not known is not known.
    pub fn add(&mut self, tokens: Option<Tokens>, cost: Option<Money>) {
        self.tokens = self.tokens.zip(tokens).map(|(sum, more)| sum.plus(more));
        self.cost = self.cost.zip(cost).map(|(sum, more)| sum + more);
    }
}

/// The export as figures.
///
/// # Errors
/// What cannot be understood, to be read after the word `export`.
pub(super) fn read(layout: Layout, text: &str) -> Result<Statement, String> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let nowhere = |lines| (lines, Elsewhere::new());
    let ((days, figures), elsewhere) = match layout {
        Layout::Openai if text.starts_with('{') => nowhere(json::openai(text)?),
        Layout::Anthropic if text.starts_with('{') => nowhere(json::anthropic(text)?),
        Layout::Openai => nowhere(csv::openai(text)?),
        Layout::Anthropic => nowhere(csv::anthropic(text)?),
        Layout::Csv => nowhere(csv::generic(text)?),
        Layout::Gemini => gemini::read(text)?,
    };
    let (first, last) = days.iter().min().zip(days.iter().max()).ok_or("has no days")?;
    let mut sums: BTreeMap<(Day, String), Figures> = BTreeMap::new();
    for line in figures {
        match sums.entry((line.day, line.model.clone())) {
            Entry::Vacant(place) => drop(place.insert(line)),
            Entry::Occupied(mut sum) => sum.get_mut().add(line.tokens, line.cost),
        }
    }
    Ok(Statement { first: *first, last: *last, figures: sums.into_values().collect(), elsewhere })
}

/// The days an export covers, and its lines.
pub(super) type Lines = (Vec<Day>, Vec<Figures>);

/// A decimal, perhaps with an exponent, times ten to the `shift`, as exact dollars; finer than a picodollar it is
/// rounded half up.
pub(super) fn dollars(text: &str, shift: i32) -> Result<Money, String> {
    let odd = || format!("has {text:?} where an amount should be");
    let plain = text.trim();
    let (mantissa, exponent) = plain.split_once(['e', 'E']).unwrap_or((plain, "0"));
    let exponent: i32 = exponent.parse().map_err(|_| odd())?;
    let (negative, digits) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all: String = [whole, decimals].concat();
    let sound = !all.is_empty() && all.len() <= 60 && all.bytes().all(|byte| byte.is_ascii_digit());
    let scale = i32::try_from(decimals.len()).ok().filter(|_| sound && exponent.abs() <= 60).ok_or_else(odd)?;
    // Whole picodollars have twelve places.
    let places = 12 + exponent + shift - scale;
    let picos = if places >= 0 {
        let zeros = "0".repeat(usize::try_from(places).unwrap_or(0));
        all.trim_start_matches('0').to_owned() + &zeros
    } else {
        all.trim_start_matches('0').to_owned()
    };
    let value: i128 = if picos.is_empty() { 0 } else { picos.parse().map_err(|_| odd())? };
    let divisor = u32::try_from(-places).ok().map_or(Some(1), |places| 10_i128.checked_pow(places));
    let rounded = divisor.map_or(0, |divisor| value.saturating_add(divisor / 2) / divisor);
    Ok(Money::from_picos(if negative { -rounded } else { rounded }))
}

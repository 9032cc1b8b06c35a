//! Usage as providers report it, whatever the dialect.
//! Owns the three things an answer can say of it, and which figures are possible. Refuses to repair: impossible figures
//! are reported as such and the caller estimates.

use farthing_actors::domain::Usage;

use super::members::Member;

/// More tokens than any request can have; beyond it a figure is a fault of the provider.
const ABSURD: u64 = 100_000_000;

/// What a provider's answer says about its usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nothing, or `null`.
    Absent,
    /// Figures that cannot be true, with the reason.
    Insane(&'static str),
    /// Figures, an explicit zero included.
    Figures(Usage),
}

/// A figure as tokens; `None` where it is absent.
pub(super) fn count(figure: Option<Member<'_>>) -> Result<Option<u64>, &'static str> {
    let Some(figure) = figure else { return Ok(None) };
    match figure.whole() {
        Some(tokens) if tokens <= ABSURD => Ok(Some(tokens)),
        Some(_) => Err("a figure is above 100 million tokens"),
        None => Err("a figure is not a whole number of tokens"),
    }
}

/// The figures inside an object of details, in the order of their `names`.
pub(super) fn details<const N: usize>(
    object: Option<Member<'_>>,
    names: &[&'static str; N],
) -> Result<[Option<u64>; N], &'static str> {
    let mut counts = [None; N];
    let Some(object) = object else { return Ok(counts) };
    let figures = object.members(names).filter(|object| object.duplicate.is_none());
    let figures = figures.ok_or("the details of a figure are not an object")?;
    for (slot, figure) in counts.iter_mut().zip(figures.present()) {
        *slot = count(figure)?;
    }
    Ok(counts)
}

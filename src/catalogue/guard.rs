//! The guard: which changes of a price no list may make alone. Owns the bound. Refuses to decide: an operator does.

use farthing_actors::domain::{Price, Rate};

/// A rate that moves further than this, up or down, is more likely a slip of the list than a new price.
const BOUND: i128 = 10;

/// A rate that moved too far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leap {
    /// The class of tokens.
    pub class: &'static str,
    /// The length of the prompt from which the rate holds.
    pub above_input_tokens: u64,
    /// What it was.
    pub from: Rate,
    /// What the list says now.
    pub to: Rate,
}

/// The first rate that would leap, if any does. Every class is compared at every length of prompt at which either price
/// begins another tier, so that a rate that appears is compared with the one it replaces.
pub fn leap(from: &Price, to: &Price) -> Option<Leap> {
    let tiers = from.context_tiers.iter().chain(&to.context_tiers);
    let lengths = tiers.map(|tier| tier.above_input_tokens).chain([0]);
    lengths.into_iter().find_map(|above| {
        let (old, new) = (from.named_rates(above.saturating_add(1)), to.named_rates(above.saturating_add(1)));
        let mut pairs = old.into_iter().zip(new);
        pairs.find_map(|((class, from), (_, to))| {
            is_leap(from, to).then_some(Leap { class, above_input_tokens: above, from, to })
        })
    })
}

/// From or to nothing is always a leap: no factor leads there.
fn is_leap(from: Rate, to: Rate) -> bool {
    let (from, to) = (i128::from(from.to_row()), i128::from(to.to_row()));
    from > to * BOUND || to > from * BOUND
}

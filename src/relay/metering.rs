//! Metering: the usage of a call that is billed by something else than what its answer reports.
//! Owns how a report and an estimate are put together, so that nothing a model has a price for is free because the
//! provider was silent about it. Refuses to price: it only asks the price whether a class matters.

use farthing_actors::domain::{EstimateReason, Price, Provenance, Units, Usage};

use super::estimate::Estimate;
use super::settlement::{consumed, unreported};
use crate::dialect::{Reading, Seen, plain::sound};

/// The usage of sound that was listened to: as reported where that has everything the price charges, else with the
/// length of the sound, and its tokens where they are charged.
pub(super) fn heard(reading: Reading, estimate: &Estimate, seen: Seen, price: Option<&Price>) -> (Usage, Provenance) {
    let told = match reading {
        Reading::Figures(usage) => Some(usage),
        Reading::Insane(_) => return consumed(reading, estimate, bounded(seen, estimate), EstimateReason::Missing),
        Reading::Absent | Reading::Pictures(_) => None,
    };
    let reported = told.unwrap_or_default();
    let timed = with_time(reported, estimate);
    let full = if timed.total() == 0 { with_tokens(timed, estimate, seen) } else { timed };
    let cost = |usage: &Usage| price.map(|price| price.cost(usage));
    if told.is_some() && cost(&full) == cost(&reported) {
        return (reported, Provenance::Provider);
    }
    let certain = estimate.units.audio_ms == estimate.likely.audio_ms;
    match cost(&full) == cost(&timed) {
        true if certain => (timed, Provenance::Counted),
        true => (timed, Provenance::Estimated(EstimateReason::Missing)),
        false => (full, Provenance::Estimated(EstimateReason::Missing)),
    }
}

/// The usage of a text that was read aloud: its characters are counted; the sound, which no answer reports, is estimated
/// where the model has a price for it or for tokens.
pub(super) fn read_aloud(estimate: &Estimate, price: Option<&Price>) -> (Usage, Provenance) {
    let units = Units { characters: estimate.likely.characters, ..Units::NONE };
    let counted = Usage { units, ..Usage::default() };
    let likely = unreported(estimate, Seen::default());
    match price {
        Some(price) if price.cost(&likely) != price.cost(&counted) => {
            (likely, Provenance::Estimated(EstimateReason::Missing))
        }
        _ => (counted, Provenance::Counted),
    }
}

/// The same, and how long the sound likely is where nobody said.
fn with_time(usage: Usage, estimate: &Estimate) -> Usage {
    let audio_ms = if usage.units.audio_ms == 0 { estimate.likely.audio_ms } else { usage.units.audio_ms };
    Usage { units: Units { audio_ms, ..usage.units }, ..usage }
}

/// The same, and what its sound, its prompt and its answer likely are in tokens.
fn with_tokens(usage: Usage, estimate: &Estimate, seen: Seen) -> Usage {
    let units = sound::heard(usage.units.audio_ms);
    Usage { units, ..unreported(estimate, bounded(seen, estimate)) }
}

/// The size of an answer says less about its text than the length of the sound, where it is full of timestamps.
fn bounded(seen: Seen, estimate: &Estimate) -> Seen {
    Seen { text_bytes: seen.text_bytes.min(estimate.output_cap.saturating_mul(4)), ..seen }
}

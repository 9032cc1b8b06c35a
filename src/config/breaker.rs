//! The settings of circuits: from when on a deployment is left alone, and what is asked of it before it is called again.
//! Owns their bounds. Refuses figures by deployment: one rule that people know is worth more than many that fit.

use std::time::Duration;

use farthing_actors::breakers::Figures;

use super::draft::Draft;
use super::setting::Setting;

const FAILURES: Setting = Setting {
    key: "breaker.failures",
    default: "3",
    example: "3",
    unit: "failures",
    note: "How many counted failures in a row open a deployment's circuit, 1 to 100. See docs/attempts.md.",
};
const WINDOW: Setting = Setting {
    key: "breaker.window_seconds",
    default: "60",
    example: "60",
    unit: "seconds",
    note: "For how long calls count towards the half of at least 20 that failed and open it, too; 10 to 600, to five seconds.",
};
const OPEN: Setting = Setting {
    key: "breaker.open_seconds",
    default: "30",
    example: "30",
    unit: "seconds",
    note: "How long an open circuit lets nothing through, 1 to 3600.",
};
const TRIALS: Setting = Setting {
    key: "breaker.trials",
    default: "5",
    example: "5",
    unit: "calls",
    note: "How many trials are let through then, all of which must succeed, 1 to 100.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&FAILURES, &WINDOW, &OPEN, &TRIALS];

/// What circuits go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BreakerConfig(pub Figures);

impl BreakerConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        let usual = Figures::default();
        let mut count = |setting, usual| {
            draft.take(setting, usual, |given| {
                given.number(1..=100).map(|number| u32::try_from(number).unwrap_or(usual))
            })
        };
        let (in_a_row, trials) = (count(&FAILURES, usual.in_a_row), count(&TRIALS, usual.trials));
        let mut seconds =
            |setting, usual, bounds| draft.take(setting, usual, |given| given.number(bounds).map(Duration::from_secs));
        let window = seconds(&WINDOW, usual.window, 10..=600);
        Self(Figures { in_a_row, window, open_for: seconds(&OPEN, usual.open_for, 1..=3_600), trials })
    }
}

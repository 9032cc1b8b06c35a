//! The figures of a circuit: from when on it opens, for how long, and what closes it again. Owns their usual values.
//! Refuses to judge others: whoever gives them has.

use std::time::Duration;

/// What every circuit goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// This many counted failures without a success between them open it.
    pub in_a_row: u32,
    /// For how long outcomes count towards a share of failures; whole slots of five seconds.
    pub window: Duration,
    /// How long an open one lets nothing through.
    pub open_for: Duration,
    /// This many trials, and no fewer, must succeed.
    pub trials: u32,
}

impl Default for Figures {
    fn default() -> Self {
        Self { in_a_row: 3, window: Duration::from_secs(60), open_for: Duration::from_secs(30), trials: 5 }
    }
}

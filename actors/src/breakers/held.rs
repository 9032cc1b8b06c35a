//! What is held against a provider as a whole: an operator's hand on all of its circuits, and a key that it refuses. Pure.
//! Owns for how long a refused key is out of its turn. Refuses clocks: every step is told the time.

use std::time::Duration;

use super::report::Control;

/// How long a refused key is tried last after each refusal; then one call in its turn finds out.
const OUT_OF_TURN: Duration = Duration::from_secs(60);

/// What is held against one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) control: Control,
    /// When an operator last decided.
    pub(super) since: Duration,
    pub(super) refusal: Option<Refusal>,
}

/// A provider's refusal of our key. It is no failure: others are called as before, and this one where there is no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) since: Duration,
    /// Until when others have their turn first.
    pub(super) until: Duration,
}

impl Held {
    /// Nothing.
    pub(super) fn nothing(now: Duration) -> Self {
        Self { control: Control::Automatic, since: now, refusal: None }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.control == Control::Automatic && self.refusal.is_none()
    }

    /// An operator decides. Whether that is anything new.
    pub(super) fn force(&mut self, control: Control, now: Duration) -> bool {
        let is_new = self.control != control;
        if is_new {
            (self.control, self.since) = (control, now);
        }
        is_new
    }

    /// The key was refused. Whether nobody knew.
    pub(super) fn refused(&mut self, status: u16, now: Duration) -> bool {
        let known = self.refusal;
        let since = known.map_or(now, |known| known.since);
        self.refusal = Some(Refusal { status, since, until: now.saturating_add(OUT_OF_TURN) });
        known.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_news_once_and_out_of_its_turn_for_a_minute_after_each_refusal() {
        let second = Duration::from_secs;
        let mut held = Held::nothing(second(5));
        assert!(held.refused(401, second(10)));
        assert!(!held.refused(403, second(60)), "it was known");
        let refusal = held.refusal.unwrap();
        assert_eq!((refusal.status, refusal.since, refusal.until), (403, second(10), second(120)));
        assert!(!held.is_nothing());
    }

    #[test]
    fn the_same_decision_twice_is_one() {
        let mut held = Held::nothing(Duration::ZERO);
        assert!(!held.force(Control::Automatic, Duration::from_secs(1)));
        assert!(held.force(Control::ForcedOpen, Duration::from_secs(2)));
        assert!(!held.force(Control::ForcedOpen, Duration::from_secs(3)));
        assert_eq!(held.since, Duration::from_secs(2));
    }
}

//! What is held against a provider as a whole: an operator's hand on all of its circuits, and a key that it refuses. Pure.
//! Owns when a refusal is the key's, for how long that is out of its turn, and how often it is told. Refuses clocks: every step
//! is told the time.

use std::collections::HashMap;
use std::time::Duration;

use super::report::Control;
use crate::domain::ProviderId;

/// How long a refused key is tried last after each refusal; then calls in its turn find out.
const OUT_OF_TURN: Duration = Duration::from_secs(60);
/// How often it is told at most that a provider refuses its key: one may refuse now and then.
const TOLD_EVERY: Duration = Duration::from_secs(600);
/// What some providers also answer to words that they do not like.
const FORBIDDEN: u16 = 403;
/// So many of those in a row are about the key.
const MOST_FORBIDDEN: u32 = 3;

/// What is held against one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) control: Control,
    /// When an operator last decided.
    pub(super) since: Duration,
    pub(super) refusal: Option<Refusal>,
    /// Answers 403 without a success between.
    forbidden: u32,
    told_at: Option<Duration>,
}

/// A provider's refusal of our key. It is no failure: others are called as before, and this one where there is no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) since: Duration,
    /// Until when others have their turn first.
    pub(super) until: Duration,
    is_told: bool,
}

/// Who decides about a provider's circuits.
pub(super) fn control(providers: &HashMap<ProviderId, Held>, provider: ProviderId) -> Control {
    providers.get(&provider).map_or(Control::Automatic, |held| held.control)
}

impl Held {
    /// Nothing.
    pub(super) fn nothing(now: Duration) -> Self {
        Self { control: Control::Automatic, since: now, refusal: None, forbidden: 0, told_at: None }
    }

    /// Whether forgetting it changes nothing.
    pub(super) fn is_nothing(&self, now: Duration) -> bool {
        self.control == Control::Automatic && self.takes_the_key() && !self.was_told(now)
    }

    /// Whether no answer speaks against the key.
    pub(super) fn takes_the_key(&self) -> bool {
        self.refusal.is_none() && self.forbidden == 0
    }

    /// An operator decides.
    pub(super) fn force(&mut self, control: Control, now: Duration) {
        (self.control, self.since) = (control, now);
    }

    /// The provider answered `status` to the key. Whether that is to be told.
    pub(super) fn refused(&mut self, status: u16, now: Duration) -> bool {
        self.forbidden += u32::from(status == FORBIDDEN);
        if self.refusal.is_none() && status == FORBIDDEN && self.forbidden < MOST_FORBIDDEN {
            return false;
        }
        let is_news = self.refusal.is_none() && !self.was_told(now);
        if is_news {
            self.told_at = Some(now);
        }
        let (since, is_told) = self.refusal.map_or((now, is_news), |known| (known.since, known.is_told));
        self.refusal = Some(Refusal { status, since, until: now.saturating_add(OUT_OF_TURN), is_told });
        is_news
    }

    /// The provider took the key, or has another. Whether that is to be told.
    pub(super) fn taken(&mut self) -> bool {
        self.forbidden = 0;
        self.refusal.take().is_some_and(|refusal| refusal.is_told)
    }

    fn was_told(&self, now: Duration) -> bool {
        self.told_at.is_some_and(|at| now.saturating_sub(at) < TOLD_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn a_refused_key_is_news_once_and_out_of_its_turn_for_a_minute_after_each_refusal() {
        let mut held = Held::nothing(second(5));
        assert!(held.refused(401, second(10)));
        assert!(!held.refused(403, second(60)), "it was known");
        let refusal = held.refusal.unwrap();
        assert_eq!((refusal.status, refusal.since, refusal.until), (403, second(10), second(120)));
        assert!(held.taken() && !held.taken());
    }

    #[test]
    fn whoever_refuses_now_and_then_is_told_of_every_ten_minutes() {
        let mut held = Held::nothing(Duration::ZERO);
        let told = (0..1_200).filter(|at| {
            let told = held.refused(401, second(*at));
            assert_eq!(held.taken(), told, "whoever was told hears of the end");
            told
        });
        assert_eq!(told.collect::<Vec<_>>(), [0, 600]);
        assert!(!held.is_nothing(second(1_199)) && held.is_nothing(second(1_200)));
    }

    #[test]
    fn words_that_a_provider_does_not_like_are_not_the_keys_fault() {
        let mut held = Held::nothing(Duration::ZERO);
        for _ in 0..100 {
            assert!(!held.refused(403, second(1)) && !held.refused(403, second(1)) && held.refusal.is_none());
            assert!(!held.takes_the_key() && !held.taken() && held.takes_the_key());
        }
        assert_eq!([1, 2, 3].map(|at| held.refused(403, second(at))), [false, false, true]);
    }
}

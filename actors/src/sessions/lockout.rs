//! Lockout: how often somebody may guess a password. Pure.
//! Owns the failures of a day and the two rules: after five from one network, that network waits, longer each time; and an
//! account has at most a hundred an hour, of which strangers' networks have eighty, so that no number of strangers keeps out
//! the person from where they have signed in before. Refuses to touch running sessions.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use crate::domain::clock::{DAY, HOUR};
use crate::domain::{Timestamp, UserId};

/// Failures of one network that cost nothing.
const FREE: usize = 5;
/// The longest a network waits.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Guesses an hour that reach the hash, for one account.
const PER_HOUR: usize = 100;
/// Those of them that networks have from which nobody ever signed in to it.
const FOR_STRANGERS: usize = 80;
/// How long a failure counts.
pub(super) const REMEMBERED: Duration = DAY;
/// How long a network stays familiar after the last sign-in from it.
pub(super) const FAMILIAR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A guess that was not taken back by a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Of which account.
    pub user: UserId,
    /// From which network.
    pub network: IpAddr,
    /// Whether they had signed in from there before.
    pub familiar: bool,
    /// When.
    pub at: Timestamp,
}

/// Whether a password is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is, and counts as a failure until a sign-in takes it back.
    Look,
    /// It is not, for so long.
    Wait(Duration),
}

/// Failures by account. At most a day of a hundred an hour each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lockout(BTreeMap<UserId, Vec<Failure>>);

impl Lockout {
    /// Whether one more guess is looked at.
    pub fn verdict(&self, guess: &Failure) -> Verdict {
        let failures = self.of(guess.user);
        let wait = network_wait(failures, guess).max(hourly_wait(failures, guess));
        if wait.is_zero() { Verdict::Look } else { Verdict::Wait(wait) }
    }

    /// Whether a stranger would have to wait.
    pub fn is_locked(&self, user: UserId, now: Timestamp) -> bool {
        let waits = |failure: &Failure| self.verdict(&Failure { at: now, ..*failure }) != Verdict::Look;
        self.of(user).iter().any(waits)
    }

    pub(super) fn add(&mut self, failure: Failure) {
        let failures = self.0.entry(failure.user).or_default();
        failures.retain(|other| failure.at.millis_since(other.at) < millis(REMEMBERED));
        failures.push(failure);
    }

    /// Takes back what came from `network`, or all there is.
    pub(super) fn forgive(&mut self, user: UserId, network: Option<IpAddr>) {
        if let Some(failures) = self.0.get_mut(&user) {
            failures.retain(|failure| network.is_some_and(|network| failure.network != network));
        }
        self.0.retain(|_, failures| !failures.is_empty());
    }

    pub(super) fn forget_before(&mut self, moment: Timestamp) {
        self.0.values_mut().for_each(|failures| failures.retain(|failure| failure.at >= moment));
        self.0.retain(|_, failures| !failures.is_empty());
    }

    fn of(&self, user: UserId) -> &[Failure] {
        self.0.get(&user).map(Vec::as_slice).unwrap_or_default()
    }
}

/// How long the network waits: a second after the fifth failure, then twice as long each time.
fn network_wait(failures: &[Failure], guess: &Failure) -> Duration {
    let own = || failures.iter().filter(|failure| failure.network == guess.network);
    let beyond = own().count().checked_sub(FREE);
    let (Some(beyond), Some(last)) = (beyond, own().map(|failure| failure.at).max()) else { return Duration::ZERO };
    let doubled = 1_u64.checked_shl(u32::try_from(beyond).unwrap_or(u32::MAX)).unwrap_or(u64::MAX);
    Duration::from_secs(doubled).min(LONGEST).saturating_sub(Duration::from_millis(guess.at.millis_since(last)))
}

/// How long until the account's hour has room for one more.
fn hourly_wait(failures: &[Failure], guess: &Failure) -> Duration {
    let recent = || failures.iter().filter(|failure| guess.at.millis_since(failure.at) < millis(HOUR));
    let (all, strange) = (recent().count(), recent().filter(|failure| !failure.familiar).count());
    let full = all >= PER_HOUR || (!guess.familiar && strange >= FOR_STRANGERS);
    let oldest = recent().filter(|failure| all >= PER_HOUR || !failure.familiar).map(|failure| failure.at).min();
    let waited = oldest.map_or(HOUR, |oldest| Duration::from_millis(guess.at.millis_since(oldest)));
    if full { HOUR.saturating_sub(waited).max(Duration::from_millis(1)) } else { Duration::ZERO }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USER: UserId = UserId::from_u128(1);

    fn guess(network: u8, familiar: bool, seconds: i64) -> Failure {
        Failure { user: USER, network: IpAddr::from([10, 0, network, 0]), familiar, at: Timestamp(seconds * 1_000) }
    }

    /// Tries once, as the actor does.
    fn try_once(lockout: &mut Lockout, guess: Failure) -> bool {
        let looked = lockout.verdict(&guess) == Verdict::Look;
        if looked {
            lockout.add(guess);
        }
        looked
    }

    #[test]
    fn after_five_a_network_waits_a_second_then_twice_as_long_to_a_quarter_of_an_hour() {
        let mut lockout = Lockout::default();
        let mut now = 1_000_000;
        let mut waits = Vec::new();
        for _ in 0..18 {
            let wait = match lockout.verdict(&guess(1, false, now)) {
                Verdict::Look => 0,
                Verdict::Wait(wait) => i64::try_from(wait.as_secs()).unwrap(),
            };
            waits.push(wait);
            now += wait;
            assert!(try_once(&mut lockout, guess(1, false, now)));
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert!(lockout.is_locked(USER, Timestamp(now * 1_000)));
        assert!(try_once(&mut lockout, guess(2, false, now)), "other networks are not kept out");
        lockout.forgive(USER, Some(guess(1, false, 0).network));
        assert!(try_once(&mut lockout, guess(1, false, now)), "a sign-in takes them back");
    }

    #[test]
    fn strangers_cannot_keep_out_the_person_from_a_familiar_network() {
        let mut lockout = Lockout::default();
        let looked = (0..10_000_i64).filter(|count| {
            try_once(&mut lockout, guess(u8::try_from(count % 250).unwrap(), false, 1_000 + count / 10))
        });
        assert_eq!(looked.count(), FOR_STRANGERS);
        for count in 0..5 {
            assert!(try_once(&mut lockout, guess(251, true, 2_000 + count)));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        // Whoever guesses, from wherever, however fast: a hundred an hour.
        #[test]
        fn no_hour_has_more_than_a_hundred(
            guesses in prop::collection::vec((0_u8..40, any::<bool>(), 0_i64..30), 1..500)
        ) {
            let (mut lockout, mut now, mut looked) = (Lockout::default(), 1_000_000, Vec::new());
            for (network, familiar, pause) in guesses {
                now += pause;
                if try_once(&mut lockout, guess(network, familiar, now)) {
                    looked.push(now);
                }
            }
            for start in &looked {
                let within = looked.iter().filter(|at| (*start..start + 3_600).contains(*at)).count();
                prop_assert!(within <= PER_HOUR, "{within} in the hour from {start}");
            }
        }
    }
}

//! Habits: where a key is used from, with which programs and how much, and what is unlike that. Pure.
//! Owns what counts as odd. Refuses to stop anything: an oddity is told, the call has been served.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::Timestamp;

/// The most networks and programs that are remembered of a key; the one that was seen longest ago makes room.
const MOST: usize = 64;
/// A key that is younger has no habits yet.
const SETTLING: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: i64 = 60_000;
/// Fewer calls in a minute are not sudden, whatever is usual.
const FEW: u64 = 120;
/// How many times the usual is sudden.
const TIMES: u64 = 10;
/// Over how many minutes what is usual is learnt, and for how many it must have been.
const LEARNT_OVER: u64 = 60;
/// How long a sudden rate is not told again.
const QUIET: Duration = Duration::from_secs(60 * 60);

/// Calls of one key from one network with one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The network: a /24, or a /48 of IPv6.
    pub network: Arc<str>,
    /// The program, by its own word.
    pub agent: Arc<str>,
    /// How many.
    pub calls: u64,
}

/// What is unlike a key's habits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// It was never used from there.
    Network(Arc<str>),
    /// It was never used with this.
    Agent(Arc<str>),
    /// It is used much more than usual, in calls a minute.
    Rate {
        /// This minute, so far.
        calls: u64,
        /// Usually.
        usual: u64,
    },
}

impl Oddity {
    /// Its name, for the audit trail.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Network(_) => "new_network",
            Self::Agent(_) => "new_agent",
            Self::Rate { .. } => "sudden_rate",
        }
    }
}

/// What is known of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Habits {
    networks: BTreeMap<Arc<str>, Timestamp>,
    agents: BTreeMap<Arc<str>, Timestamp>,
    /// Thousandths of calls a minute.
    usual: u64,
    minutes: u64,
    minute: i64,
    calls: u64,
    told: Option<Timestamp>,
}

impl Habits {
    /// Remembers a network and a program of the past.
    pub fn recall(&mut self, network: Arc<str>, agent: Arc<str>, at: Timestamp) {
        remember(&mut self.networks, network, at);
        remember(&mut self.agents, agent, at);
    }

    /// Learns one use of a key that was made at `made`, and says what was odd about it.
    pub fn learn(&mut self, seen: &Use, made: Timestamp, now: Timestamp) -> Vec<Oddity> {
        let settled = made.plus(SETTLING) <= now;
        // The first use of all is nothing to compare with.
        let compared = settled && !self.networks.is_empty();
        let mut odd = Vec::new();
        if remember(&mut self.networks, Arc::clone(&seen.network), now) && compared {
            odd.push(Oddity::Network(Arc::clone(&seen.network)));
        }
        if remember(&mut self.agents, Arc::clone(&seen.agent), now) && compared {
            odd.push(Oddity::Agent(Arc::clone(&seen.agent)));
        }
        odd.extend(self.count(seen.calls, now).filter(|_| settled));
        odd
    }

    fn count(&mut self, calls: u64, now: Timestamp) -> Option<Oddity> {
        self.pass_to(now.0.div_euclid(MINUTE));
        self.calls = self.calls.saturating_add(calls);
        let sudden = self.calls >= FEW && self.calls.saturating_mul(1_000) > self.usual.saturating_mul(TIMES);
        let quiet = self.told.is_some_and(|told| now < told.plus(QUIET));
        if !sudden || quiet || self.minutes < LEARNT_OVER {
            return None;
        }
        self.told = Some(now);
        Some(Oddity::Rate { calls: self.calls, usual: self.usual / 1_000 })
    }

    /// Learns from the minute that is over, and from those without a call since.
    fn pass_to(&mut self, minute: i64) {
        if self.minutes == 0 && self.calls == 0 {
            self.minute = minute;
        }
        let passed = u64::try_from(minute.saturating_sub(self.minute)).unwrap_or(0);
        if passed == 0 {
            return;
        }
        self.learn_minute(self.calls);
        // A day without calls leaves nothing of what was usual.
        (1..passed.min(1_440)).for_each(|_| self.learn_minute(0));
        self.minutes = self.minutes.saturating_add(passed);
        (self.minute, self.calls) = (minute, 0);
    }

    fn learn_minute(&mut self, calls: u64) {
        let kept = self.usual.saturating_sub(self.usual.div_ceil(LEARNT_OVER));
        self.usual = kept.saturating_add(calls.saturating_mul(1_000) / LEARNT_OVER);
    }
}

/// Whether it is new.
fn remember(known: &mut BTreeMap<Arc<str>, Timestamp>, what: Arc<str>, at: Timestamp) -> bool {
    if let Some(last) = known.get_mut(&what) {
        *last = at.max(*last);
        return false;
    }
    if known.len() >= MOST
        && let Some(oldest) = known.iter().min_by_key(|(_, at)| **at).map(|(what, _)| Arc::clone(what))
    {
        known.remove(&oldest);
    }
    known.insert(what, at);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 24 * 60 * MINUTE;

    fn used(network: &str, agent: &str, calls: u64) -> Use {
        Use { network: network.into(), agent: agent.into(), calls }
    }

    #[test]
    fn what_is_new_is_odd_for_a_key_that_is_older_than_a_day() {
        let (mut habits, made) = (Habits::default(), Timestamp(0));
        assert_eq!(habits.learn(&used("a", "x", 1), made, Timestamp(1)), []);
        assert_eq!(habits.learn(&used("b", "y", 1), made, Timestamp(DAY - 1)), [], "it is settling");
        assert_eq!(habits.learn(&used("c", "x", 1), made, Timestamp(DAY)), [Oddity::Network("c".into())]);
        assert_eq!(habits.learn(&used("c", "z", 1), made, Timestamp(DAY + 1)), [Oddity::Agent("z".into())]);
        assert_eq!(habits.learn(&used("a", "z", 1), made, Timestamp(2 * DAY)), []);
        let mut fresh = Habits::default();
        assert_eq!(fresh.learn(&used("a", "x", 1), made, Timestamp(9 * DAY)), [], "the first use of all");
        let mut recalled = Habits::default();
        recalled.recall("a".into(), "x".into(), Timestamp(1));
        assert_eq!(recalled.learn(&used("a", "y", 1), made, Timestamp(9 * DAY)), [Oddity::Agent("y".into())]);
    }

    #[test]
    fn a_sudden_rate_is_told_once_an_hour_and_a_grown_one_becomes_usual() {
        let (mut habits, made) = (Habits::default(), Timestamp(-2 * DAY));
        let at = |minute: i64| Timestamp(minute * MINUTE);
        for minute in 0..200 {
            assert_eq!(habits.learn(&used("a", "x", 30), made, at(minute)), [], "{minute}");
        }
        assert_eq!(habits.learn(&used("a", "x", 200), made, at(200)), [], "six times is a busy minute");
        let odd = habits.learn(&used("a", "x", 400), made, at(201));
        assert!(matches!(odd.as_slice(), [Oddity::Rate { calls: 400, usual: 20..=40 }]), "{odd:?}");
        assert_eq!(habits.learn(&used("a", "x", 4_000), made, at(202)), [], "it was told");
        for minute in 203..600 {
            habits.learn(&used("a", "x", 400), made, at(minute));
        }
        assert_eq!(habits.learn(&used("a", "x", 450), made, at(600)), [], "it is usual now");
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_no_use_panics(uses in proptest::collection::vec((0_u16..500, 0_u64..u64::MAX, 0_i64..9_000_000_000), 0..300)) {
            let mut habits = Habits::default();
            for (name, calls, at) in uses {
                habits.learn(&used(&name.to_string(), &(name % 7).to_string(), calls), Timestamp(0), Timestamp(at));
                prop_assert!(habits.networks.len() <= MOST && habits.agents.len() <= MOST);
            }
        }
    }
}

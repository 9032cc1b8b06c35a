//! Refusals that repeat: the first is told at once, the others of its minute by number. Pure.
//! Owns what counts as the same. Refuses to hold more than a bounded number: beyond it each is told by itself.

use core::net::IpAddr;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Effect, Event, Timestamp};

/// How long refusals of one kind are one.
const TOGETHER: Duration = Duration::from_secs(60);
/// Kinds that are counted at a time.
const MAX_KINDS: usize = 4_096;

/// Refusals that were told, and how many more came since.
#[derive(Debug, Default)]
pub(super) struct Repeats(HashMap<Kind, Counted>);

/// Whoever is refused the same thing from the same place.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind {
    action: Arc<str>,
    actor: Arc<str>,
    client_ip: Option<IpAddr>,
    reason: Option<Arc<str>>,
}

#[derive(Debug)]
struct Counted {
    since: Timestamp,
    /// The latest one, and how many it stands for.
    last: Option<(Event, u64)>,
}

impl Repeats {
    /// The event, if it is to be told now.
    pub(super) fn first(&mut self, event: Event) -> Option<Event> {
        if event.result != Effect::Refused {
            return Some(event);
        }
        let full = self.0.len() >= MAX_KINDS;
        let now = event.author.at;
        match self.0.entry(Kind::of(&event)) {
            Entry::Occupied(mut known) => {
                let count = known.get().last.as_ref().map_or(0, |(_, count)| *count);
                known.get_mut().last = Some((event, count.saturating_add(1)));
                None
            }
            Entry::Vacant(_) if full => Some(event),
            Entry::Vacant(free) => {
                free.insert(Counted { since: now, last: None });
                Some(event)
            }
        }
    }

    /// What repeated in minutes that are over at `now`. One that begins after `now`, because the clock went back, is over too.
    pub(super) fn over(&mut self, now: Timestamp) -> Vec<Event> {
        let is_over = |counted: &Counted| now < counted.since || now >= counted.since.plus(TOGETHER);
        let done = self.0.extract_if(|_, counted| is_over(counted));
        done.filter_map(|(_, counted)| counted.last.map(told)).collect()
    }

    /// What repeated, whether or not its minute is over.
    pub(super) fn all(&mut self) -> Vec<Event> {
        self.0.drain().filter_map(|(_, counted)| counted.last.map(told)).collect()
    }
}

fn told((event, count): (Event, u64)) -> Event {
    event.and("repeated", count)
}

impl Kind {
    fn of(event: &Event) -> Self {
        Self {
            action: Arc::clone(&event.action),
            actor: Arc::clone(&event.author.name),
            client_ip: event.author.origin.client_ip,
            reason: event.details.get("reason").cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Author;

    fn refusal(at: i64, reason: &str) -> Event {
        Author::new("anonymous", Timestamp(at)).does("project.list").ending(Effect::Refused).and("reason", reason)
    }

    #[test]
    fn a_flood_of_one_refusal_is_two_events() {
        let mut repeats = Repeats::default();
        let told: usize = (0..1_000).filter_map(|n| repeats.first(refusal(n, "unauthorized"))).count();
        assert_eq!((told, repeats.over(Timestamp(59_999)).len()), (1, 0));
        let later = repeats.over(Timestamp(60_000));
        assert_eq!(later.len(), 1);
        assert_eq!(later.first().and_then(|event| event.details.get("repeated")).map(|count| &**count), Some("999"));
        assert!(repeats.first(refusal(60_001, "unauthorized")).is_some());
    }

    #[test]
    fn what_differs_or_succeeds_is_told_by_itself() {
        let mut repeats = Repeats::default();
        assert!(repeats.first(refusal(0, "unauthorized")).is_some());
        assert!(repeats.first(refusal(0, "forbidden")).is_some());
        for _ in 0..3 {
            assert!(repeats.first(refusal(0, "unauthorized").ending(Effect::Success)).is_some());
        }
        assert!(repeats.all().is_empty());
    }
}

//! The entries: answers by slot, within bounds of bytes and age, the longest unused thrown away first. Pure.
//! Owns when an answer may still be given. Refuses to know what makes two requests the same: a slot says it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{DeploymentId, ProjectId, ProviderId, RequestId};

/// What an entry takes beside its body, at most nearly: its own size, its places in two maps, its short texts.
const OVERHEAD: usize = 512;

/// Everything that makes a request what it is, its project included, as a hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub [u8; 32]);

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all answers together, with what it takes to keep them; none to keep nothing.
    pub max_bytes: usize,
    /// Bytes of one answer's body.
    pub max_entry_bytes: usize,
    /// How long an answer may be given, whatever a project or a client asks for.
    pub max_age: Duration,
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose.
    pub project: ProjectId,
    /// The request it was given to.
    pub request: RequestId,
    /// When that arrived, by the clock that never jumps.
    pub asked_at: Duration,
    /// How long it may be given.
    pub lifetime: Duration,
    /// Who made it.
    pub provider: ProviderId,
    /// Which of its deployments.
    pub deployment: DeploymentId,
    /// The model as that provider names it.
    pub upstream_model: Arc<str>,
    /// Fields of the request that were passed over.
    pub ignored: Vec<String>,
    /// All of it, as it went to the client.
    pub body: Arc<[u8]>,
}

/// What a purge threw away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Answers.
    pub entries: usize,
    /// What they took.
    pub bytes: usize,
}

/// What is kept now, and what was counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Answers.
    pub entries: usize,
    /// What they take.
    pub bytes: usize,
    /// Questions that found an answer.
    pub hits: u64,
    /// Questions that found none.
    pub misses: u64,
    /// Answers thrown away to make room.
    pub evicted: u64,
}

/// The answers.
#[derive(Debug)]
pub struct Entries {
    bounds: Bounds,
    by_slot: HashMap<Slot, Entry>,
    /// Slots by their last use, the longest unused first.
    by_use: BTreeMap<u64, Slot>,
    uses: u64,
    /// What was asked before is not kept: it may be what the purge was for.
    purged_at: Option<Duration>,
    tally: Tally,
}

#[derive(Debug)]
struct Entry {
    kept: Arc<Kept>,
    kept_at: Duration,
    used: u64,
}

impl Entries {
    /// No answers yet.
    pub fn new(bounds: Bounds) -> Self {
        let (by_slot, by_use) = Default::default();
        Self { bounds, by_slot, by_use, uses: 0, purged_at: None, tally: Tally::default() }
    }

    /// The answer in `slot`, if it is younger than `max_age` and its own lifetime.
    pub fn find(&mut self, slot: Slot, max_age: Duration, now: Duration) -> Option<Arc<Kept>> {
        let found = self.use_now(slot, max_age, now);
        let count = if found.is_some() { &mut self.tally.hits } else { &mut self.tally.misses };
        *count = count.saturating_add(1);
        found
    }

    /// Keeps an answer in place of any there was; those unused longest make room.
    pub fn keep(&mut self, slot: Slot, kept: Box<Kept>, now: Duration) {
        let purged = self.purged_at.is_some_and(|at| kept.asked_at <= at);
        let fits = kept.body.len() <= self.bounds.max_entry_bytes && kept.weight() <= self.bounds.max_bytes;
        if purged || !fits || kept.lifetime.is_zero() {
            return;
        }
        self.remove(slot);
        while self.tally.bytes.saturating_add(kept.weight()) > self.bounds.max_bytes {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.remove(oldest);
            self.tally.evicted = self.tally.evicted.saturating_add(1);
        }
        let used = self.next_use();
        self.by_use.insert(used, slot);
        self.tally.bytes = self.tally.bytes.saturating_add(kept.weight());
        self.by_slot.insert(slot, Entry { kept: Arc::from(kept), kept_at: now, used });
    }

    /// Throws away the answers of `project`, or all; what was asked before `now` is not kept afterwards.
    pub fn purge(&mut self, project: Option<ProjectId>, now: Duration) -> Purged {
        self.purged_at = Some(now);
        self.remove_where(|entry| project.is_none_or(|project| entry.kept.project == project))
    }

    /// Throws away what may not be given any more.
    pub fn sweep(&mut self, now: Duration) {
        self.remove_where(|entry| entry.age(now) >= entry.kept.lifetime);
    }

    /// What is kept now, and what was counted.
    pub fn tally(&self) -> Tally {
        Tally { entries: self.by_slot.len(), ..self.tally }
    }

    fn use_now(&mut self, slot: Slot, max_age: Duration, now: Duration) -> Option<Arc<Kept>> {
        let used = self.next_use();
        let entry = self.by_slot.get_mut(&slot)?;
        let age = entry.age(now);
        if age >= entry.kept.lifetime {
            self.remove(slot);
            return None;
        }
        if age >= max_age {
            return None;
        }
        self.by_use.remove(&entry.used);
        self.by_use.insert(used, slot);
        entry.used = used;
        Some(Arc::clone(&entry.kept))
    }

    fn next_use(&mut self) -> u64 {
        self.uses = self.uses.saturating_add(1);
        self.uses
    }

    fn remove(&mut self, slot: Slot) {
        if let Some(gone) = self.by_slot.remove(&slot) {
            self.by_use.remove(&gone.used);
            self.tally.bytes = self.tally.bytes.saturating_sub(gone.kept.weight());
        }
    }

    fn remove_where(&mut self, unwanted: impl Fn(&Entry) -> bool) -> Purged {
        let before = self.tally();
        let slots: Vec<_> = self.by_slot.iter().filter(|(_, entry)| unwanted(entry)).map(|(slot, _)| *slot).collect();
        for slot in slots {
            self.remove(slot);
        }
        let after = self.tally();
        Purged { entries: before.entries - after.entries, bytes: before.bytes.saturating_sub(after.bytes) }
    }
}

impl Entry {
    fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.kept_at)
    }
}

impl Kept {
    fn weight(&self) -> usize {
        let texts = self.ignored.iter().map(String::len).sum::<usize>().saturating_add(self.upstream_model.len());
        self.body.len().saturating_add(texts).saturating_add(OVERHEAD)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot(****)")
    }
}

#[cfg(test)]
mod tests;

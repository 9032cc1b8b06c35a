//! Caps: how many requests a key may ever have, and how many it has had.
//! Owns the counting. Refuses to know why a request was given back.

use std::collections::HashMap;

use super::super::hold::Cap;
use super::Book;
use crate::domain::Scope;

/// The caps of every key that has one.
#[derive(Debug, Default)]
pub(super) struct Caps(HashMap<Scope, Cap>);

impl Caps {
    /// Lets `scope` have `max` requests, of which it has had `used`.
    pub(super) fn set(&mut self, scope: Scope, max: u64, used: u64) {
        self.0.insert(scope, Cap { max, used });
    }

    /// What `scope` has had of its cap, if it has one.
    pub(super) fn of(&self, scope: Scope) -> Option<Cap> {
        self.0.get(&scope).copied()
    }

    pub(super) fn clear(&mut self, scope: Scope) {
        self.0.remove(&scope);
    }

    /// The first of `scopes` that has had all its requests, and how many those are.
    pub(super) fn reached(&self, scopes: &[Scope]) -> Option<(Scope, u64)> {
        if self.0.is_empty() {
            return None;
        }
        let caps = scopes.iter().filter_map(|scope| Some((*scope, self.0.get(scope)?)));
        caps.into_iter().find(|(_, cap)| cap.used >= cap.max).map(|(scope, cap)| (scope, cap.max))
    }

    /// Counts one request.
    pub(super) fn count(&mut self, scopes: &[Scope]) {
        self.each(scopes, |cap| cap.used = cap.used.saturating_add(1));
    }

    /// Gives one request back.
    pub(super) fn uncount(&mut self, scopes: &[Scope]) {
        self.each(scopes, |cap| cap.used = cap.used.saturating_sub(1));
    }

    fn each(&mut self, scopes: &[Scope], change: impl Fn(&mut Cap)) {
        if self.0.is_empty() {
            return;
        }
        for scope in scopes {
            if let Some(cap) = self.0.get_mut(scope) {
                change(cap);
            }
        }
    }
}

impl Book {
    /// Lets `scope` have `max` requests, of which it has had `used` that are closed; open ones are added here. `None` lets it
    /// have any number.
    pub fn set_cap(&mut self, scope: Scope, max: Option<u64>, used: u64) {
        match max {
            Some(max) => self.caps.set(scope, max, used.saturating_add(self.open_of(scope))),
            None => self.caps.clear(scope),
        }
    }

    /// What `scope` has had of its cap, if it has one.
    pub fn cap(&self, scope: Scope) -> Option<Cap> {
        self.caps.of(scope)
    }

    fn open_of(&self, scope: Scope) -> u64 {
        let open = self.open.values().filter(|in_flight| in_flight.open.hold.call.scopes.contains(&scope));
        u64::try_from(open.count()).unwrap_or(u64::MAX)
    }
}

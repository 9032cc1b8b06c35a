//! Who listens: how many, and how many by one session or token. Pure.
//! Owns the bounds. Refuses whoever is one too many; nobody who listens already is sent away for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use thiserror::Error;

use crate::domain::{SessionId, TokenId};
use crate::error::ActorError;

/// Listeners of one node: each costs up to 32 KiB.
pub const MAX_LISTENERS: usize = 10_000;
/// Listeners of one session: a dashboard needs one for each open page.
pub const MAX_OF_SESSION: usize = 5;
/// Listeners of one scoped token, which several programs may share.
pub const MAX_OF_TOKEN: usize = 64;

/// By what somebody listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The management token.
    Management,
    /// A scoped token.
    Token(TokenId),
    /// A session.
    Session(SessionId),
}

/// Why somebody may not listen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubscribeError {
    /// The node has no room.
    #[error("{MAX_LISTENERS} listeners are connected, which is all this node takes; try again later")]
    Full,
    /// They have as many sockets as they may.
    #[error("one session may listen {MAX_OF_SESSION} times at once, one token {MAX_OF_TOKEN} times; close another")]
    TooMany,
    /// The feed did not answer.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

/// How many listen now; clones share it.
#[derive(Clone, Default)]
pub(super) struct Listeners(Arc<AtomicUsize>);

/// Who listens by what. What is dropped is forgotten.
#[derive(Default)]
pub(super) struct Table(HashMap<Holder, Vec<Weak<Place>>>);

/// One listener among others.
pub(super) struct Place(Listeners);

impl Listeners {
    /// May be a moment late: events are hints.
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Table {
    /// A place for one more.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn admit(&mut self, holder: Holder, all: &Listeners) -> Result<Arc<Place>, SubscribeError> {
        if all.count() >= MAX_LISTENERS {
            return Err(SubscribeError::Full);
        }
        let most = match holder {
            Holder::Management => None,
            Holder::Token(_) => Some(MAX_OF_TOKEN),
            Holder::Session(_) => Some(MAX_OF_SESSION),
        };
        let place = Arc::new(Place::new(all));
        if let Some(most) = most {
            self.forget_the_gone();
            let own = self.0.entry(holder).or_default();
            if own.len() >= most {
                return Err(SubscribeError::TooMany);
            }
            own.push(Arc::downgrade(&place));
        }
        Ok(place)
    }

    fn forget_the_gone(&mut self) {
        self.0.retain(|_, places| {
            places.retain(|place| place.strong_count() > 0);
            !places.is_empty()
        });
    }
}

impl Place {
    fn new(all: &Listeners) -> Self {
        all.0.fetch_add(1, Ordering::Relaxed);
        Self(all.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_many_places_and_gets_back_what_is_given_up() {
        let (all, mut table) = (Listeners::default(), Table::default());
        for (holder, most) in [
            (Holder::Session(SessionId::from_u128(1)), MAX_OF_SESSION),
            (Holder::Session(SessionId::from_u128(2)), MAX_OF_SESSION),
            (Holder::Token(TokenId::from_u128(1)), MAX_OF_TOKEN),
        ] {
            let mut places: Vec<_> = (0..most).map(|_| table.admit(holder, &all).unwrap()).collect();
            assert_eq!(table.admit(holder, &all).err(), Some(SubscribeError::TooMany));
            places.pop();
            places.push(table.admit(holder, &all).unwrap());
            assert_eq!((table.admit(holder, &all).err(), all.count()), (Some(SubscribeError::TooMany), most));
        }
        assert_eq!(all.count(), 0);
        table.forget_the_gone();
        assert!(table.0.is_empty(), "who is gone costs nothing");
    }

    #[test]
    fn a_node_has_so_many_places() {
        let (all, mut table) = (Listeners::default(), Table::default());
        let mut places: Vec<_> = (0..MAX_LISTENERS).map(|_| table.admit(Holder::Management, &all).unwrap()).collect();
        assert_eq!(table.admit(Holder::Management, &all).err(), Some(SubscribeError::Full));
        places.pop();
        assert!(table.admit(Holder::Session(SessionId::from_u128(1)), &all).is_ok());
    }
}

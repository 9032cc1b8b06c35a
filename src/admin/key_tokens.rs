//! Tokens of keys: issued to be given to a browser, and taken back. Owns who may have what, and how often those that end after
//! a number of requests were used. Refuses to keep a token: it is known by its id.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use farthing_actors::domain::{Allowed, Author, Event, KeyId, Timestamp, TokenId};
use farthing_actors::keyring::ring::{AuthorizedKey, KeyState};

use super::{Admin, AdminError};
use crate::background;
use crate::security::KeyGrant;
use crate::security::jwt::MAX_LIFETIME;
use crate::security::key_tokens::LIFETIMES;
use crate::store::tokens::{self, Counted};
use crate::store::{Store, StoreError};

/// Tokens that count and are not over; more are not issued.
const MOST_COUNTED: usize = 100_000;
/// A token travels in a header.
const MOST_MODELS: usize = 50;

/// A token of a key, to be issued.
#[derive(Debug, Clone)]
pub struct KeyTokenDraft {
    /// How long it lives.
    pub lifetime: Duration,
    /// The models it may use, among those the key may.
    pub models: Option<Allowed>,
    /// How many requests it may have.
    pub max_requests: Option<u64>,
}

/// A token that was issued.
#[derive(Debug)]
pub struct IssuedKeyToken {
    /// The token; it is not kept.
    pub token: String,
    /// Its id.
    pub id: TokenId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// How often tokens that end after a number of requests were used. A crash forgets what was not saved: a second's requests.
pub struct TokenCounts(ArcSwap<HashMap<TokenId, Arc<Count>>>);

struct Count {
    until: Timestamp,
    most: u64,
    used: AtomicU64,
    saved: AtomicU64,
}

impl TokenCounts {
    /// As they were saved.
    ///
    /// # Errors
    /// If the database does not answer or a row is damaged.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let counted = store.read(tokens::counted)?;
        Ok(Self(ArcSwap::from_pointee(
            counted.into_iter().map(|counted| (counted.token, Count::of(&counted))).collect(),
        )))
    }

    /// Whether the token counts.
    pub fn knows(&self, token: TokenId) -> bool {
        self.0.load().contains_key(&token)
    }

    /// Takes one request of a token; false if it has had them all. One that does not count has any number.
    pub fn take(&self, token: TokenId) -> bool {
        let counts = self.0.load();
        let one_more = |count: &Arc<Count>| {
            let more = |used: u64| (used < count.most).then(|| used.saturating_add(1));
            count.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
        };
        counts.get(&token).is_none_or(one_more)
    }

    fn add(&self, counted: &Counted) {
        let count = Count::of(counted);
        self.0.rcu(|counts| {
            let mut counts = HashMap::clone(counts);
            counts.insert(counted.token, Arc::clone(&count));
            counts
        });
    }

    /// Forgets those that are over, and gives what was used since this was last asked.
    fn changed(&self, now: Timestamp) -> Vec<(TokenId, u64)> {
        let counts = self.0.load_full();
        if counts.values().any(|count| count.until <= now) {
            self.0.rcu(|counts| {
                let live = counts.iter().filter(|(_, count)| count.until > now);
                live.map(|(token, count)| (*token, Arc::clone(count))).collect::<HashMap<_, _>>()
            });
        }
        let news = |(token, count): (&TokenId, &Arc<Count>)| {
            let used = count.used.load(Ordering::Relaxed);
            (count.saved.swap(used, Ordering::Relaxed) != used).then_some((*token, used))
        };
        counts.iter().filter_map(news).collect()
    }

    /// What could not be saved is told again.
    fn unsaved(&self, changed: &[(TokenId, u64)]) {
        let counts = self.0.load();
        for count in changed.iter().filter_map(|(token, _)| counts.get(token)) {
            count.saved.store(u64::MAX, Ordering::Relaxed);
        }
    }
}

impl Count {
    fn of(counted: &Counted) -> Arc<Self> {
        let Counted { until, most, used, .. } = *counted;
        Arc::new(Self { until, most, used: AtomicU64::new(used), saved: AtomicU64::new(used) })
    }
}

impl Admin {
    /// Issues a token that calls with the key of this id, until its time is over, it has had its requests, or the key ends.
    ///
    /// # Errors
    /// If there is no such key, it may not call, or the token would be more than it.
    pub async fn issue_key_token(
        &self,
        id: KeyId,
        draft: KeyTokenDraft,
        by: &Author,
    ) -> Result<IssuedKeyToken, AdminError> {
        let now = self.parts.clock.now();
        let key = self.key(id)?;
        check(&key, &draft, now)?;
        let grant = KeyGrant { key: id, models: draft.models, max_requests: draft.max_requests };
        let (token, claims) = self.parts.security.issue_key_token(grant, draft.lifetime, now)?;
        let until = Timestamp(claims.exp.saturating_mul(1_000));
        let minutes = draft.lifetime.as_secs() / 60;
        let event = by.does("key.token.create").of(key.key.project).about(id).and("duration_minutes", minutes);
        let event = event.and("jti", claims.jti).and("token_id", self.parts.naming.of(&token));
        match claims.max_requests {
            None => self.parts.audit.record(event).await?,
            Some(most) => self.count(Counted { token: claims.jti, key: id, until, most, used: 0 }, event).await?,
        }
        let expires_at = key.key.expires_at.map_or(until, |end| end.min(until));
        Ok(IssuedKeyToken { token, id: claims.jti, expires_at })
    }

    /// Begins to count the requests of a token.
    async fn count(&self, counted: Counted, event: Event) -> Result<(), AdminError> {
        if self.parts.token_counts.0.load().len() >= MOST_COUNTED {
            let reason = format!("{MOST_COUNTED} tokens with max_requests are not over yet; issue one without");
            return Err(AdminError::Conflict(reason));
        }
        let (trail, row) = (Arc::clone(&self.parts.trail), counted.clone());
        let work = move || trail.change(&event, |connection| tokens::count(connection, &row));
        background::run(work).await.map_err(StoreError::from)??;
        self.parts.token_counts.add(&counted);
        Ok(())
    }

    /// Takes a token of a key back; false if it was already.
    ///
    /// # Errors
    /// If there is no such key, or as the keyring refuses.
    pub async fn revoke_key_token(&self, id: KeyId, token: TokenId, by: &Author) -> Result<bool, AdminError> {
        let project = self.key(id)?.key.project;
        let event = by.does("key.token.revoke").of(project).about(id).and("jti", token);
        let new = !self.keys().is_revoked(token);
        self.parts.keyring.revoke_token(token, by.at.plus(*LIFETIMES.end()), event).await?;
        Ok(new)
    }

    /// Takes a token of the management API back; false if it was already.
    ///
    /// # Errors
    /// As the keyring refuses.
    pub async fn revoke_token(&self, token: TokenId, by: &Author) -> Result<bool, AdminError> {
        let new = !self.keys().is_revoked(token);
        let event = by.does("token.revoke").about(token);
        self.parts.keyring.revoke_token(token, by.at.plus(MAX_LIFETIME), event).await?;
        Ok(new)
    }

    /// How often tokens of keys were used.
    pub fn token_counts(&self) -> &TokenCounts {
        &self.parts.token_counts
    }

    /// Saves how often tokens of keys were used.
    ///
    /// # Errors
    /// If the database does not answer; then it is saved the next time.
    pub async fn save_token_counts(&self) -> Result<(), AdminError> {
        let now = self.parts.clock.now();
        let changed = self.parts.token_counts.changed(now);
        if changed.is_empty() {
            return Ok(());
        }
        let (store, rows) = (Arc::clone(self.parts.trail.store()), changed.clone());
        let work = move || store.change(|connection| tokens::save_counts(connection, &rows, now));
        let saved = background::run(work).await.map_err(StoreError::from).flatten();
        if saved.is_err() {
            self.parts.token_counts.unsaved(&changed);
        }
        Ok(saved?)
    }
}

/// A token is less than its key, and shorter than a day.
fn check(key: &AuthorizedKey, draft: &KeyTokenDraft, now: Timestamp) -> Result<(), AdminError> {
    if key.state(now) != KeyState::Active {
        return Err(AdminError::Conflict("the key may not call, so no token of it may".to_owned()));
    }
    let withheld = |pattern: &&String| *pattern != "*" && !key.allowed.iter().all(|list| list.covers(pattern));
    if let Some(pattern) = draft.models.iter().flat_map(|models| &models.0).find(withheld) {
        return Err(AdminError::invalid("allowed_models", format!("{pattern:?} is not within what the key may use")));
    }
    if draft.models.as_ref().is_some_and(|models| models.0.len() > MOST_MODELS) {
        return Err(AdminError::invalid("allowed_models", format!("must be at most {MOST_MODELS} in a token")));
    }
    if draft.max_requests.is_some_and(|most| most == 0 || i64::try_from(most).is_err()) {
        return Err(AdminError::invalid("max_requests", "must be at least 1, and what a signed 64-bit number holds"));
    }
    let fits = LIFETIMES.contains(&draft.lifetime);
    fits.then_some(()).ok_or_else(|| AdminError::invalid("expires_in_seconds", "must be between 60 and 86400"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Scratch;

    #[test]
    fn a_counting_token_has_its_requests_and_no_more_across_restarts() {
        let scratch = Scratch::new();
        let store = scratch.open();
        let [token, over] = [1, 2].map(TokenId::from_u128);
        let counted = |token, until| Counted { token, key: KeyId::from_u128(9), until, most: 3, used: 0 };
        let counts = TokenCounts::load(&store).unwrap();
        for counted in [counted(token, Timestamp(100)), counted(over, Timestamp(50))] {
            store.change(|connection| tokens::count(connection, &counted)).unwrap();
            counts.add(&counted);
        }
        assert!(counts.take(token) && counts.take(token));
        let save = |counts: &TokenCounts, now| {
            let changed = counts.changed(now);
            store.change(|connection| tokens::save_counts(connection, &changed, now)).unwrap();
            changed
        };
        assert_eq!(save(&counts, Timestamp(60)), [(token, 2)]);
        assert_eq!(save(&counts, Timestamp(60)), [], "it was saved");
        assert!(counts.knows(token) && !counts.knows(over));

        let restarted = TokenCounts::load(&store).unwrap();
        assert!(!restarted.knows(over));
        assert!(restarted.take(token) && !restarted.take(token) && !restarted.take(token));
        let changed = restarted.changed(Timestamp(61));
        restarted.unsaved(&changed);
        assert_eq!(restarted.changed(Timestamp(61)), [(token, 3)], "what could not be saved is told again");
    }

    #[test]
    fn however_many_ask_at_once_no_request_is_had_twice() {
        let counts = TokenCounts(ArcSwap::default());
        let token = TokenId::from_u128(1);
        counts.add(&Counted { token, key: KeyId::from_u128(9), until: Timestamp(1), most: 1_000, used: 0 });
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..500).filter(|_| counts.take(token)).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1_000);
    }
}

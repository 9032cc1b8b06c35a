//! Access tokens: what providers give for a proof of who calls, kept until shortly before they expire.
//! Owns the rule that for one provider one exchange is in flight, whatever the number of workers and of calls that wait, and
//! that its outcome is everybody's who waited. Refuses clocks and the network: time and the exchange are arguments.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use farthing_actors::domain::{ProviderId, Secret, Timestamp};
use tokio::sync::Mutex;

use super::error::UpstreamError;

/// A token this close to its end, in milliseconds, is replaced: a call must reach the provider before it.
const MARGIN: i64 = 60_000;

/// What a provider lets in with for a while.
#[derive(Debug)]
pub(super) struct AccessToken {
    pub text: Secret,
    pub expires: Timestamp,
}

/// The tokens of all providers, shared by all workers.
#[derive(Default)]
pub struct AccessTokens(ArcSwap<HashMap<ProviderId, Arc<Purse>>>);

/// The token of one provider as an operator last left it.
pub(super) struct Purse {
    version: Timestamp,
    /// How many exchanges have ended.
    ended: AtomicU64,
    /// How the last one did; held during an exchange.
    last: Mutex<Option<Outcome>>,
}

type Outcome = Result<Arc<AccessToken>, UpstreamError>;

impl AccessTokens {
    /// The purse of `provider` at `version`; a changed provider begins with an empty one.
    pub(super) fn of(&self, provider: ProviderId, version: Timestamp) -> Arc<Purse> {
        let known = |purses: &HashMap<ProviderId, Arc<Purse>>| {
            purses.get(&provider).filter(|purse| purse.version == version).map(Arc::clone)
        };
        let fresh = Arc::new(Purse { version, ended: AtomicU64::new(0), last: Mutex::new(None) });
        self.0.rcu(|purses| {
            if known(purses).is_some() {
                return Arc::clone(purses);
            }
            let mut more = HashMap::clone(purses);
            more.insert(provider, Arc::clone(&fresh));
            Arc::new(more)
        });
        known(&self.0.load()).unwrap_or(fresh)
    }
}

impl Purse {
    /// A token that is good at `now`: the kept one, else what `exchange` brings. An exchange that is dropped halfway
    /// leaves it to the next who waits.
    ///
    /// # Errors
    /// As the exchange failed, be it this one or the one that was waited for.
    pub(super) async fn token(
        &self,
        now: Timestamp,
        exchange: impl Future<Output = Result<AccessToken, UpstreamError>>,
    ) -> Outcome {
        let before = self.ended.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        let waited = self.ended.load(Ordering::Acquire) != before;
        match &*last {
            Some(Ok(token)) if waited || token.is_fresh(now) => return Ok(Arc::clone(token)),
            Some(Err(error)) if waited => return Err(error.clone()),
            _ => {}
        }
        let outcome = exchange.await.map(Arc::new);
        *last = Some(outcome.clone());
        self.ended.fetch_add(1, Ordering::Release);
        outcome
    }

    /// Keeps `token` no longer; another that has come since stays.
    pub(super) async fn forget(&self, token: &Arc<AccessToken>) {
        let mut last = self.last.lock().await;
        if matches!(&*last, Some(Ok(kept)) if Arc::ptr_eq(kept, token)) {
            *last = None;
        }
    }
}

impl AccessToken {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.0.saturating_add(MARGIN) < self.expires.0
    }
}

#[cfg(test)]
mod tests;

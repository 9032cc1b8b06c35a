//! Again: whether a provider that has failed is asked once more for the same request, and after what pause.
//! Owns the pauses, and the bound on such attempts: they must not be what keeps a sick provider down. Refuses to judge
//! circuits and what may be billed twice: the first is the breakers', the second the fallback's.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use farthing_actors::domain::{ProviderId, RequestId};
use farthing_actors::registry::catalogue::Candidate;

use super::RelayError;
use crate::upstream::UpstreamError;
use crate::upstream::error::Fault;

/// The longest that a provider is waited for at its own word; beyond it the client is told the word and waits itself.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Breakers hear of the pause a little later than we do, and keep to it.
const MARGIN: Duration = Duration::from_millis(50);
/// The longest first pause; it doubles with every attempt.
const FIRST_PAUSE_MS: u64 = 250;
const LONGEST_PAUSE_MS: u64 = 4_000;
/// Repeated attempts that any provider bears.
const ALWAYS: usize = 3;
/// Beyond them, one for each five calls in flight (Envoy's rule).
const SHARE: usize = 5;

/// The repeated attempts in flight, by provider; shared by all workers.
#[derive(Clone, Default)]
pub struct Retries(Arc<ArcSwap<HashMap<ProviderId, Arc<AtomicUsize>>>>);

/// A place among a provider's repeated attempts, free again when dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Retries {
    /// A place at `provider` while `in_flight` calls are, if there is one.
    pub(super) fn enter(&self, provider: ProviderId, in_flight: usize) -> Option<Place> {
        let count = self.of(provider);
        let most = ALWAYS.max(in_flight / SHARE);
        let entered =
            count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < most).then(|| taken + 1));
        entered.is_ok().then(|| Place(count))
    }

    fn of(&self, provider: ProviderId) -> Arc<AtomicUsize> {
        if let Some(known) = self.0.load().get(&provider) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(AtomicUsize::new(0));
        self.0.rcu(|counts| {
            let mut counts = HashMap::clone(counts);
            counts.entry(provider).or_insert_with(|| Arc::clone(&fresh));
            counts
        });
        self.0.load().get(&provider).map_or(fresh, Arc::clone)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What has been tried for one request, and what is left to say.
pub(super) struct Search {
    /// The failure that the client is told of.
    pub last: RelayError,
    failed: Vec<(ProviderId, Fault)>,
    /// Whether one of the failures may pass by itself.
    may_pass: bool,
    asked_back: Option<(Candidate, Duration)>,
}

/// What comes before an attempt at a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// A pause, and a place among the provider's repeated attempts.
    Pause(Duration),
    /// It would be the refused credential once more.
    Never,
}

impl Search {
    /// Nothing tried yet; `last` is what is said if nothing can be.
    pub(super) fn begin(last: RelayError) -> Self {
        Self { last, failed: Vec::new(), may_pass: false, asked_back: None }
    }

    /// What comes before `request` is sent to `candidate`. Another provider is asked at once.
    pub(super) fn before(&self, candidate: &Candidate, request: RequestId) -> Before {
        let mut faults = self.failed.iter().filter(|(provider, _)| *provider == candidate.provider.id).peekable();
        if faults.peek().is_none() {
            return Before::Nothing;
        }
        if faults.any(|(_, fault)| *fault == Fault::Operator) {
            return Before::Never;
        }
        Before::Pause(jitter(request, self.failed.len()))
    }

    /// `candidate` failed; `whole` if the request may be sent there again.
    pub(super) fn failed(&mut self, candidate: &Candidate, error: UpstreamError, whole: bool) {
        let inexpressible = matches!(error, UpstreamError::Inexpressible(_));
        if !inexpressible {
            let fault = error.refused_key().map_or(error.fault(), |_| Fault::Operator);
            self.failed.push((candidate.provider.id, fault));
            self.may_pass |= error.may_pass();
        }
        if let Some(pause) = asked_pause(&error).filter(|_| whole)
            && self.asked_back.as_ref().is_none_or(|(_, known)| pause < *known)
        {
            self.asked_back = Some((candidate.clone(), pause));
        }
        // That one provider has no place for the request says less than that another failed at it.
        if !(inexpressible && matches!(self.last, RelayError::Upstream { .. })) {
            let (provider, again) = (candidate.provider.name.clone(), self.may_pass);
            self.last = RelayError::Upstream { provider, error, again, sent: None };
        }
    }

    /// Who asked to be called again soon, and when; said once.
    pub(super) fn asked_back(&mut self) -> Option<(Candidate, Duration)> {
        self.asked_back.take()
    }
}

/// The pause that a provider asks for, if it is short and nothing was done yet.
fn asked_pause(error: &UpstreamError) -> Option<Duration> {
    match error {
        UpstreamError::Status { status: 429 | 503 | 529, retry_after: Some(pause), .. }
            if *pause <= LONGEST_WAIT && error.may_pass() =>
        {
            Some(*pause + MARGIN)
        }
        _ => None,
    }
}

/// Anything up to a bound that doubles (full jitter), so that calls which failed together do not come back together. Drawn
/// from the request's own random bits: the same request always waits as long.
fn jitter(request: RequestId, attempt: usize) -> Duration {
    let doubled = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let bound = FIRST_PAUSE_MS.checked_shl(doubled).map_or(LONGEST_PAUSE_MS, |bound| bound.min(LONGEST_PAUSE_MS));
    let bits = u64::try_from(request.as_u128() & u128::from(u32::MAX)).unwrap_or(0);
    Duration::from_millis(bits.rotate_right(u32::try_from(attempt).unwrap_or(0)) % (bound + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_attempts_are_repeated_at_once_however_many_fail() {
        let (retries, provider) = (Retries::default(), ProviderId::from_u128(1));
        let places = |in_flight| (0..1_000).map_while(|_| retries.enter(provider, in_flight)).collect::<Vec<_>>();
        for (in_flight, most) in [(0, 3), (10, 3), (15, 3), (100, 20), (1_000, 200)] {
            assert_eq!(places(in_flight).len(), most, "of {in_flight} in flight");
        }
        let all = places(10);
        assert!(retries.enter(ProviderId::from_u128(2), 10).is_some(), "another provider is not concerned");
        drop(all);
        assert!(retries.enter(provider, 10).is_some());
    }

    #[test]
    fn pauses_are_bounded_and_spread() {
        for (attempt, bound) in [(1, 250), (2, 500), (3, 1_000), (9, 4_000), (500, 4_000)] {
            let pause =
                |n: u128| jitter(RequestId::from_u128(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)), attempt).as_millis();
            let pauses: Vec<_> = (0..1_000).map(pause).collect();
            assert!(pauses.iter().all(|pause| *pause <= bound));
            let mean = pauses.iter().sum::<u128>() / 1_000;
            assert!((bound * 2 / 5..=bound * 3 / 5).contains(&mean), "attempt {attempt}: {mean} of {bound} ms");
        }
    }
}

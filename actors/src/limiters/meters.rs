//! The meters: what each key and project has used of its limits, and the rule that a call passes all or none. Pure.
//! Owns the counts and their forgetting. Refuses to take anything before every scope was checked.

use std::collections::HashMap;
use std::time::Duration;

use super::answer::{Allowance, Headroom, LimitError, LimitKind};
use super::bucket::{Bucket, Pace};
use crate::domain::{Limits, Scope, Shadowed};

/// How long after a crash only half of the places are given: calls of the life before may still hold the others.
const RECOVERY: Duration = Duration::from_secs(60);
/// When to try again for a place: calls end when they end.
const PLACE_RETRY: Duration = Duration::from_secs(1);

/// What every scope seen lately has used.
#[derive(Debug, Default)]
pub(super) struct Meters {
    by_scope: HashMap<Scope, Meter>,
    crashed_at: Option<Duration>,
    /// What would have refused the call that was admitted last.
    shadowed: Vec<Shadowed>,
}

/// What one scope has used.
#[derive(Debug)]
struct Meter {
    limits: Limits,
    requests: Bucket,
    tokens: Bucket,
    in_flight: u32,
}

impl Meters {
    /// Nobody has called yet.
    pub(super) fn unused() -> Self {
        Self::default()
    }

    /// Who called is unknown: every scope counts as half used at `now`.
    pub(super) fn half_used(now: Duration) -> Self {
        Self { crashed_at: Some(now), ..Self::default() }
    }

    /// Takes one request, `tokens` and one place from each of `limits`, or nothing. A limit in shadow mode refuses nothing; what
    /// it would have refused takes nothing from it, as if it had.
    pub(super) fn admit(
        &mut self,
        limits: &[(Scope, Limits)],
        tokens: u64,
        now: Duration,
    ) -> Result<Headroom, LimitError> {
        let recovering = self.crashed_at.is_some_and(|at| now.saturating_sub(at) < RECOVERY);
        let mut refused: Option<LimitError> = None;
        self.shadowed.clear();
        for (scope, limits) in limits {
            let refusals = self.meter(*scope, *limits, now).refusals(*scope, tokens, recovering);
            let refusals = refusals.into_iter().flatten();
            if limits.mode.is_enforced() {
                refused = refusals.chain(refused).max_by_key(LimitError::wait);
            } else {
                self.shadowed.extend(refusals.max_by_key(LimitError::wait).and_then(|refusal| refusal.shadowed()));
            }
        }
        match refused {
            Some(refusal) => Err(refusal),
            None => Ok(self.take(limits, tokens)),
        }
    }

    /// What would have refused the call that was admitted last, were it enforced.
    pub(super) fn take_shadowed(&mut self) -> Vec<Shadowed> {
        std::mem::take(&mut self.shadowed)
    }

    /// Ends an admitted call: frees its places and, where `actual` is known, corrects its tokens.
    pub(super) fn close(&mut self, limits: &[(Scope, Limits)], tokens: u64, actual: Option<u64>) {
        for (scope, admitted) in limits {
            if let Some(meter) = self.by_scope.get_mut(scope) {
                meter.close(admitted, tokens, actual);
            }
        }
    }

    /// Forgets scopes that count nothing any more.
    pub(super) fn sweep(&mut self, now: Duration) {
        self.by_scope.retain(|_, meter| {
            meter.refill(now);
            !meter.is_unused()
        });
    }

    fn take(&mut self, limits: &[(Scope, Limits)], tokens: u64) -> Headroom {
        let shadowed = &self.shadowed;
        let takes = limits.iter().filter(|(scope, _)| !shadowed.iter().any(|refusal| refusal.scope == *scope));
        let meters = takes.filter_map(|(scope, limits)| {
            let meter = self.by_scope.get_mut(scope)?;
            meter.take(tokens);
            // Nobody need keep to what is not enforced.
            limits.mode.is_enforced().then(|| meter.headroom())
        });
        meters.fold(Headroom::default(), Headroom::tightest)
    }

    /// The scope's meter, brought to `now` and to the limits that apply now.
    fn meter(&mut self, scope: Scope, limits: Limits, now: Duration) -> &mut Meter {
        let crashed_at = self.crashed_at;
        let meter = self.by_scope.entry(scope).or_insert_with(|| Meter::new(limits, crashed_at));
        meter.refill(now);
        meter.adopt(limits);
        meter
    }
}

impl Meter {
    fn new(limits: Limits, crashed_at: Option<Duration>) -> Self {
        let at_first = |pace| crashed_at.map_or_else(Bucket::default, |at| Bucket::half_used(pace, at));
        Self {
            limits,
            requests: limits.rpm.map(Pace::requests).map(at_first).unwrap_or_default(),
            tokens: limits.tpm.map(Pace::tokens).map(at_first).unwrap_or_default(),
            in_flight: 0,
        }
    }

    fn refill(&mut self, now: Duration) {
        // Without a limit nothing is owed; the bucket still learns the time.
        self.requests.refill(Pace::requests(self.limits.rpm.unwrap_or(u32::MAX)), now);
        self.tokens.refill(Pace::tokens(self.limits.tpm.unwrap_or(u64::MAX)), now);
    }

    fn adopt(&mut self, limits: Limits) {
        if self.limits == limits {
            return;
        }
        self.limits = limits;
        if let Some(rpm) = limits.rpm {
            self.requests.forgive(Pace::requests(rpm));
        }
        if let Some(tpm) = limits.tpm {
            self.tokens.forgive(Pace::tokens(tpm));
        }
    }

    /// What stands in the way of a call, kind by kind.
    fn refusals(&self, scope: Scope, tokens: u64, recovering: bool) -> [Option<LimitError>; 3] {
        let rate = |what, pace: Pace, bucket: &Bucket, cost| {
            let retry_after = bucket.wait_for(pace, cost)?;
            let remaining = bucket.remaining(pace);
            Some(LimitError::Limited { scope, what, retry_after, limit: pace.per_minute, remaining })
        };
        [
            self.limits.concurrency.and_then(|limit| self.no_place(scope, limit, recovering)),
            self.limits.rpm.and_then(|rpm| rate(LimitKind::Requests, Pace::requests(rpm), &self.requests, 1)),
            self.limits.tpm.and_then(|tpm| rate(LimitKind::Tokens, Pace::tokens(tpm), &self.tokens, tokens)),
        ]
    }

    fn no_place(&self, scope: Scope, limit: u32, recovering: bool) -> Option<LimitError> {
        let places = if recovering { limit.div_ceil(2) } else { limit };
        let what = LimitKind::Concurrency;
        let remaining = u64::from(places.saturating_sub(self.in_flight));
        let refusal = LimitError::Limited { scope, what, retry_after: PLACE_RETRY, limit: u64::from(limit), remaining };
        (remaining == 0).then_some(refusal)
    }

    fn take(&mut self, tokens: u64) {
        if let Some(rpm) = self.limits.rpm {
            self.requests.take(Pace::requests(rpm), 1);
        }
        if let Some(tpm) = self.limits.tpm {
            self.tokens.take(Pace::tokens(tpm), tokens);
        }
        if self.limits.concurrency.is_some() {
            self.in_flight = self.in_flight.saturating_add(1);
        }
    }

    /// `admitted` are the limits the call was admitted under: only what it took can come back.
    fn close(&mut self, admitted: &Limits, tokens: u64, actual: Option<u64>) {
        if admitted.concurrency.is_some() {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
        if let (Some(tpm), Some(actual)) = (admitted.tpm, actual) {
            self.tokens.correct(Pace::tokens(tpm), tokens, actual);
        }
    }

    fn headroom(&self) -> Headroom {
        let left = |pace: Pace, bucket: &Bucket| Allowance {
            limit: pace.per_minute,
            remaining: bucket.remaining(pace),
            reset: bucket.reset(pace),
        };
        Headroom {
            requests: self.limits.rpm.map(|rpm| left(Pace::requests(rpm), &self.requests)),
            tokens: self.limits.tpm.map(|tpm| left(Pace::tokens(tpm), &self.tokens)),
        }
    }

    fn is_unused(&self) -> bool {
        self.in_flight == 0 && self.requests.is_unused() && self.tokens.is_unused()
    }
}

#[cfg(test)]
mod tests;

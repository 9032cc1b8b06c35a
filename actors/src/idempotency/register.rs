//! The register: which keys run now, and what a row means for a request that comes with its key. Pure.
//!
//! A row without an answer whose request does not run is *in doubt*: the process died, the client left, the provider broke
//! off, or nothing came of it. A retry is sent again; what the earlier ones were charged is taken back once it is answered.

use std::collections::HashMap;
use std::time::Duration;

use super::shelf::{Asked, Bill, ClaimError, Kept, Record, Slot};
use crate::domain::{Money, RequestId, Timestamp};

/// How long a key is remembered after it was last claimed; a replay does not renew it.
pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Requests without an answer that one key may have given back: stock clients try three times. What it was charged for
/// older ones stays, so that leaving early again and again does not generate for nothing.
pub const MAX_DOUBTFUL: usize = 3;

/// The keys that run now.
#[derive(Debug, Default)]
pub struct Register {
    running: HashMap<Slot, Running>,
}

#[derive(Debug)]
struct Running {
    asked: Asked,
    doubtful: Vec<RequestId>,
}

/// What a row means for a request with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing is known of the key.
    Fresh,
    /// It was answered, by this request.
    Answered(RequestId, Kept),
    /// It was answered, to another body.
    OtherBody,
    /// It was used, and nobody has an answer.
    InDoubt {
        /// Whether the body is the same.
        same_body: bool,
        /// Who used it, oldest first.
        doubtful: Vec<RequestId>,
    },
}

/// What `found` means for `asked`.
pub fn judge(asked: &Asked, found: Option<Record>, now: Timestamp) -> Judgement {
    let alive = |record: &Record| Duration::from_millis(now.millis_since(record.claimed_at)) < LIFETIME;
    let Some(record) = found.filter(alive) else { return Judgement::Fresh };
    let same_body = record.asked.fingerprint == asked.fingerprint;
    match record.answer {
        Some(kept) if same_body => Judgement::Answered(record.asked.request, kept),
        Some(_) => Judgement::OtherBody,
        None => {
            let doubtful = record.doubtful.into_iter().chain([record.asked.request]).collect();
            Judgement::InDoubt { same_body, doubtful }
        }
    }
}

/// Which of `doubtful` may have to be taken back, by what the ledger has closed of them; `None` if a key that was charged
/// comes with another body. What cost nothing has released the key.
pub fn still_in_doubt(same_body: bool, mut doubtful: Vec<RequestId>, bills: &[Bill]) -> Option<Vec<RequestId>> {
    if !same_body {
        let charged = bills.iter().any(|bill| bill.amount > Money::ZERO);
        return (!charged).then(Vec::new);
    }
    doubtful.retain(|request| !bills.iter().any(|bill| bill.request == *request && bill.amount == Money::ZERO));
    let excess = doubtful.len().saturating_sub(MAX_DOUBTFUL);
    Some(doubtful.split_off(excess))
}

impl Register {
    /// Why `asked` may not be sent beside what runs.
    pub fn refusal(&self, asked: &Asked) -> Option<ClaimError> {
        let running = self.running.get(&asked.slot)?;
        let same_body = running.asked.fingerprint == asked.fingerprint;
        Some(if same_body { ClaimError::Running } else { ClaimError::OtherBody })
    }

    /// Notes that `asked` runs, and gives the row that says so.
    pub fn begin(&mut self, asked: Asked, doubtful: Vec<RequestId>, now: Timestamp) -> Record {
        self.running.insert(asked.slot, Running { asked, doubtful: doubtful.clone() });
        Record { asked, doubtful, claimed_at: now, answer: None }
    }

    /// Notes that `asked` runs no more, and gives who used its key before; `None` if it did not run.
    pub fn end(&mut self, asked: &Asked) -> Option<Vec<RequestId>> {
        self.running.get(&asked.slot).filter(|running| running.asked.request == asked.request)?;
        self.running.remove(&asked.slot).map(|running| running.doubtful)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AdjustmentId, Usage};
    use crate::idempotency::shelf::{Fingerprint, Shape};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn asked(body: u8, request: u128) -> Asked {
        Asked { slot: Slot([1; 32]), fingerprint: Fingerprint([body; 32]), request: RequestId::from_u128(request) }
    }

    fn row(body: u8, doubtful: &[u128], answer: Option<Kept>) -> Option<Record> {
        let doubtful = doubtful.iter().copied().map(RequestId::from_u128).collect();
        Some(Record { asked: asked(body, 9), doubtful, claimed_at: NOW, answer })
    }

    fn bill(request: u128, amount: i128) -> Bill {
        Bill {
            request: RequestId::from_u128(request),
            scopes: [].into(),
            usage: Usage::default(),
            amount: Money::from_picos(amount),
            adjustment: AdjustmentId::from_u128(request),
        }
    }

    fn ids(requests: &[u128]) -> Vec<RequestId> {
        requests.iter().copied().map(RequestId::from_u128).collect()
    }

    #[test]
    fn one_copy_runs_and_only_its_own_end_ends_it() {
        let mut register = Register::default();
        assert_eq!(register.refusal(&asked(1, 1)), None);
        register.begin(asked(1, 1), ids(&[7]), NOW);
        assert_eq!(register.refusal(&asked(1, 2)), Some(ClaimError::Running));
        assert_eq!(register.refusal(&asked(2, 2)), Some(ClaimError::OtherBody));
        assert_eq!(register.end(&asked(1, 2)), None, "a copy that was refused ends nothing");
        assert_eq!(register.end(&asked(1, 1)), Some(ids(&[7])));
        assert_eq!(register.refusal(&asked(1, 2)), None);
    }

    #[test]
    fn an_answer_is_found_by_the_same_body_for_a_day() {
        let kept = Kept { shape: Shape::Whole, sealed: None };
        let found = || row(1, &[], Some(kept.clone()));
        let last = Timestamp(NOW.0 + 24 * 60 * 60 * 1_000 - 1);
        assert_eq!(judge(&asked(1, 2), found(), last), Judgement::Answered(RequestId::from_u128(9), kept.clone()));
        assert_eq!(judge(&asked(2, 2), found(), last), Judgement::OtherBody);
        assert_eq!(judge(&asked(2, 2), found(), Timestamp(last.0 + 1)), Judgement::Fresh);
        assert_eq!(judge(&asked(1, 2), None, NOW), Judgement::Fresh);
    }

    #[test]
    fn without_an_answer_everyone_who_used_the_key_is_in_doubt() {
        let doubtful = ids(&[7, 8, 9]);
        let judgement = judge(&asked(1, 2), row(1, &[7, 8], None), NOW);
        assert_eq!(judgement, Judgement::InDoubt { same_body: true, doubtful });
    }

    #[test]
    fn what_cost_nothing_releases_the_key_and_what_was_charged_binds_it_to_its_body() {
        let bills = [bill(1, 0), bill(2, 5)];
        assert_eq!(still_in_doubt(true, ids(&[1, 2, 3]), &bills), Some(ids(&[2, 3])), "3 may be closed later");
        assert_eq!(still_in_doubt(false, ids(&[1, 2]), &bills), None);
        assert_eq!(still_in_doubt(false, ids(&[1]), &[bill(1, 0)]), Some(vec![]));
        assert_eq!(still_in_doubt(true, ids(&[1, 2, 3, 4, 5]), &[]), Some(ids(&[3, 4, 5])), "the oldest stays charged");
    }
}

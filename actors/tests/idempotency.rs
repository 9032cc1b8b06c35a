//! The idempotency actor's real shell on an in-memory shelf: one copy runs, answers come again for a day, a crash loses only
//! which keys run.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may end it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use actix::Arbiter;
use arc_swap::ArcSwap;
use farthing_actors::domain::{Clock, RequestId, Timestamp};
use farthing_actors::idempotency::{
    self, Answered, Asked, Bill, Claim, ClaimError, Claimed, Fingerprint, Idempotency, Kept, Record, SealedAnswers,
    Shape, Shelf, ShelfError, Slot, Stale,
};
use farthing_actors::supervisor::Supervisor;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Rows that outlive the actor; none can be written while it is broken.
#[derive(Clone, Default)]
struct Memory(Arc<ArcSwap<Vec<Record>>>, Arc<ArcSwap<bool>>);

impl Memory {
    fn change(&self, change: impl FnOnce(&mut Vec<Record>)) -> Result<(), ShelfError> {
        if **self.1.load() {
            return Err(ShelfError("the disk is full".to_owned()));
        }
        let mut rows = self.rows();
        change(&mut rows);
        self.0.store(Arc::new(rows));
        Ok(())
    }

    fn rows(&self) -> Vec<Record> {
        (*self.0.load_full()).clone()
    }
}

impl Shelf for Memory {
    fn find(&mut self, slot: Slot) -> Result<Option<Record>, ShelfError> {
        Ok(self.rows().into_iter().find(|row| row.asked.slot == slot))
    }

    fn begin(&mut self, record: &Record) -> Result<(), ShelfError> {
        self.change(|rows| {
            rows.retain(|row| row.asked.slot != record.asked.slot);
            rows.push(record.clone());
        })
    }

    fn keep(&mut self, asked: &Asked, kept: &Kept) -> Result<(), ShelfError> {
        self.change(|rows| {
            rows.iter_mut().filter(|row| row.asked == *asked).for_each(|row| row.answer = Some(kept.clone()));
        })
    }

    fn remove(&mut self, asked: &Asked) -> Result<(), ShelfError> {
        self.change(|rows| rows.retain(|row| row.asked != *asked))
    }

    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<usize, ShelfError> {
        let found = self.rows().iter().filter(|row| row.claimed_at <= before).count();
        assert!(found <= limit, "{found}");
        self.change(|rows| rows.retain(|row| row.claimed_at > before))?;
        Ok(found)
    }

    fn stale(&mut self, mark: &[u8], behind: Option<Slot>, limit: usize) -> Result<Vec<Stale>, ShelfError> {
        let mut rows = self.rows();
        rows.sort_by_key(|row| row.asked.slot.0);
        let behind = rows.into_iter().filter(|row| behind.is_none_or(|behind| row.asked.slot.0 > behind.0));
        let sealed = behind.filter_map(|row| Some(Stale { asked: row.asked, sealed: row.answer?.sealed? }));
        Ok(sealed.filter(|stale| !stale.sealed.starts_with(mark)).take(limit).collect())
    }

    fn replace(&mut self, answers: &[(Stale, Arc<[u8]>)]) -> Result<(), ShelfError> {
        self.change(|rows| {
            for row in rows {
                let fresh = answers.iter().find(|(stale, _)| stale.asked == row.asked);
                if let (Some((_, fresh)), Some(answer)) = (fresh, &mut row.answer) {
                    answer.sealed = Some(Arc::clone(fresh));
                }
            }
        })
    }

    fn bills(&mut self, _: &[RequestId]) -> Result<Vec<Bill>, ShelfError> {
        Ok(Vec::new())
    }
}

/// Turns the bytes round, and puts a mark and the place in front. The mark is another in each generation; earlier ones open.
#[derive(Clone, Default)]
struct Mirror(Arc<AtomicU8>);

impl SealedAnswers for Mirror {
    fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.mark().iter().chain(place).chain(plain.iter().rev()).copied().collect())
    }

    fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, String> {
        let (mark, sealed) = sealed.split_first().ok_or("cut")?;
        let sealed = sealed.strip_prefix(place).filter(|_| *mark <= self.0.load(Ordering::Relaxed)).ok_or("moved")?;
        Ok(sealed.iter().rev().copied().collect())
    }

    fn mark(&self) -> Vec<u8> {
        vec![self.0.load(Ordering::Relaxed)]
    }
}

async fn start(memory: &Memory, clock: &Clock) -> Idempotency {
    start_with(memory, clock, Mirror::default()).await
}

async fn start_with(memory: &Memory, clock: &Clock, vault: Mirror) -> Idempotency {
    let fatal = |error| panic!("no end was expected: {error}");
    let supervisor = Supervisor::new(clock.clone(), Arc::new(fatal));
    let memory = memory.clone();
    let open = move || Ok(Box::new(memory.clone()) as Box<dyn Shelf>);
    idempotency::start(&supervisor, Arbiter::current(), Arc::new(open), Arc::new(vault)).await.unwrap()
}

fn asked(request: u128) -> Asked {
    Asked { slot: Slot([1; 32]), fingerprint: Fingerprint([2; 32]), request: RequestId::from_u128(request) }
}

async fn begun(keys: &Idempotency, request: u128) -> Claim {
    match keys.claim(asked(request)).await.unwrap() {
        Claimed::Begun(claim) => claim,
        Claimed::Answered(answered) => panic!("{answered:?}"),
    }
}

async fn answered(keys: &Idempotency, request: u128) -> Answered {
    match keys.claim(asked(request)).await.unwrap() {
        Claimed::Begun(_) => panic!("nothing was kept"),
        Claimed::Answered(answered) => answered,
    }
}

async fn refusal(keys: &Idempotency, request: u128) -> ClaimError {
    keys.claim(asked(request)).await.err().unwrap()
}

#[actix::test]
async fn one_copy_runs_and_its_answer_comes_again_until_a_day_has_passed() {
    let (memory, clock) = (Memory::default(), Clock::manual(Timestamp(0)));
    let keys = start(&memory, &clock).await;
    let claim = begun(&keys, 1).await;
    assert_eq!(refusal(&keys, 2).await, ClaimError::Running);
    claim.keep(Shape::Events, Some(b"answer".to_vec())).await.unwrap();
    let again = answered(&keys, 3).await;
    assert_eq!(
        (again.request, again.shape, again.body.as_deref()),
        (RequestId::from_u128(1), Shape::Events, Some(&b"answer"[..]))
    );
    clock.advance(DAY);
    drop(begun(&keys, 4).await);
}

#[actix::test]
async fn what_was_refused_leaves_nothing_and_what_was_dropped_is_in_doubt() {
    let (memory, clock) = (Memory::default(), Clock::manual(Timestamp(0)));
    let keys = start(&memory, &clock).await;
    begun(&keys, 1).await.release().await;
    assert_eq!(memory.rows(), vec![]);
    drop(begun(&keys, 2).await);
    let claim = begun(&keys, 3).await;
    assert_eq!(memory.rows()[0].doubtful, vec![RequestId::from_u128(2)]);
    claim.release().await;
    let row = memory.rows().remove(0);
    assert_eq!((row.asked.request, row.doubtful), (RequestId::from_u128(2), vec![]), "as it was before");
}

#[actix::test]
async fn what_cannot_be_written_down_is_not_sent_and_not_said_to_be_kept() {
    let (memory, clock) = (Memory::default(), Clock::manual(Timestamp(0)));
    let keys = start(&memory, &clock).await;
    memory.1.store(Arc::new(true));
    assert!(matches!(refusal(&keys, 1).await, ClaimError::Shelf(_)));
    memory.1.store(Arc::new(false));
    let claim = begun(&keys, 2).await;
    memory.1.store(Arc::new(true));
    assert!(claim.keep(Shape::Whole, None).await.is_err());
    memory.1.store(Arc::new(false));
    begun(&keys, 3).await.release().await;
}

#[actix::test]
async fn a_crash_keeps_answers_forgets_what_ran_and_sweeps_what_expired() {
    let (memory, clock) = (Memory::default(), Clock::manual(Timestamp(0)));
    let keys = start(&memory, &clock).await;
    let running = begun(&keys, 1).await;
    keys.crash().await;
    let retry = begun(&keys, 2).await;
    drop(running);
    assert_eq!(refusal(&keys, 3).await, ClaimError::Running, "the end of a request ends no other's");
    retry.keep(Shape::Whole, Some(b"answer".to_vec())).await.unwrap();
    keys.crash().await;
    assert_eq!(answered(&keys, 4).await.body.as_deref(), Some(&b"answer"[..]));
    clock.advance(DAY);
    keys.crash().await;
    drop(keys.claim(Asked { slot: Slot([3; 32]), ..asked(5) }).await.unwrap());
    assert_eq!(memory.rows().len(), 1, "the old one is gone");
}

#[actix::test]
async fn kept_answers_are_sealed_anew_step_by_step_and_what_does_not_open_holds_nothing_up() {
    let (memory, vault) = (Memory::default(), Mirror::default());
    let keys = start_with(&memory, &Clock::manual(Timestamp(0)), vault.clone()).await;
    for slot in 1..=5_u8 {
        let asked = Asked { slot: Slot([slot; 32]), ..asked(u128::from(slot)) };
        let Claimed::Begun(claim) = keys.claim(asked).await.unwrap() else { panic!("a fresh key") };
        claim.keep(Shape::Whole, Some(vec![slot])).await.unwrap();
    }
    // One that was moved here.
    memory.change(|rows| rows[2].answer = rows[1].answer.clone()).unwrap();
    vault.0.store(1, Ordering::Relaxed);
    let (mut behind, mut steps, mut unreadable) = (None, 0, 0);
    loop {
        let step = keys.reseal(behind, 2).await.unwrap();
        (steps, unreadable) = (steps + 1, unreadable + step.unreadable);
        let Some(last) = step.last else { break };
        behind = Some(last);
    }
    assert_eq!((steps, unreadable), (4, 1), "2, 2, 1 and none");
    let marks: Vec<_> = memory.rows().iter().map(|row| row.answer.clone().unwrap().sealed.unwrap()[0]).collect();
    assert_eq!(marks, [1, 1, 0, 1, 1]);
    let Claimed::Answered(again) = keys.claim(Asked { slot: Slot([4; 32]), ..asked(9) }).await.unwrap() else {
        panic!("it is kept")
    };
    assert_eq!(again.body, Some(vec![4]));
}

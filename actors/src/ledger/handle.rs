//! The ledger's handle: set money aside, close what was set aside, read balances.
//!
//! A [`Hold`] must be closed by [`Hold::settle`]. Dropped otherwise, it tells the ledger that nobody knows what became
//! of its call; the ledger then closes it by presumption and flags the entry.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::LedgerActor;
use super::book::{Ended, Warning};
use super::entry::{Adjustment, Entry, Outcome, Target};
use super::hold::{Balance, Cap, Checkpoint, CloseError, Granted, HoldError, HoldRequest};
use super::journal::JournalError;
use super::messages::{
    AbandonHold, BookAdjustment, BookAttempt, CheckJournal, CloseHold, CloseInterrupted, CorrectEstimate,
    CountOpenHolds, KillRun, NoteProgress, PlaceHold, ReadBalances, ReadCaps, RecordRefusal, SetBudget, SetCap,
};
use crate::domain::{Budget, CallStatus, LineKind, Money, Provenance, RequestId, RunId, Scope, Shadowed, Usage};
use crate::error::ActorError;
use crate::mailbox::{Mailbox, Vitals};

/// A settlement is tried again while the ledger is being restarted or the disk does not answer: soon at first, then each
/// second, for about ten minutes. Meanwhile nobody is given the end of an answer that is not in the books.
const SETTLE_TRIES: u32 = 600;
const SETTLE_FIRST_PAUSE: Duration = Duration::from_millis(50);
const SETTLE_LAST_PAUSE: Duration = Duration::from_secs(1);
/// A caller who is refused waits no longer for the ledger's successor to take back what may have been set aside.
const VOID_PATIENCE: Duration = Duration::from_secs(5);

/// The way to the ledger. Cheap to clone.
#[derive(Clone)]
pub struct Ledger(pub(super) Mailbox<LedgerActor>, pub(super) broadcast::Sender<Warning>);

/// Budgets whose spend crosses a threshold, as it happens. A listener that falls far behind misses some.
pub struct Warnings(broadcast::Receiver<Warning>);

/// Money set aside for one call in flight.
#[must_use = "a hold that is not settled is closed by presumption and flagged"]
pub struct Hold {
    request: RequestId,
    /// What was set aside.
    granted: Money,
    shadowed: Vec<Shadowed>,
    ledger: Ledger,
    open: bool,
    /// Why its call goes where it goes, where that became known later.
    route: Option<Arc<str>>,
}

impl Ledger {
    /// Sets aside the most a call can cost, at every scope it is charged to, durably.
    ///
    /// # Errors
    /// [`HoldError`]; then nothing is set aside and nothing may be sent.
    pub async fn hold(&self, request: HoldRequest) -> Result<Hold, HoldError> {
        // Made before the question: if the asker goes away meanwhile, the guard gives back what may have been placed.
        let granted = request.amount;
        let (id, shadowed) = (request.call.request, Vec::new());
        let mut hold = Hold { request: id, granted, shadowed, ledger: self.clone(), open: true, route: None };
        match self.0.ask_together(PlaceHold(request)).await.map_err(HoldError::from).flatten() {
            Ok(Granted { amount, shadowed }) => {
                hold.granted = amount;
                hold.shadowed = shadowed;
                Ok(hold)
            }
            Err(error @ HoldError::Actor(ActorError::Gone(_))) => {
                // It may have been placed by an actor that could not say so any more. Nothing was sent.
                drop(tokio::time::timeout(VOID_PATIENCE, Box::pin(hold.void())).await);
                Err(error)
            }
            Err(error) => {
                hold.open = false;
                Err(error)
            }
        }
    }

    /// Records a request that was refused before a hold; may be lost under pressure, for it is not money.
    pub fn record_refusal(&self, entry: Entry) {
        self.0.hint(RecordRefusal(Box::new(entry)));
    }

    /// Closes every hold that a dead process left open; for start-up, before listening. Gives their number.
    ///
    /// # Errors
    /// If they cannot be written down.
    pub async fn close_interrupted(&self) -> Result<usize, CloseError> {
        self.0.ask(CloseInterrupted).await?
    }

    /// Gives `scope` a budget, or takes it away with `None`. What was spent in the new window counts.
    ///
    /// # Errors
    /// If the database cannot say what was spent.
    pub async fn set_budget(&self, scope: Scope, budget: Option<Budget>) -> Result<(), LedgerError> {
        Ok(self.0.ask(SetBudget(scope, budget)).await??)
    }

    /// Lets the key `scope` have `max` requests for ever, those it has had included; any number with `None`.
    ///
    /// # Errors
    /// If the database cannot say how many it has had.
    pub async fn set_cap(&self, scope: Scope, max: Option<u64>) -> Result<(), LedgerError> {
        Ok(self.0.ask(SetCap(scope, max)).await??)
    }

    /// What `scopes` have had of their caps, in the same order; `None` for one without a cap.
    ///
    /// # Errors
    /// If the ledger did not answer.
    pub async fn caps(&self, scopes: Vec<Scope>) -> Result<Vec<Option<Cap>>, ActorError> {
        self.0.ask(ReadCaps(scopes)).await
    }

    /// Admits no more calls of `run`; those in flight go on.
    ///
    /// # Errors
    /// If the ledger did not answer.
    pub async fn kill_run(&self, run: RunId) -> Result<(), ActorError> {
        self.0.ask(KillRun(run)).await
    }

    /// Corrects a call whose usage was estimated, by a line of its own with the difference, which is the result. The same
    /// correction again changes nothing.
    ///
    /// # Errors
    /// [`CloseError::Unknown`] if the call was not estimated or its closing is forgotten.
    pub async fn correct(&self, request: RequestId, usage: Usage, provenance: Provenance) -> Result<Money, CloseError> {
        self.0.ask(CorrectEstimate(request, usage, provenance)).await?
    }

    /// Books what an operator charges or gives back. The same adjustment again changes nothing.
    ///
    /// # Errors
    /// If it could not be written down.
    pub async fn adjust(&self, adjustment: Adjustment) -> Result<(), LedgerError> {
        Ok(self.0.ask(BookAdjustment(adjustment)).await??)
    }

    /// What `scopes` have, in the same order; `None` for one without a budget.
    ///
    /// # Errors
    /// If the ledger did not answer.
    pub async fn balances(&self, scopes: Vec<Scope>) -> Result<Vec<Option<Balance>>, ActorError> {
        self.0.ask(ReadBalances(scopes)).await
    }

    /// What `scope` has, if it has a budget.
    ///
    /// # Errors
    /// If the ledger did not answer.
    pub async fn balance(&self, scope: Scope) -> Result<Option<Balance>, ActorError> {
        Ok(self.balances(vec![scope]).await?.pop().flatten())
    }

    /// Every threshold of a budget that is crossed from now on: each once in a window, lowest first.
    pub fn warnings(&self) -> Warnings {
        Warnings(self.1.subscribe())
    }

    /// Whether a call could be admitted now, were there money for it.
    ///
    /// # Errors
    /// Why the journal would refuse its hold, or that the ledger did not answer.
    pub async fn check(&self) -> Result<(), LedgerError> {
        Ok(self.0.ask(CheckJournal).await??)
    }

    /// How many holds are open.
    ///
    /// # Errors
    /// If the ledger did not answer.
    pub async fn open_holds(&self) -> Result<usize, ActorError> {
        self.0.ask(CountOpenHolds).await
    }

    /// How the actor is, for the system page.
    pub fn vitals(&self) -> Vitals {
        self.0.vitals()
    }

    /// Kills the actor and waits for its successor, to prove what a crash loses.
    #[cfg(feature = "testing")]
    pub async fn crash(&self) {
        crate::testing::crash(&self.0).await;
    }
}

impl Warnings {
    /// The next one; `None` once the ledger is gone for good.
    pub async fn next(&mut self) -> Option<Warning> {
        loop {
            match self.0.recv().await {
                Ok(warning) => return Some(warning),
                Err(RecvError::Lagged(missed)) => log::warn!(missed; "warnings of budgets were missed"),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// Why the ledger did not change a budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The disk did not answer.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The ledger did not.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

impl Hold {
    /// Closes the hold at the true cost of `outcome`; what was held beyond it is free again at once. Gives the cost.
    /// Durable when this returns. A void is a settlement of an outcome that consumed nothing.
    ///
    /// Waits for a ledger that is being restarted: closing is idempotent, so asking again is safe.
    ///
    /// # Errors
    /// If it could not be written down in about ten minutes.
    pub async fn settle(mut self, target: Option<Target>, outcome: Outcome) -> Result<Money, CloseError> {
        let (kind, freed, route) = (LineKind::Call, Money::ZERO, self.route.take());
        let ended = Ended { kind, request: self.request, target, outcome, freed, route };
        let mut result = self.close(&ended).await;
        if is_passing(&result) {
            // Boxed: what rarely happens should not make the future of every request larger.
            result = Box::pin(self.close_patiently(&ended)).await;
        }
        self.open = is_passing(&result);
        result
    }

    /// Books an attempt that is not the last, before another is made; `freed` is what was set aside for it alone. Gives
    /// whether what is set aside covers another.
    ///
    /// # Errors
    /// If it could not be written down.
    pub async fn attempt_ended(&self, target: Target, outcome: Outcome, freed: Money) -> Result<bool, CloseError> {
        let (kind, request, target) = (LineKind::Attempt, self.request, Some(target));
        let route = self.route.clone();
        self.ledger.0.ask(BookAttempt(Ended { kind, request, target, outcome, freed, route })).await?
    }

    /// Why the call goes where it goes, where that is known only now. Its lines from now on say so.
    pub fn explain(&mut self, route: Option<Arc<str>>) {
        self.route = route;
    }

    /// What was explained since the hold was placed.
    pub fn explanation(&self) -> Option<&Arc<str>> {
        self.route.as_ref()
    }

    /// Notes that a request goes elsewhere than the hold says, and what it is taken to consume there: when this ends, a crash is booked so.
    pub async fn note_target(&self, target: &Target, presumed: Usage) {
        let checkpoint = Checkpoint { request: self.request, target: Some(target.clone()), usage: presumed };
        // A ledger that is away costs the knowledge of one detour, never the answer.
        self.ledger.0.ask_together(NoteProgress(checkpoint)).await.ok();
    }

    /// Notes how far the call's stream has come, so that a crash loses little of it. May be lost under pressure.
    pub fn note_progress(&self, target: &Target, usage: Usage) {
        let checkpoint = Checkpoint { request: self.request, target: Some(target.clone()), usage };
        self.ledger.0.tell_together(NoteProgress(checkpoint));
    }

    /// The request this hold is for.
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// What was set aside: what was asked for, or less where a budget covers only that.
    pub fn granted(&self) -> Money {
        self.granted
    }

    /// Budgets that would have refused it, were they enforced.
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.shadowed
    }

    /// Closes what may have been set aside for a call that is not sent.
    async fn void(self) {
        let outcome = Outcome {
            status: CallStatus::Refused,
            http_status: 503,
            usage: Usage::default(),
            provenance: Provenance::Counted,
            attempts: 0,
            latency_ms: 0,
            first_token_ms: None,
        };
        let request = self.request;
        match self.settle(None, outcome).await {
            Ok(_) | Err(CloseError::Unknown) => {}
            Err(error) => log::error!(request_id:% = request, error:%; "a hold that nothing was sent for stays open"),
        }
    }

    async fn close_patiently(&self, ended: &Ended) -> Result<Money, CloseError> {
        let mut pause = SETTLE_FIRST_PAUSE;
        for _ in 2..SETTLE_TRIES {
            tokio::time::sleep(pause).await;
            let result = self.close(ended).await;
            if !is_passing(&result) {
                return result;
            }
            pause = (pause * 2).min(SETTLE_LAST_PAUSE);
        }
        self.close(ended).await
    }

    async fn close(&self, ended: &Ended) -> Result<Money, CloseError> {
        self.ledger.0.ask_together(CloseHold(ended.clone())).await?
    }
}

fn is_passing(result: &Result<Money, CloseError>) -> bool {
    matches!(result, Err(CloseError::Actor(_) | CloseError::Unavailable(_)))
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.open {
            self.ledger.0.tell(AbandonHold(self.request));
        }
    }
}

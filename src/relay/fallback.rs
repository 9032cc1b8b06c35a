//! Fallback: one candidate after the other, until one accepts; and once more the one that asked to be called again soon.
//! Owns the rule that nothing is tried again after the first byte to the client: this phase ends before that byte. All of
//! it has the time that one attempt may take.

use std::time::Duration;

use farthing_actors::breakers::{FailureKind, Trial, Verdict};
use farthing_actors::domain::{CallStatus, Money};
use farthing_actors::registry::catalogue::Candidate;
use farthing_actors::registry::routing::{Step, Why, told_further};
use tokio::time::timeout;

use super::again::{Before, Place, Search};
use super::attempt::{Opened, OpenedAnswer};
use super::error::status_of;
use super::exchange::{Admitted, Exchange, Unbooked};
use super::settlement::failed_usage;
use super::{Relay, RelayError};
use crate::logging;
use crate::upstream::UpstreamError;
use crate::upstream::error::Fault;

/// Attempts for one request, whatever the number of candidates.
pub(super) const MAX_ATTEMPTS: u16 = 3;
/// When to come back if every trial place of a half-open circuit is taken.
const RETRY_LATER: Duration = Duration::from_secs(1);

impl Relay {
    /// Tries the candidates in order, then once more the one that asked for a short pause.
    ///
    /// # Errors
    /// The last failure, or the first that is the client's own fault.
    pub(super) async fn try_each(&self, exchange: &Exchange, admitted: &mut Admitted) -> Result<Opened, RelayError> {
        let mut search = Search::begin(RelayError::AllOpen(RETRY_LATER));
        for candidate in admitted.candidates.clone() {
            if let Some(end) = self.try_one(exchange, admitted, &candidate, &mut search).await {
                return end;
            }
        }
        if let Some((candidate, pause)) = search.asked_back()
            && let Some(_place) = self.wait(exchange, &candidate, pause).await
            && let Some(end) = self.try_one(exchange, admitted, &candidate, &mut search).await
        {
            return end;
        }
        Err(search.last)
    }

    /// Tries one candidate. Gives how the search ends with it, if it does.
    async fn try_one(
        &self,
        exchange: &Exchange,
        admitted: &mut Admitted,
        candidate: &Candidate,
        search: &mut Search,
    ) -> Option<Result<Opened, RelayError>> {
        if admitted.tries() >= MAX_ATTEMPTS || exchange.flight.is_abandoned.get() {
            return None;
        }
        let (_place, trial) = match self.turn(exchange, candidate, search.before(candidate, exchange.id)).await {
            Ok(turn) => turn,
            Err(why) => {
                explain(exchange, admitted, &Step::LeftOut(candidate.clone(), why));
                return None;
            }
        };
        if !self.book_earlier(exchange, admitted).await {
            return Some(Err(search.last.clone()));
        }
        let error = match self.attempt_in_time(exchange, admitted, candidate).await {
            Ok(answer) => {
                let (candidate, first_token) = (candidate.clone(), exchange.elapsed(&self.clock));
                return Some(Ok(Opened { candidate, trial, first_token, answer }));
            }
            Err(error) => error,
        };
        if !matches!(error, UpstreamError::Inexpressible(_)) {
            let (usage, provenance) = failed_usage(&admitted.estimate, exchange.told.get(), &error);
            admitted.unbooked = admitted.tried.clone().map(|target| Unbooked {
                target,
                status: CallStatus::UpstreamError,
                http_status: status_of(&error),
                usage,
                provenance,
                freed: Money::ZERO,
            });
        }
        explain(exchange, admitted, &Step::Failed(candidate.clone(), in_words(&error)));
        self.report(exchange, candidate, trial, &error).await;
        let makes_works = exchange.ask.request.endpoint().makes_works();
        let stop = (makes_works && may_have_worked(&error)) || !error.may_fall_back();
        search.failed(candidate, error, !makes_works);
        stop.then(|| Err(search.last.clone()))
    }

    /// Waits for the turn of `candidate`, if it gets one.
    async fn turn(
        &self,
        exchange: &Exchange,
        candidate: &Candidate,
        before: Before,
    ) -> Result<(Option<Place>, Option<Trial>), Why> {
        let place = match before {
            Before::Nothing => None,
            Before::Pause(pause) => Some(self.wait(exchange, candidate, pause).await.ok_or(Why::NoRetry)?),
            Before::Never => return Err(Why::KeyRefused),
        };
        match self.may_try(candidate).await {
            Some(trial) => Ok((place, trial)),
            None if matches!(self.breakers.verdict(candidate.deployment.callee()), Verdict::HalfOpen) => {
                Err(Why::OnTrial)
            }
            None => Err(Why::CircuitOpen),
        }
    }

    /// Waits before `candidate` is asked again. `None` if there is no time for it, or too many wait for its provider.
    async fn wait(&self, exchange: &Exchange, candidate: &Candidate, pause: Duration) -> Option<Place> {
        let place = self.retries.enter(candidate.provider.id, self.tasks.running())?;
        if pause >= self.time_left(exchange, candidate) {
            return None;
        }
        tokio::time::sleep(pause).await;
        Some(place)
    }

    /// What is left of the time that one attempt at `candidate` may take.
    fn time_left(&self, exchange: &Exchange, candidate: &Candidate) -> Duration {
        candidate.provider.timeouts.total().saturating_sub(exchange.elapsed(&self.clock))
    }

    async fn attempt_in_time(
        &self,
        exchange: &Exchange,
        admitted: &mut Admitted,
        candidate: &Candidate,
    ) -> Result<OpenedAnswer, UpstreamError> {
        // The first has the time that its own deadlines give it, and needs no other.
        if admitted.tries() == 0 {
            return self.attempt(exchange, admitted, candidate).await;
        }
        let left = self.time_left(exchange, candidate);
        timeout(left, self.attempt(exchange, admitted, candidate)).await.unwrap_or(Err(UpstreamError::Timeout(left)))
    }

    /// Books the attempt that ended last, before another is made. Whether what is set aside covers another.
    async fn book_earlier(&self, exchange: &Exchange, admitted: &mut Admitted) -> bool {
        let Some(ended) = &admitted.unbooked else { return true };
        let outcome = self.outcome_of_earlier(exchange, admitted, ended);
        match admitted.hold.attempt_ended(ended.target.clone(), outcome, ended.freed).await {
            Ok(covered) => {
                admitted.booked += ended.cost();
                admitted.tokens = admitted.tokens.saturating_add(ended.usage.total());
                admitted.unbooked = None;
                covered
            }
            Err(error) => {
                log::error!((logging::REQUEST_ID):% = exchange.id, (logging::ERROR):% = error; "attempt not recorded");
                // It becomes the request's last line, and nothing more is tried.
                false
            }
        }
    }

    /// Whether the circuit lets a call through: freely, or as one of a half-open circuit's trials.
    pub(super) async fn may_try(&self, candidate: &Candidate) -> Option<Option<Trial>> {
        let callee = candidate.deployment.callee();
        match self.breakers.verdict(callee) {
            Verdict::Closed => Some(None),
            Verdict::HalfOpen => self.breakers.try_trial(callee).await.map(Some),
            Verdict::Open { .. } => None,
        }
    }

    /// Tells the breakers of a failure and the log of its reason.
    pub(super) async fn report(
        &self,
        exchange: &Exchange,
        candidate: &Candidate,
        trial: Option<Trial>,
        error: &UpstreamError,
    ) {
        let (callee, provider) = (candidate.deployment.callee(), candidate.provider.name.as_str());
        log::warn!(
            (logging::REQUEST_ID):% = exchange.id, (logging::PROVIDER) = provider,
            (logging::DEPLOYMENT):% = callee.deployment, (logging::ERROR):% = error; "attempt failed"
        );
        // Then the provider is well; a trial that proved nothing frees its place.
        if let Some(status) = error.refused_key() {
            return self.breakers.key_refused(callee.provider, status).await;
        }
        match (error.fault(), trial) {
            (Fault::Provider, Some(trial)) => trial.failed(kind(error)),
            (Fault::Provider, None) => self.breakers.failed(callee, exchange.key_id(), kind(error)).await,
            (Fault::Busy, _) => self.breakers.cooled(callee, error.retry_after()).await,
            (Fault::Client | Fault::Operator, _) => {}
        }
    }

    /// Tells the breakers of a success.
    pub(super) fn succeeded(&self, exchange: &Exchange, candidate: &Candidate, trial: Option<Trial>) {
        let callee = candidate.deployment.callee();
        self.breakers.key_taken(callee.provider);
        match trial {
            Some(trial) => trial.succeeded(),
            None => self.breakers.succeeded(callee, exchange.key_id()),
        }
    }
}

/// Adds to the request's lines what became of a candidate.
fn explain(exchange: &Exchange, admitted: &mut Admitted, step: &Step) {
    let known = admitted.hold.explanation().or(exchange.why.as_ref());
    let told = told_further(known.map(|known| &**known), &exchange.head().model, step);
    admitted.hold.explain(Some(told));
}

/// What became of an attempt, without addresses: whoever sees the project's calls reads it.
fn in_words(error: &UpstreamError) -> String {
    match error {
        UpstreamError::Inexpressible(fault) => fault.to_string(),
        UpstreamError::Misconfigured(_) => "its settings cannot be used".to_owned(),
        error => kind(error).to_string(),
    }
}

/// Whether the provider may have done the work although no answer came. A refusal, or no connection, says it has not.
pub(super) fn may_have_worked(error: &UpstreamError) -> bool {
    error.fault() == Fault::Provider && !matches!(error, UpstreamError::Connect(_))
}

fn kind(error: &UpstreamError) -> FailureKind {
    match error {
        UpstreamError::Connect(_) | UpstreamError::Misconfigured(_) => FailureKind::Unreachable,
        UpstreamError::Timeout(_) => FailureKind::Timeout,
        UpstreamError::Status { status, .. } => FailureKind::Status(*status),
        UpstreamError::Cut(_) => FailureKind::Cut,
        UpstreamError::Garbage(_) | UpstreamError::Inexpressible(_) => FailureKind::Malformed,
    }
}

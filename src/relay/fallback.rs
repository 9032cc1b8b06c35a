//! Fallback: one candidate after the other, until one accepts.
//! Owns the rule that nothing is tried again after the first byte to the client: this phase ends before that byte.

use std::time::Duration;

use farthing_actors::breakers::{FailureKind, Trial, Verdict};
use farthing_actors::registry::catalogue::Candidate;

use super::attempt::Opened;
use super::error::status_of;
use super::exchange::{Admitted, Exchange, Failed};
use super::settlement::may_be_billed;
use super::{Relay, RelayError};
use crate::logging;
use crate::upstream::UpstreamError;
use crate::upstream::error::Fault;

/// Attempts for one request, whatever the number of candidates.
pub(super) const MAX_ATTEMPTS: u16 = 3;
/// When to come back if every trial place of a half-open circuit is taken.
const RETRY_LATER: Duration = Duration::from_secs(1);

impl Relay {
    /// Tries the candidates in order.
    ///
    /// # Errors
    /// The last failure, or the first that is the client's own fault.
    pub(super) async fn try_each(&self, exchange: &Exchange, admitted: &mut Admitted) -> Result<Opened, RelayError> {
        let mut last = RelayError::AllOpen(RETRY_LATER);
        for candidate in admitted.candidates.clone() {
            if admitted.attempts >= MAX_ATTEMPTS {
                break;
            }
            let Some(trial) = self.may_try(&candidate).await else { continue };
            if !self.book_failed(exchange, admitted).await {
                break;
            }
            let error = match self.attempt(exchange, admitted, &candidate).await {
                Ok(answer) => {
                    let first_token = exchange.elapsed(&self.clock);
                    return Ok(Opened { candidate, trial, first_token, answer });
                }
                Err(error) => error,
            };
            self.report(exchange, &candidate, trial, &error);
            if !matches!(error, UpstreamError::Inexpressible(_)) {
                admitted.failed = admitted.tried.clone().map(|target| Failed {
                    target,
                    billed: may_be_billed(&error),
                    http_status: status_of(&error),
                });
            }
            let made = exchange.ask.request.endpoint().makes_works() && may_have_worked(&error);
            let (stop, inexpressible) =
                (made || !error.may_fall_back(), matches!(error, UpstreamError::Inexpressible(_)));
            // That one provider has no place for the request says less than that another failed at it.
            if !(inexpressible && matches!(last, RelayError::Upstream { .. })) {
                last = RelayError::Upstream { provider: candidate.provider.name.clone(), error };
            }
            if stop {
                break;
            }
        }
        Err(last)
    }

    /// Books the attempt that failed last, before another is made. Whether what is set aside covers another.
    async fn book_failed(&self, exchange: &Exchange, admitted: &mut Admitted) -> bool {
        let Some(failed) = &admitted.failed else { return true };
        let outcome = self.outcome_of_failure(exchange, admitted, failed);
        match admitted.hold.attempt_ended(failed.target.clone(), outcome).await {
            Ok(covered) => {
                admitted.failed = None;
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
    async fn may_try(&self, candidate: &Candidate) -> Option<Option<Trial>> {
        let deployment = candidate.deployment.id;
        match self.breakers.verdict(deployment) {
            Verdict::Closed => Some(None),
            Verdict::HalfOpen => self.breakers.try_trial(deployment).await.map(Some),
            Verdict::Open { .. } => None,
        }
    }

    /// Tells the breakers of a failure and the log of its reason.
    pub(super) fn report(
        &self,
        exchange: &Exchange,
        candidate: &Candidate,
        trial: Option<Trial>,
        error: &UpstreamError,
    ) {
        let (deployment, provider) = (candidate.deployment.id, candidate.provider.name.as_str());
        log::warn!(
            (logging::REQUEST_ID):% = exchange.id, (logging::PROVIDER) = provider, (logging::DEPLOYMENT):% = deployment,
            (logging::ERROR):% = error; "attempt failed"
        );
        match (error.fault(), trial) {
            (Fault::Provider, Some(trial)) => trial.failed(kind(error)),
            (Fault::Provider, None) => self.breakers.failed(deployment, exchange.key_id(), kind(error)),
            (Fault::Busy, _) => self.breakers.cooled(deployment, error.retry_after()),
            // The provider is well; a trial that proved nothing frees its place.
            (Fault::Client | Fault::Operator, _) => {}
        }
    }

    /// Tells the breakers of a success.
    pub(super) fn succeeded(&self, exchange: &Exchange, candidate: &Candidate, trial: Option<Trial>) {
        match trial {
            Some(trial) => trial.succeeded(),
            None => self.breakers.succeeded(candidate.deployment.id, exchange.key_id()),
        }
    }
}

/// Whether the provider may have done the work although no answer came. A refusal, or no connection, says it has not.
fn may_have_worked(error: &UpstreamError) -> bool {
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

//! Admission: a place from the limiters and money from the ledger, asked together.
//! Owns the rule that a refusal of one gives back the other, and that every refusal is on record.

use farthing_actors::domain::{CallStatus, LineKind, Money, Provenance, ServiceTier, Usage};
use farthing_actors::ledger::{Entry, Hold, HoldRequest, Outcome};
use farthing_actors::limiters::Permit;
use farthing_actors::registry::catalogue::Candidate;

use super::classify::Question;
use super::error::upstream_status;
use super::estimate::Estimate;
use super::exchange::{Admitted, Exchange, target};
use super::fallback::MAX_ATTEMPTS;
use super::settlement::millis;
use super::wording::spoken;
use super::{Relay, RelayError};

impl Relay {
    /// Sets aside what `exchange` may take at the dearest of `candidates`, and what `question` may beside it.
    ///
    /// # Errors
    /// The refusal, which is then recorded; nothing stays set aside.
    pub(super) async fn admit(
        &self,
        exchange: &Exchange,
        candidates: Vec<Candidate>,
        question: Option<&Question>,
    ) -> Result<Box<Admitted>, RelayError> {
        let estimate = Estimate::of(&exchange.ask.request, &candidates);
        let estimate = Estimate { tier: asked_tier(exchange, &candidates), ..estimate };
        let Some(first) = candidates.first() else {
            return Err(RelayError::UnknownModel(exchange.head().model.clone()));
        };
        let beside = question.map_or(Money::ZERO, Question::ceiling);
        let hold = HoldRequest {
            call: exchange.call(),
            target: target(first),
            amount: estimate.ceiling(&candidates) + beside,
            expected: estimate.presumed(exchange.head().stream),
            least: estimate.least(exchange.head()).ceiling(&candidates) + beside,
            run_limit: exchange.run_limit(),
            patience_ms: patience_ms(&candidates),
        };
        let (asked, held) = (hold.amount, first.deployment.id);
        let (permit, hold) = self.admit_both(exchange, hold, estimate.tokens()).await?;
        let (estimate, lowered) = estimate.within(hold.granted() - beside, asked - beside, &candidates);
        Ok(Box::new(Admitted {
            candidates,
            held,
            estimate,
            hold,
            permit,
            attempts: 0,
            asked: 0,
            tried: None,
            unbooked: None,
            booked: Money::ZERO,
            tokens: 0,
            lowered,
            waited: std::time::Duration::ZERO,
            ignored: Vec::new(),
        }))
    }

    /// A permit for `tokens` and what `hold` asks for, asked together: both or none.
    ///
    /// # Errors
    /// The refusal, which is then recorded.
    pub(super) async fn admit_both(
        &self,
        exchange: &Exchange,
        hold: HoldRequest,
        tokens: u64,
    ) -> Result<(Permit, Hold), RelayError> {
        let (permit, hold) = tokio::join!(self.limiters.admit(&exchange.key.limits, tokens), self.ledger.hold(hold));
        match (permit, hold) {
            (Ok(permit), Ok(hold)) => {
                self.note_shadowed(exchange, &permit, &hold);
                Ok((permit, hold))
            }
            (Err(limited), Ok(hold)) => {
                let refused = self.outcome_of_refusal(exchange, 429);
                Box::pin(self.close(hold, None, refused)).await;
                Err(limited.into())
            }
            (Ok(permit), Err(error)) => {
                permit.give_back();
                Err(self.refused(exchange, error.into()))
            }
            (Err(limited), Err(_)) => Err(self.refused(exchange, limited.into())),
        }
    }

    /// Puts on record that nothing was sent, where that is neither the client's mistake nor the ledger's absence.
    pub(super) fn refused(&self, exchange: &Exchange, error: RelayError) -> RelayError {
        let status = match &error {
            RelayError::Refused(refusal) => refusal.status(),
            RelayError::AllOpen(_) => upstream_status(&error),
            _ => return error,
        };
        self.ledger.record_refusal(Entry {
            kind: LineKind::Call,
            call: exchange.call(),
            target: None,
            outcome: self.outcome_of_refusal(exchange, status),
            held: Money::ZERO,
            amount: Money::ZERO,
            closed_at: exchange.placed_at,
        });
        error
    }

    fn outcome_of_refusal(&self, exchange: &Exchange, http_status: u16) -> Outcome {
        Outcome {
            status: CallStatus::Refused,
            http_status,
            usage: Usage::default(),
            provenance: Provenance::Counted,
            attempts: 0,
            latency_ms: millis(exchange.elapsed(&self.clock)),
            first_token_ms: None,
        }
    }
}

/// How long nothing may be heard of a call: the longest its attempts can take, and a minute for everything else.
fn patience_ms(candidates: &[Candidate]) -> u64 {
    let longest = candidates.iter().map(|candidate| candidate.provider.timeouts.total_ms).max().unwrap_or(0);
    longest.saturating_mul(u64::from(MAX_ATTEMPTS)).saturating_add(60_000)
}

/// The tier that is asked for. A provider of another dialect may have no word for it, and choose; fast mode it can only lack.
fn asked_tier(exchange: &Exchange, candidates: &[Candidate]) -> Option<ServiceTier> {
    let own = |candidate: &Candidate| spoken(exchange, candidate) == exchange.ask.request.dialect();
    exchange.head().tier.filter(|tier| *tier == ServiceTier::Fast || candidates.iter().all(own))
}

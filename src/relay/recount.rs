//! Recount: counting what a provider did not report.
//! Owns when it is done: before the settlement where that takes under a millisecond, else after it, as a correction. An
//! answer that did not finish, or whose prompt cannot be measured here, stays estimated. Refuses to hold up the thread.

use std::cell::RefCell;
use std::collections::HashSet;

use farthing_actors::domain::{CallStatus, DeploymentId, EstimateReason, Provenance, RequestId, Usage};
use tokio::sync::oneshot::Receiver;

use super::Relay;
use super::attempt::OpenedWhole;
use super::counting::{Tally, prompt, text};
use super::exchange::Exchange;
use super::settlement::End;
use crate::dialect::answer::{self, Anew};
use crate::dialect::canonical::Conversation;
use crate::dialect::{Endpoint, Reading, Transcript};
use crate::logging;
use crate::tokenizer::{CountQueue, Lane};

/// Request and answer together up to here are counted before the settlement: the last byte waits for it, a millisecond at
/// most.
const SHORT_BYTES: usize = 4 * 1024;
/// Longer requests are not counted at all: reading them anew would hold up this thread.
const LONGEST_BYTES: usize = 1 << 20;

/// What a relay needs to count.
pub struct Recounting {
    /// Does the counting.
    pub queue: CountQueue,
    /// Deployments whose last finished stream reported usage: of these no transcript is kept.
    pub reporting: Reporting,
}

/// A count that comes after the settlement.
pub(super) type Later = Receiver<Option<Usage>>;

/// Deployments that report usage in their streams.
#[derive(Default)]
pub struct Reporting(RefCell<HashSet<DeploymentId>>);

impl Reporting {
    /// Whether the deployment is known to report.
    pub(super) fn knows(&self, deployment: DeploymentId) -> bool {
        self.0.borrow().contains(&deployment)
    }

    /// A stream of the deployment finished with this.
    pub(super) fn note(&self, deployment: DeploymentId, reading: Reading) {
        let mut known = self.0.borrow_mut();
        if matches!(reading, Reading::Figures(_)) {
            known.insert(deployment);
        } else {
            known.remove(&deployment);
        }
    }
}

impl Relay {
    /// Replaces the estimate in `end` by a count, or gives the count that will come later. `said` is asked only where
    /// something is missing.
    pub(super) async fn recount(
        &self,
        exchange: &Exchange,
        end: &mut End,
        said: impl FnOnce() -> Option<Transcript>,
    ) -> Option<Later> {
        let unreported =
            matches!(end.provenance, Provenance::Estimated(EstimateReason::Missing | EstimateReason::Insane));
        if !unreported || end.status != CallStatus::Ok || !is_measurable(exchange) {
            return None;
        }
        let (said, asked) = (said()?, exchange.ask.request.conversation().ok()?);
        let short = said.bytes().saturating_add(exchange.head().bytes) <= SHORT_BYTES;
        let lane = if short { Lane::Short } else { Lane::Long };
        let tier = end.usage.tier;
        let counted = move || count(&asked, &said).map(|usage| Usage { tier, ..usage });
        let Some(counted) = self.recounting.queue.submit(lane, counted) else {
            log::debug!(count = self.recounting.queue.refused(); "too many answers to count, this one stays estimated");
            return None;
        };
        if !short {
            return Some(counted);
        }
        if let Ok(Some(usage)) = counted.await {
            (end.usage, end.provenance) = (usage, Provenance::Counted);
        }
        None
    }

    /// Books a count when it comes.
    pub(super) fn correct(&self, request: RequestId, later: Option<Later>) {
        let Some(later) = later else { return };
        let ledger = self.ledger.clone();
        self.tasks.spawn(async move {
            if let Ok(Some(usage)) = later.await
                && let Err(error) = ledger.correct(request, usage, Provenance::Counted).await
            {
                log::warn!((logging::REQUEST_ID):% = request, (logging::ERROR):% = error; "a count was not booked");
            }
        });
    }
}

/// Whether all the prompt is here.
fn is_measurable(exchange: &Exchange) -> bool {
    let request = &exchange.ask.request;
    request.endpoint() == Endpoint::Conversation
        && request.stored_state().is_none()
        && request.head().bytes <= LONGEST_BYTES
}

/// The words of a whole answer.
pub(super) fn transcript(exchange: &Exchange, whole: &OpenedWhole) -> Option<Transcript> {
    match &whole.anew {
        Some(Anew::Reply(reply)) => Transcript::of(reply),
        Some(Anew::Ready(_)) => None,
        None => Transcript::of(&answer::read(exchange.ask.request.dialect(), &whole.body, exchange.seconds())?),
    }
}

/// Usage as counted here; `None` where something of it could not be.
fn count(asked: &Conversation, said: &Transcript) -> Option<Usage> {
    let said = |thinking| said.texts(thinking).map(text).fold(Tally::NONE, Tally::plus);
    let (input, output, reasoning) = (prompt(asked), said(false), said(true));
    let usage = Usage { input: input.tokens, output: output.tokens, reasoning: reasoning.tokens, ..Usage::default() };
    input.plus(output).plus(reasoning).exact.then_some(usage)
}

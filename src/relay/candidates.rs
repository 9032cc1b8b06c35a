//! Candidates: which deployments may serve a request, in the order they are tried, and why.
//! Owns the filter by access, dialect, price and health; the order is the registry's. Asks nobody: all of it is in snapshots.

use std::sync::Arc;

use farthing_actors::breakers::Verdict;
use farthing_actors::domain::{Dialect, Timestamp};
use farthing_actors::registry::catalogue::Candidate;
use farthing_actors::registry::group::Group;
use farthing_actors::registry::routing::{NoRoute, Route, Why, told};

use super::exchange::Exchange;
use super::situation::Asked;
use super::{Relay, RelayError};
use crate::dialect::{Endpoint, RequestFault};
use crate::upstream::profile;

/// What was left out, by the furthest that any candidate came.
#[derive(Default)]
struct Passed {
    unpriced: bool,
    /// When the first open circuit may be tried again.
    soonest: Option<Timestamp>,
}

/// Where a request may go.
pub(super) struct Routed {
    /// The deployments, best first.
    pub candidates: Vec<Candidate>,
    /// Why these.
    pub why: Option<Arc<str>>,
    /// The group whose classifier would decide their order, and was not asked.
    pub question: Option<Arc<Group>>,
}

/// Why a request can go nowhere, and what was decided until then.
pub(super) struct Unrouted {
    pub error: Box<RelayError>,
    pub why: Option<Arc<str>>,
}

impl From<RelayError> for Unrouted {
    fn from(error: RelayError) -> Self {
        Self { error: Box::new(error), why: None }
    }
}

impl Relay {
    /// The deployments that may serve `exchange`, best first, and why these.
    ///
    /// # Errors
    /// Unknown or forbidden model, no rule met, no price under a budget, or every circuit open.
    pub(super) fn route(&self, exchange: &Exchange) -> Result<Routed, Unrouted> {
        let model = &exchange.head().model;
        // Its bill comes after the connection is gone, when nobody is left to book it.
        if exchange.ask.request.stored_state() == Some("background") {
            let why = "a call that goes on in the background cannot be booked; leave it out";
            return Err(RelayError::from(RequestFault::unsupported("background", why)).into());
        }
        let unknown = || RelayError::UnknownModel(model.chars().take(128).collect());
        if !exchange.key.admits(model) {
            return Err(unknown().into());
        }
        let found = self.catalogue.load().route(&self.patterns, model, &Asked::new(self, exchange));
        let mut route = found.map_err(|error| match error {
            NoRoute::Unknown => unknown(),
            NoRoute::NoRule(_) => RequestFault::unsupported("model", &error.to_string()).into(),
        })?;
        self.leave_out(exchange, &mut route).map_err(|error| Unrouted { why: told(&route.steps), ..error.into() })?;
        Ok(Routed { why: told(&route.steps), candidates: route.candidates, question: route.question })
    }

    /// Whom the group `name` would have asked first; `None` if nobody.
    pub(super) fn first_choice(&self, exchange: &Exchange, name: &str) -> Option<Candidate> {
        let found = self.catalogue.load().route(&self.patterns, name, &Asked::new(self, exchange));
        let mut route = found.ok()?;
        self.leave_out(exchange, &mut route).ok()?;
        route.candidates.into_iter().next()
    }

    /// Leaves out who cannot serve now, puts last whose key was refused, and says so.
    fn leave_out(&self, exchange: &Exchange, route: &mut Route) -> Result<(), RelayError> {
        let mut passed = Passed::default();
        route.leave_out(|candidate| self.fault(exchange, candidate, &mut passed));
        route.put_last(|candidate| self.breakers.is_out_of_turn(candidate.provider.id));
        match passed {
            _ if !route.candidates.is_empty() => Ok(()),
            Passed { soonest: Some(retry_at), .. } => {
                let wait = retry_at.millis_since(self.clock.now());
                Err(RelayError::AllOpen(std::time::Duration::from_millis(wait)))
            }
            Passed { unpriced: true, .. } => Err(RelayError::NotPriced(exchange.head().model.clone())),
            Passed { .. } => Err(nobody(exchange).into()),
        }
    }

    fn fault(&self, exchange: &Exchange, candidate: &Candidate, passed: &mut Passed) -> Option<Why> {
        if !serves(exchange, candidate) {
            return Some(Why::Unable);
        }
        if !affordable(exchange, candidate) {
            passed.unpriced = true;
            return Some(Why::NotPriced);
        }
        match self.breakers.verdict(candidate.deployment.callee()) {
            Verdict::Open { retry_at } => {
                passed.soonest = passed.soonest.into_iter().chain([retry_at]).min();
                Some(Why::CircuitOpen)
            }
            Verdict::Closed | Verdict::HalfOpen => None,
        }
    }
}

/// Why none of the model's providers can serve the request.
fn nobody(exchange: &Exchange) -> RequestFault {
    let request = &exchange.ask.request;
    match request.stored_state() {
        Some(field) => request.not_stored(field),
        None => RequestFault::unsupported("model", "no provider of this model has this call; use another model"),
    }
}

/// What a provider has stored for the client, it has stored in its own dialect; what is no conversation, it has or has not.
fn serves(exchange: &Exchange, candidate: &Candidate) -> bool {
    let (request, profile) = (&exchange.ask.request, profile(candidate.provider.kind));
    let speaks = |dialect| candidate.deployment.dialects.contains(&dialect);
    match request.endpoint() {
        Endpoint::Conversation => request.stored_state().is_none() || (profile.stores && speaks(request.dialect())),
        // Gemini's embeddings are asked of other providers in OpenAI's words.
        endpoint => {
            profile.endpoints.contains(&endpoint.needs()) && (speaks(request.dialect()) || speaks(Dialect::OpenaiChat))
        }
    }
}

/// A budget can only be kept where the price is known.
pub(super) fn affordable(exchange: &Exchange, candidate: &Candidate) -> bool {
    candidate.deployment.price.is_some() || !exchange.is_budgeted()
}

//! Candidates: which deployments may serve a request, in the order they are tried.
//! Owns the filter by access, dialect, price and health. Asks nobody: all of it is in snapshots.

use farthing_actors::breakers::Verdict;
use farthing_actors::domain::Dialect;
use farthing_actors::registry::catalogue::Candidate;

use super::exchange::Exchange;
use super::{Relay, RelayError};
use crate::dialect::{Endpoint, RequestFault};
use crate::upstream::profile;

impl Relay {
    /// The deployments that may serve `exchange`, best first.
    ///
    /// # Errors
    /// Unknown or forbidden model, no price under a budget, or every circuit open.
    pub(super) fn candidates(&self, exchange: &Exchange) -> Result<Vec<Candidate>, RelayError> {
        let model = &exchange.head().model;
        let catalogue = self.catalogue.load();
        let known = catalogue.candidates(model);
        // Its bill comes after the connection is gone, when nobody is left to book it.
        if exchange.ask.request.stored_state() == Some("background") {
            let why = "a call that goes on in the background cannot be booked; leave it out";
            return Err(RequestFault::unsupported("background", why).into());
        }
        let able = || known.iter().filter(|candidate| serves(exchange, candidate));
        if known.is_empty() || !exchange.key.admits(model) {
            return Err(RelayError::UnknownModel(model.chars().take(128).collect()));
        }
        if able().next().is_none() {
            return Err(nobody(exchange).into());
        }
        let priced: Vec<_> = able().filter(|candidate| affordable(exchange, candidate)).cloned().collect();
        if priced.is_empty() {
            return Err(RelayError::NotPriced(model.clone()));
        }
        self.healthy(priced)
    }

    fn healthy(&self, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, RelayError> {
        let now = self.clock.now();
        let mut soonest = None;
        let mut healthy = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            match self.breakers.verdict(candidate.deployment.id) {
                Verdict::Open { retry_at } => soonest = soonest.into_iter().chain([retry_at]).min(),
                Verdict::Closed | Verdict::HalfOpen => healthy.push(candidate),
            }
        }
        match soonest {
            Some(retry_at) if healthy.is_empty() => {
                Err(RelayError::AllOpen(std::time::Duration::from_millis(retry_at.millis_since(now))))
            }
            _ => Ok(healthy),
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
fn affordable(exchange: &Exchange, candidate: &Candidate) -> bool {
    candidate.deployment.price.is_some() || !exchange.is_budgeted()
}

//! Wording: the request in the words of the provider it goes to.
//! Owns what is changed in a request that stays in its dialect (the model's name, forced stream usage, an output cap), and
//! the translation of one that does not. Refuses to send.

use bytes::Bytes;
use farthing_actors::domain::Dialect;
use farthing_actors::registry::catalogue::Candidate;

use super::exchange::{Admitted, Exchange};
use crate::dialect::canonical::Conversation;
use crate::dialect::{OutputCap, Request, RequestFault, Rewrite, request};
use crate::upstream::{Delivery, StreamUsage, UpstreamError, profile};

/// The dialect that is spoken with `candidate`: the client's where the deployment has it.
pub(super) fn spoken(exchange: &Exchange, candidate: &Candidate) -> Dialect {
    let (client, dialects) = (exchange.ask.request.dialect(), &candidate.deployment.dialects);
    if dialects.contains(&client) { client } else { dialects.first().copied().unwrap_or(client) }
}

/// How the answer is to come from a provider that speaks `spoken`.
pub(super) fn delivery(exchange: &Exchange, spoken: Dialect) -> Delivery {
    let request = &exchange.ask.request;
    match request.head().stream {
        false => Delivery::Whole,
        true if request.wants_array() && spoken == request.dialect() => Delivery::Array,
        true => Delivery::Events,
    }
}

/// The body for `candidate`; what is passed over in it is noted in `admitted`.
///
/// # Errors
/// What the provider's dialect has no place for.
pub(super) fn word(
    exchange: &Exchange,
    admitted: &mut Admitted,
    candidate: &Candidate,
    spoken: Dialect,
) -> Result<Bytes, UpstreamError> {
    let (request, rewrite) = (&exchange.ask.request, rewrite(exchange, admitted, candidate));
    if spoken == request.dialect() && !request.returns_foreign_thinking() {
        return Ok(request.for_upstream(&rewrite));
    }
    let conversation = request.conversation().map_err(UpstreamError::Inexpressible)?;
    let written = request::write(&conversation, spoken, &rewrite, request.head().stream);
    let written = written.map_err(|missing| {
        UpstreamError::Inexpressible(RequestFault::unsupported(request.field(missing.feature), &missing.why))
    })?;
    admitted.ignored = passed_over(request, &conversation, &written.ignored);
    Ok(written.body)
}

fn rewrite<'a>(exchange: &Exchange, admitted: &Admitted, candidate: &'a Candidate) -> Rewrite<'a> {
    let (head, profile) = (exchange.head(), profile(candidate.provider.kind));
    let tokens = admitted.estimate.output_cap;
    // A budget is kept only if the provider enforces the cap that the hold was computed for.
    let insert = exchange.key.budgeted && head.output_cap != Some(tokens);
    Rewrite {
        model: &candidate.deployment.upstream_model,
        force_usage: head.stream && profile.stream_usage == StreamUsage::Ask,
        output_cap: insert.then_some(OutputCap { field: profile.output_cap_field, tokens }),
    }
}

/// What was passed over, in the client's own words, each once.
fn passed_over(
    request: &Request,
    conversation: &Conversation,
    features: &[crate::dialect::canonical::Feature],
) -> Vec<String> {
    let mut fields: Vec<_> = features.iter().map(|feature| request.field(*feature).to_owned()).collect();
    fields.extend(conversation.hints.iter().cloned());
    fields.sort_unstable();
    fields.dedup();
    fields
}

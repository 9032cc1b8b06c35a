//! Wording: the request in the words of the provider it goes to.
//! Owns which dialect is spoken, and what must change on the way: the model's name, forced stream usage, an output cap.
//! Refuses to send.

use bytes::Bytes;
use farthing_actors::domain::Dialect;
use farthing_actors::registry::catalogue::Candidate;

use super::exchange::{Admitted, Exchange};
use crate::dialect::{Endpoint, OutputCap, Rewrite, UsageOption};
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
    let rewrite = rewrite(exchange, admitted, candidate, spoken);
    let (body, ignored) = exchange.ask.request.word(spoken, &rewrite).map_err(UpstreamError::Inexpressible)?;
    admitted.ignored = ignored;
    Ok(body)
}

fn rewrite<'a>(exchange: &Exchange, admitted: &Admitted, candidate: &'a Candidate, spoken: Dialect) -> Rewrite<'a> {
    let (head, profile) = (exchange.head(), profile(candidate.provider.kind));
    let translated = spoken != exchange.ask.request.dialect();
    // A budget is kept only if the provider enforces the cap that the hold was computed for, so it must be told by the name
    // that this provider obeys; and so must a cap that came in another dialect's name.
    let cap = if exchange.is_budgeted() {
        Some(admitted.estimate.output_cap)
    } else {
        head.output_cap.filter(|_| translated)
    };
    let field = match exchange.ask.request.endpoint() {
        Endpoint::Completions => "max_tokens",
        _ => profile.output_cap_field,
    };
    Rewrite {
        model: &candidate.deployment.upstream_model,
        usage: match profile.stream_usage {
            StreamUsage::Ask if head.stream => UsageOption::Asked,
            StreamUsage::Ask => UsageOption::AsIs,
            StreamUsage::Unasked => UsageOption::LeftOut,
        },
        output_cap: cap.map(|tokens| OutputCap { field, tokens }),
    }
}

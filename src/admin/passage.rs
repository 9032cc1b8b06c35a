//! Passages: a way to a model at a provider that nobody has set up as a deployment, for patterns of `routing.model_routing`.
//! Owns what such a deployment is made of: what the provider's kind usually speaks, and what the price list knows. Refuses to
//! guess a price, and to keep anything: it is made for one call.

use std::sync::Arc;

use farthing_actors::domain::{Callee, DeploymentId, PriceId, PriceInForce, ProviderId, ProviderKind};
use farthing_actors::registry::catalogue::{Candidate, Deployment, Provider};
use sha2::{Digest, Sha256};

use super::PriceLists;
use crate::upstream::kinds::dialects;

/// The usual share of a deployment.
const WEIGHT: u32 = 1;

/// The way to `model` at `provider`, by its name there, at the price that a model made now would have.
pub fn passage(lists: &PriceLists, provider: &Arc<Provider>, model: &str) -> Candidate {
    let listed = lists.listed(provider.kind, model, None);
    let deployment = Deployment {
        id: id(provider.id),
        name: model.into(),
        provider: provider.id,
        upstream_model: model.into(),
        weight: WEIGHT,
        priority: 0,
        dialects: dialects(provider.kind, model).to_vec(),
        max_output_tokens: listed.max_output_tokens,
        context_window: listed.context_window,
        price: listed.price.map(|listed| price(provider.kind, model, listed)),
        price_source: listed.source,
        upcoming: None,
        created_at: provider.created_at,
    };
    Candidate { deployment: Arc::new(deployment), provider: Arc::clone(provider) }
}

/// How breakers know all such deployments at a provider.
pub fn callee(provider: ProviderId) -> Callee {
    Callee { deployment: id(provider), provider }
}

/// One for each provider: callers may invent names, and each would have a circuit.
fn id(provider: ProviderId) -> DeploymentId {
    DeploymentId::from_u128(hashed(&provider.to_string(), "passage"))
}

/// The version of a price is of the price itself, since there is no deployment to keep it.
fn price(kind: ProviderKind, model: &str, price: farthing_actors::domain::Price) -> PriceInForce {
    let rates = serde_json::to_string(&price).unwrap_or_default();
    Arc::new((PriceId::from_u128(hashed(&format!("{kind} {model}"), &rates)), price))
}

fn hashed(one: &str, other: &str) -> u128 {
    let digest = Sha256::new().chain_update(one).chain_update([0]).chain_update(other).finalize();
    u128::from_be_bytes(digest.first_chunk::<16>().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use farthing_actors::domain::{Timeouts, Timestamp};

    use super::*;
    use crate::catalogue::PriceList;

    #[test]
    fn what_is_listed_has_its_price_and_what_is_not_has_none() {
        let provider = Arc::new(Provider {
            id: ProviderId::from_u128(1),
            name: "openai".to_owned(),
            kind: ProviderKind::Openai,
            base_url: "https://api.openai.com/v1".to_owned(),
            api_key: None,
            allow_private_network: false,
            enabled: true,
            timeouts: Timeouts::default(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        });
        let lists = PriceLists::open(None, &std::env::temp_dir()).unwrap();
        let known = passage(&lists, &provider, "gpt-4o-mini").deployment;
        let listed = PriceList::bundled().find(ProviderKind::Openai, "gpt-4o-mini").unwrap();
        assert_eq!(known.price.as_deref().map(|(_, price)| price), Some(&listed.price));
        let (again, other) =
            (passage(&lists, &provider, "gpt-4o-mini").deployment, passage(&lists, &provider, "no-such").deployment);
        assert_eq!((&again.price, again.id), (&known.price, other.id));
        assert_eq!(other.price, None);
    }
}

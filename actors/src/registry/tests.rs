//! What the catalogue must hold: the order of candidates, the versions of prices, and that no series of changes breaks
//! either.

use std::sync::Arc;

use proptest::prelude::*;

use super::catalogue::{Catalogue, Deployment, Provider};
use super::changes::{Change, PriceVersion};
use super::error::RegistryError;
use crate::domain::{
    DeploymentId, Dialect, Money, Price, PriceId, PriceInForce, PriceSource, ProviderId, ProviderKind, Sealed,
    Timeouts, Timestamp,
};

const FRESH: PriceId = PriceId::from_u128(77);

pub(super) fn provider(id: u128) -> Provider {
    Provider {
        id: ProviderId::from_u128(id),
        name: format!("provider {id}"),
        kind: ProviderKind::Openai,
        base_url: "https://api.example.test/v1".to_owned(),
        api_key: Some(Sealed(Arc::from(*b"sealed"))),
        allow_private_network: false,
        enabled: true,
        timeouts: Timeouts::default(),
        created_at: Timestamp(1_000),
        updated_at: Timestamp(1_000),
    }
}

pub(super) fn deployment(id: u128, name: &str, provider: u128) -> Deployment {
    Deployment {
        id: DeploymentId::from_u128(id),
        name: name.into(),
        provider: ProviderId::from_u128(provider),
        upstream_model: format!("upstream {id}").into(),
        weight: 1,
        priority: 0,
        dialects: vec![Dialect::OpenaiChat],
        max_output_tokens: Some(16_384),
        context_window: None,
        price: None,
        price_source: PriceSource::Own,
        created_at: Timestamp(1_000),
    }
}

pub(super) fn priced(rate: &str) -> Option<PriceInForce> {
    let price = Price { input_cost_per_m: rate.parse().unwrap(), ..Price::default() };
    Some(Arc::new((PriceId::from_u128(0), price)))
}

fn field(refusal: Result<Change, RegistryError>) -> &'static str {
    match refusal {
        Err(RegistryError::Invalid { field, .. }) => field,
        other => panic!("expected a refused field, got {other:?}"),
    }
}

fn saved(decision: Result<Change, RegistryError>) -> (Arc<Deployment>, Option<PriceVersion>) {
    match decision {
        Ok(Change::SaveDeployment { deployment, new_price }) => (deployment, new_price),
        other => panic!("expected a saved deployment, got {other:?}"),
    }
}

fn order(catalogue: &Catalogue, model: &str) -> Vec<DeploymentId> {
    catalogue.candidates(model).iter().map(|candidate| candidate.deployment.id).collect()
}

#[test]
fn candidates_come_by_priority_weight_and_age() {
    let deployments = vec![
        Deployment { priority: 1, weight: 9, ..deployment(1, "m", 1) },
        Deployment { created_at: Timestamp(3_000), ..deployment(2, "m", 1) },
        Deployment { created_at: Timestamp(2_000), ..deployment(3, "m", 2) },
        Deployment { weight: 5, ..deployment(4, "m", 2) },
        Deployment { priority: -1, ..deployment(5, "m", 3) },
        deployment(6, "other", 3),
    ];
    let off = Provider { enabled: false, ..provider(3) };
    let catalogue = Catalogue::new(vec![provider(1), provider(2), off.clone()], deployments).unwrap();
    assert_eq!(order(&catalogue, "m"), [4, 3, 2, 1].map(DeploymentId::from_u128));
    assert_eq!(catalogue.models(), ["m".into()] as [Arc<str>; 1]);
    assert!(catalogue.candidates("other").is_empty() && catalogue.candidates("unknown").is_empty());

    let on = Provider { enabled: true, ..off };
    let catalogue = catalogue.with(catalogue.update_provider(on).unwrap());
    assert_eq!(order(&catalogue, "m").first(), Some(&DeploymentId::from_u128(5)));
    assert_eq!(catalogue.models().len(), 2);
}

#[test]
fn only_a_changed_price_is_a_new_version() {
    let catalogue = Catalogue::new(vec![provider(1)], vec![]).unwrap();
    let first = Deployment { price: priced("0.15"), ..deployment(1, "m", 1) };
    let (made, version) = saved(catalogue.create_deployment(first.clone(), FRESH));
    let price = first.price.as_ref().unwrap().1.clone();
    assert_eq!(made.price, Some(Arc::new((FRESH, price.clone()))));
    let expected =
        PriceVersion { id: FRESH, deployment: made.id, effective_from: Timestamp(1_000), price: price.clone() };
    assert_eq!(version, Some(expected));

    let catalogue = catalogue.with(Change::SaveDeployment { deployment: made, new_price: version });
    let later = PriceId::from_u128(78);
    let heavier = Deployment { weight: 7, ..first.clone() };
    let (same, version) = saved(catalogue.update_deployment(heavier, later, Timestamp(9_000)));
    assert_eq!((same.price.clone(), version), (Some(Arc::new((FRESH, price))), None));

    let dearer = Deployment { price: priced("0.16"), ..first.clone() };
    let (changed, version) = saved(catalogue.update_deployment(dearer, later, Timestamp(9_000)));
    assert_eq!(changed.price.as_ref().map(|price| price.0), Some(later));
    assert_eq!(version.map(|version| (version.id, version.effective_from)), Some((later, Timestamp(9_000))));

    let unpriced = Deployment { price: None, ..first };
    assert_eq!(saved(catalogue.update_deployment(unpriced, later, Timestamp(9_000))).1, None);
}

#[test]
fn a_provider_in_use_stays_and_every_change_is_a_later_version() {
    let catalogue = Catalogue::new(vec![provider(1), provider(2)], vec![deployment(1, "m", 1)]).unwrap();
    let refusal = catalogue.delete_provider(ProviderId::from_u128(1)).unwrap_err();
    assert!(refusal.to_string().contains("1 models"), "{refusal}");
    assert!(catalogue.delete_provider(ProviderId::from_u128(2)).is_ok());
    assert_eq!(catalogue.delete_provider(ProviderId::from_u128(3)), Err(RegistryError::NotFound));

    let stale = Provider { created_at: Timestamp(5), updated_at: Timestamp(5), ..provider(1) };
    let catalogue = catalogue.with(catalogue.update_provider(stale).unwrap());
    let changed = catalogue.provider(ProviderId::from_u128(1)).unwrap();
    assert_eq!((changed.created_at, changed.updated_at), (Timestamp(1_000), Timestamp(1_001)));

    let catalogue = catalogue.with(catalogue.delete_deployment(DeploymentId::from_u128(1)).unwrap());
    assert!(catalogue.candidates("m").is_empty() && catalogue.delete_provider(ProviderId::from_u128(1)).is_ok());
}

#[test]
fn a_wrong_field_is_named() {
    let catalogue = Catalogue::new(vec![provider(1)], vec![deployment(1, "m", 1)]).unwrap();
    let at = |base_url: &str| Provider { base_url: base_url.to_owned(), ..provider(2) };
    let impatient = Timeouts { idle_ms: 0, ..Timeouts::default() };
    assert_eq!(field(catalogue.create_provider(at("api.example.test"))), "base_url");
    assert_eq!(field(catalogue.create_provider(at("https://"))), "base_url");
    assert_eq!(field(catalogue.create_provider(at("http://a b"))), "base_url");
    assert_eq!(field(catalogue.create_provider(Provider { timeouts: impatient, ..provider(2) })), "timeouts.idle_ms");
    assert!(catalogue.create_provider(Provider { kind: ProviderKind::Sandbox, ..at("") }).is_ok());
    let namesake = Provider { name: "provider 1".to_owned(), ..provider(2) };
    assert_eq!(catalogue.create_provider(namesake), Err(RegistryError::NameTaken));

    let create = |deployment| field(catalogue.create_deployment(deployment, FRESH));
    assert_eq!(create(deployment(2, "m", 9)), "provider");
    assert_eq!(create(deployment(2, "", 1)), "name");
    assert_eq!(create(Deployment { upstream_model: "".into(), ..deployment(2, "m", 1) }), "upstream_model");
    assert_eq!(create(Deployment { dialects: vec![], ..deployment(2, "m", 1) }), "dialects");
    assert_eq!(create(Deployment { context_window: Some(0), ..deployment(2, "m", 1) }), "context_window");
    let fee = Price { request_fee_usd: Money::from_picos(-1), ..Price::default() };
    assert_eq!(
        create(Deployment { price: Some(Arc::new((FRESH, fee))), ..deployment(2, "m", 1) }),
        "prices.request_fee_usd"
    );
    let twin = Deployment { upstream_model: "upstream 1".into(), ..deployment(2, "m", 1) };
    assert!(matches!(catalogue.create_deployment(twin, FRESH), Err(RegistryError::Conflict(_))));
}

#[derive(Debug, Clone)]
enum Verb {
    CreateProvider(Provider),
    UpdateProvider(Provider),
    DeleteProvider(ProviderId),
    CreateDeployment(Deployment),
    UpdateDeployment(Deployment),
    DeleteDeployment(DeploymentId),
}

fn decide(catalogue: &Catalogue, verb: Verb, fresh: PriceId) -> Result<Change, RegistryError> {
    match verb {
        Verb::CreateProvider(provider) => catalogue.create_provider(provider),
        Verb::UpdateProvider(provider) => catalogue.update_provider(provider),
        Verb::DeleteProvider(id) => catalogue.delete_provider(id),
        Verb::CreateDeployment(deployment) => catalogue.create_deployment(deployment, fresh),
        Verb::UpdateDeployment(deployment) => catalogue.update_deployment(deployment, fresh, Timestamp(9_000)),
        Verb::DeleteDeployment(id) => catalogue.delete_deployment(id),
    }
}

prop_compose! {
    fn any_deployment()(id in 0_u128..8, model in 0_u8..3, at in 0_u128..4, weight in 0_u32..3, rate in 0_u8..3)
        -> Deployment {
        let price = if rate == 0 { None } else { priced(&format!("0.{rate}")) };
        Deployment { weight, price, ..deployment(id, &format!("model {model}"), at) }
    }
}

fn any_verb() -> impl Strategy<Value = Verb> {
    let any_provider = (0_u128..4, any::<bool>()).prop_map(|(id, enabled)| Provider { enabled, ..provider(id) });
    prop_oneof![
        2 => any_provider.clone().prop_map(Verb::CreateProvider),
        2 => any_provider.prop_map(Verb::UpdateProvider),
        1 => (0_u128..4).prop_map(|id| Verb::DeleteProvider(ProviderId::from_u128(id))),
        4 => any_deployment().prop_map(Verb::CreateDeployment),
        4 => any_deployment().prop_map(Verb::UpdateDeployment),
        1 => (0_u128..8).prop_map(|id| Verb::DeleteDeployment(DeploymentId::from_u128(id))),
    ]
}

proptest! {
    /// What was changed step by step is what a restart would read back; and every price in force is a version that was
    /// kept, with the same rates.
    #[test]
    fn changes_add_up_to_what_a_restart_reads(verbs in proptest::collection::vec(any_verb(), 0..60)) {
        let mut catalogue = Catalogue::default();
        let mut versions = std::collections::HashMap::new();
        for (fresh, verb) in (100_u128..).map(PriceId::from_u128).zip(verbs) {
            let Ok(change) = decide(&catalogue, verb, fresh) else { continue };
            if let Change::SaveDeployment { new_price: Some(version), .. } = &change {
                prop_assert!(versions.insert(version.id, version.price.clone()).is_none());
            }
            catalogue = catalogue.with(change);
        }
        for price in catalogue.deployments().filter_map(|deployment| deployment.price.clone()) {
            prop_assert_eq!(versions.get(&price.0), Some(&price.1));
        }
        let providers = catalogue.providers().map(|provider| Provider::clone(provider)).collect();
        let deployments = catalogue.deployments().map(|deployment| Deployment::clone(deployment)).collect();
        prop_assert_eq!(Catalogue::new(providers, deployments), Ok(catalogue));
    }
}

//! What the catalogue must hold: the order of candidates, the versions of prices, and that no series of changes breaks
//! either.

use std::sync::Arc;

use proptest::prelude::*;

use super::catalogue::{Catalogue, Deployment, Provider};
use super::changes::Change;
use super::error::RegistryError;
use super::prices::{Plan, PriceRecord, PriceVersion, Quote};
use crate::domain::{
    Author, DeploymentId, Dialect, Money, Price, PriceId, PriceInForce, PriceSource, ProviderId, ProviderKind, Sealed,
    Timeouts, Timestamp,
};

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
        upcoming: None,
        created_at: Timestamp(1_000),
    }
}

pub(super) fn author(at: i64) -> Author {
    Author::new("ops", Timestamp(at))
}

pub(super) fn price(rate: &str) -> Price {
    Price { input_cost_per_m: rate.parse().unwrap(), ..Price::default() }
}

pub(super) fn priced(rate: &str) -> Option<PriceInForce> {
    Some(super::unversioned(price(rate)))
}

fn field(refusal: Result<Change, RegistryError>) -> &'static str {
    match refusal {
        Err(RegistryError::Invalid { field, .. }) => field,
        other => panic!("expected a refused field, got {other:?}"),
    }
}

fn saved(decision: Result<Change, RegistryError>) -> (Arc<Deployment>, PriceRecord) {
    match decision {
        Ok(Change::SaveDeployment { deployment, record }) => (deployment, record),
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
    let (made, record) = saved(catalogue.create_deployment(first.clone(), (Plan::Keep, &author(2_000))));
    let [version] = record.added.as_slice() else { panic!("{record:?}") };
    assert_eq!(made.price, Some(Arc::new((version.id, price("0.15")))));
    let expected = PriceVersion {
        id: version.id,
        deployment: made.id,
        effective_from: Timestamp(2_000),
        price: price("0.15"),
        set_at: Timestamp(2_000),
        set_by: "ops".into(),
    };
    assert_eq!(*version, expected);

    let catalogue = catalogue.with(Change::SaveDeployment { deployment: Arc::clone(&made), record });
    let update = |changed| saved(catalogue.update_deployment(changed, (Plan::Keep, &author(9_000))));
    let (same, record) = update(Deployment { weight: 7, ..first.clone() });
    assert_eq!((same.price.clone(), record), (made.price.clone(), PriceRecord::default()));

    let (changed, record) = update(Deployment { price: priced("0.16"), ..first.clone() });
    let [version] = record.added.as_slice() else { panic!("{record:?}") };
    assert_eq!(changed.price.as_ref().map(|price| price.0), Some(version.id));
    assert_eq!(version.effective_from, Timestamp(9_000));

    assert_eq!(update(Deployment { price: None, ..first }).1, PriceRecord::default());
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

    let catalogue = catalogue.with(catalogue.delete_deployment(DeploymentId::from_u128(1), &author(1)).unwrap());
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

    let create = |deployment| field(catalogue.create_deployment(deployment, (Plan::Keep, &author(1))));
    assert_eq!(create(deployment(2, "m", 9)), "provider");
    assert_eq!(create(deployment(2, "", 1)), "name");
    assert_eq!(create(Deployment { upstream_model: "".into(), ..deployment(2, "m", 1) }), "upstream_model");
    assert_eq!(create(Deployment { dialects: vec![], ..deployment(2, "m", 1) }), "dialects");
    assert_eq!(create(Deployment { context_window: Some(0), ..deployment(2, "m", 1) }), "context_window");
    let fee = Price { request_fee_usd: Money::from_picos(-1), ..Price::default() };
    assert_eq!(
        create(Deployment { price: Some(super::unversioned(fee)), ..deployment(2, "m", 1) }),
        "prices.request_fee_usd"
    );
    let twin = Deployment { upstream_model: "upstream 1".into(), ..deployment(2, "m", 1) };
    assert!(matches!(catalogue.create_deployment(twin, (Plan::Keep, &author(1))), Err(RegistryError::Conflict(_))));
}

mod plans;
mod series;

//! Providers, deployments and prices through the port and a real file: every field comes back, versions are final.

use std::sync::Arc;

use farthing_actors::domain::{
    DeploymentId, Dialect, Money, Price, PriceId, PriceSource, ProviderId, ProviderKind, Sealed, Timeouts, Timestamp,
};
use farthing_actors::error::SaveError;
use farthing_actors::registry::{Change, Deployment, PriceRecord, PriceVersion, Provider, RegistryStore, Withdrawal};

use super::super::prices;
use super::RegistryTables;
use crate::store::testing::{Scratch, deed, trail};

fn bare_provider(id: u128) -> Provider {
    Provider {
        id: ProviderId::from_u128(id),
        name: format!("provider-{id}"),
        kind: ProviderKind::Sandbox,
        base_url: String::new(),
        api_key: None,
        allow_private_network: false,
        enabled: false,
        timeouts: Timeouts::default(),
        created_at: Timestamp(1),
        updated_at: Timestamp(2),
    }
}

fn full_provider(id: u128) -> Provider {
    Provider {
        kind: ProviderKind::OpenaiCompatible,
        base_url: "http://127.0.0.1:9001/v1".to_owned(),
        api_key: Some(Sealed(Arc::from([0, 159, 146, 150]))),
        allow_private_network: true,
        enabled: true,
        timeouts: Timeouts { connect_ms: 1, first_byte_ms: Some(2), idle_ms: 3, total_ms: 4 },
        ..bare_provider(id)
    }
}

fn bare_deployment(id: u128, provider: u128) -> Deployment {
    Deployment {
        id: DeploymentId::from_u128(id),
        name: format!("model-{id}").into(),
        provider: ProviderId::from_u128(provider),
        upstream_model: "gpt-4o-mini".into(),
        weight: 0,
        priority: 0,
        dialects: vec![Dialect::Gemini],
        max_output_tokens: None,
        context_window: None,
        price: None,
        price_source: PriceSource::Bundled,
        upcoming: None,
        created_at: Timestamp(1),
    }
}

fn full_deployment(id: u128, provider: u128) -> Deployment {
    Deployment {
        price_source: PriceSource::Refreshed,
        weight: u32::MAX,
        priority: i32::MIN,
        dialects: Dialect::ALL.to_vec(),
        max_output_tokens: Some(16_384),
        context_window: Some(1_000_000_000_000),
        price: Some(Arc::new((PriceId::from_u128(7), full_price()))),
        ..bare_deployment(id, provider)
    }
}

fn full_price() -> Price {
    Price {
        input_cost_per_m: "0.15".parse().unwrap(),
        output_cost_per_m: "0.60".parse().unwrap(),
        cache_read_cost_per_m: Some("0.075".parse().unwrap()),
        cache_write_cost_per_m: Some("0.1875".parse().unwrap()),
        cache_write_1h_cost_per_m: Some("0.000000000001".parse().unwrap()),
        reasoning_cost_per_m: Some("9000000".parse().unwrap()),
        request_fee_usd: Money::from_picos(1),
        ..Price::default()
    }
}

fn version(id: u128, deployment: u128, from: i64) -> PriceVersion {
    let deployment = DeploymentId::from_u128(deployment);
    let (set_at, set_by) = (Timestamp(from), "ops".into());
    PriceVersion {
        id: PriceId::from_u128(id),
        deployment,
        effective_from: Timestamp(from),
        price: full_price(),
        set_at,
        set_by,
    }
}

fn put(deployment: Deployment, new_price: Option<PriceVersion>) -> Change {
    let record = PriceRecord { added: new_price.into_iter().collect(), withdrawn: None };
    Change::SaveDeployment { deployment: Arc::new(deployment), record }
}

fn remove(id: u128) -> Change {
    Change::RemoveDeployment { id: DeploymentId::from_u128(id), record: PriceRecord::default() }
}

/// Two providers, the second with a priced deployment.
fn stocked(scratch: &Scratch) -> RegistryTables {
    let tables = opened(scratch);
    for change in [
        Change::SaveProvider(Arc::new(bare_provider(1))),
        Change::SaveProvider(Arc::new(full_provider(2))),
        put(bare_deployment(1, 1), None),
        put(full_deployment(2, 2), Some(version(7, 2, 1_000))),
    ] {
        tables.save(&change, &deed()).unwrap();
    }
    tables
}

fn opened(scratch: &Scratch) -> RegistryTables {
    let store = scratch.open();
    RegistryTables { trail: trail(&store), store }
}

#[test]
fn every_field_comes_back_from_the_file() {
    let scratch = Scratch::new();
    stocked(&scratch);
    let reopened = opened(&scratch);
    let providers = vec![bare_provider(1), full_provider(2)];
    let deployments = vec![bare_deployment(1, 1), full_deployment(2, 2)];
    assert_eq!(reopened.load().unwrap(), (providers, deployments));
    let versions = reopened.store.read(|connection| prices::versions(connection, DeploymentId::from_u128(2)));
    assert_eq!(versions.unwrap(), [version(7, 2, 1_000)]);
}

#[test]
fn a_second_save_replaces_every_field_and_adds_a_version() {
    let scratch = Scratch::new();
    let tables = stocked(&scratch);
    let swapped = Provider { name: "renamed".to_owned(), ..bare_provider(2) };
    tables.save(&Change::SaveProvider(Arc::new(swapped.clone())), &deed()).unwrap();

    let cheaper = Price { reasoning_cost_per_m: None, ..full_price() };
    let deployment =
        Deployment { price: Some(Arc::new((PriceId::from_u128(8), cheaper.clone()))), ..full_deployment(2, 1) };
    let second = PriceVersion { price: cheaper, ..version(8, 2, 2_000) };
    tables.save(&put(deployment.clone(), Some(second.clone())), &deed()).unwrap();
    assert_eq!(
        tables.load().unwrap(),
        (vec![bare_provider(1), swapped], vec![bare_deployment(1, 1), deployment.clone()])
    );
    let versions = || tables.store.read(|connection| prices::versions(connection, DeploymentId::from_u128(2))).unwrap();
    assert_eq!(versions(), [version(7, 2, 1_000), second]);
    expect_in_force(&scratch, "2000");

    tables.save(&put(Deployment { weight: 1, ..deployment.clone() }, None), &deed()).unwrap();
    expect_in_force(&scratch, "2000");
    tables.save(&put(Deployment { price: None, ..deployment }, None), &deed()).unwrap();
    expect_in_force(&scratch, "NULL");
    tables.save(&remove(2), &deed()).unwrap();
    assert_eq!(versions().len(), 2, "versions outlive their deployment");
}

/// Lets the database itself compare the moment from which the second deployment's price is in force.
fn expect_in_force(scratch: &Scratch, moment: &str) {
    let sql = format!(
        "CREATE TEMP TABLE witness (seen CHECK (seen));
         INSERT INTO witness SELECT price_effective_from IS {moment} FROM model_configs WHERE name = 'model-2';"
    );
    scratch.run(&sql).unwrap();
}

#[test]
fn a_version_is_never_altered_or_removed() {
    let scratch = Scratch::new();
    let tables = stocked(&scratch);
    let altered = scratch.run("UPDATE price_versions SET price = '{}'").unwrap_err();
    assert!(altered.to_string().contains("never altered"), "{altered}");
    let removed = scratch.run("DELETE FROM price_versions").unwrap_err();
    assert!(removed.to_string().contains("never removed"), "{removed}");

    let before = tables.load().unwrap();
    let taken = put(full_deployment(3, 1), Some(version(7, 3, 3_000)));
    assert!(matches!(tables.save(&taken, &deed()), Err(SaveError::Failed(_))));
    let unheard_of =
        Deployment { price: Some(Arc::new((PriceId::from_u128(99), full_price()))), ..full_deployment(2, 2) };
    assert!(matches!(tables.save(&put(unheard_of, None), &deed()), Err(SaveError::Failed(_))));
    assert_eq!(tables.load().unwrap(), before);
}

#[test]
fn a_plan_and_its_withdrawal_come_back_and_are_final() {
    let scratch = Scratch::new();
    let tables = stocked(&scratch);
    let plan = PriceVersion { set_at: Timestamp(1_500), set_by: "night shift".into(), ..version(8, 2, 9_000) };
    let waiting = Deployment { upcoming: Some(Arc::new(plan.clone())), ..full_deployment(2, 2) };
    tables.save(&put(waiting.clone(), Some(plan.clone())), &deed()).unwrap();
    assert_eq!(opened(&scratch).load().unwrap().1, [bare_deployment(1, 1), waiting]);

    let withdrawal = Withdrawal { price: plan.id, at: Timestamp(2_000), by: "ops".into() };
    let record = PriceRecord { added: Vec::new(), withdrawn: Some(withdrawal.clone()) };
    tables.save(&Change::SaveDeployment { deployment: Arc::new(full_deployment(2, 2)), record }, &deed()).unwrap();
    assert_eq!(tables.load().unwrap().1, [bare_deployment(1, 1), full_deployment(2, 2)]);
    let kept = tables.store.read(|connection| prices::record(connection, DeploymentId::from_u128(2))).unwrap();
    assert_eq!(kept, (vec![version(7, 2, 1_000), plan], vec![withdrawal]));
    assert!(scratch.run("UPDATE price_withdrawals SET withdrawn_by = ''").unwrap_err().to_string().contains("never"));
    assert!(scratch.run("DELETE FROM price_withdrawals").unwrap_err().to_string().contains("never"));

    // A version that is older than the record.
    scratch.run("DROP TRIGGER price_versions_are_never_altered").unwrap();
    scratch.run("UPDATE price_versions SET set_by = NULL, set_at = NULL").unwrap();
    let (old, _) = tables.store.read(|connection| prices::record(connection, DeploymentId::from_u128(2))).unwrap();
    let told: Vec<_> = old.iter().map(|version| (version.set_at, &*version.set_by)).collect();
    assert_eq!(told, [(Timestamp(1_000), "unknown"), (Timestamp(9_000), "unknown")]);
}

#[test]
fn a_failed_deployment_leaves_no_version_behind() {
    let scratch = Scratch::new();
    let tables = stocked(&scratch);
    let homeless = full_deployment(3, 9);
    let change = put(
        Deployment { price: Some(Arc::new((PriceId::from_u128(8), full_price()))), ..homeless },
        Some(version(8, 3, 1)),
    );
    assert!(matches!(tables.save(&change, &deed()), Err(SaveError::Referenced(_))));
    let versions = tables.store.read(|connection| prices::versions(connection, DeploymentId::from_u128(3)));
    assert_eq!(versions.unwrap(), []);
    let in_use = Change::RemoveProvider(ProviderId::from_u128(2));
    assert!(matches!(tables.save(&in_use, &deed()), Err(SaveError::Referenced(_))));
}

#[test]
fn a_damaged_row_is_named_with_its_column() {
    let scratch = Scratch::new();
    let tables = stocked(&scratch);
    for (sql, column) in [
        ("UPDATE providers SET kind = 'telex'", "kind"),
        ("UPDATE providers SET kind = 'openai', idle_ms = -1", "idle_ms"),
        ("UPDATE providers SET idle_ms = 1; UPDATE model_configs SET dialects = '[\"morse\"]'", "dialects"),
        ("UPDATE model_configs SET dialects = '[]', weight = -1", "weight"),
        (
            "UPDATE model_configs SET weight = 1; DROP TRIGGER price_versions_are_never_altered; \
             UPDATE price_versions SET price = '{\"input_cost_per_m\":\"-1\"}'",
            "price",
        ),
    ] {
        scratch.run(sql).unwrap();
        let complaint = tables.load().unwrap_err().to_string();
        assert!(complaint.contains("damaged") && complaint.contains(column), "{sql}: {complaint}");
    }
}

#[test]
fn a_key_sealed_anew_is_written_alone() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    tables.save(&Change::SaveProvider(Arc::new(full_provider(1))), &deed()).unwrap();
    let fresh = Some(Sealed(Arc::from([1, 2, 3])));
    // Everything else is as it is in the row, whatever the record says.
    let resealed = Provider { api_key: fresh.clone(), name: "another".to_owned(), ..full_provider(1) };
    tables.save(&Change::ResealProviders(vec![Arc::new(resealed)]), &deed()).unwrap();
    let (providers, _) = tables.load().unwrap();
    assert_eq!(providers, [Provider { api_key: fresh, ..full_provider(1) }]);
}

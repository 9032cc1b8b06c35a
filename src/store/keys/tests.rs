//! Projects and keys through the port and a real file: every field comes back, and what the tables refuse is told apart.

use farthing_actors::domain::{
    Allowed, Budget, KeyId, Limits, Mode, ProjectId, ResponseCache, Scope, Thresholds, Timestamp, TokenId, WindowKind,
};
use farthing_actors::error::SaveError;
use farthing_actors::keyring::{Change, Former, KeyringStore, Loaded, Project, VirtualKey};

use super::{KeyringTables, budgets};
use crate::store::testing::{Scratch, deed, trail};

fn full_budget() -> Budget {
    let limit_usd = "12345678901.000000000001".parse().unwrap();
    Budget {
        limit_usd,
        window: WindowKind::Week,
        time_zone: "Europe/Berlin".parse().unwrap(),
        warn_percent: Thresholds::default(),
        mode: Mode::Shadow,
    }
}

fn bare_project(id: u128) -> Project {
    Project {
        id: ProjectId::from_u128(id),
        name: format!("team-{id}"),
        parent: None,
        budget: None,
        limits: Limits::default(),
        allowed_models: Allowed(vec![]),
        response_cache: None,
        deactivated_at: None,
        created_at: Timestamp(-1),
    }
}

fn full_project(id: u128, parent: u128) -> Project {
    Project {
        parent: Some(ProjectId::from_u128(parent)),
        budget: Some(full_budget()),
        limits: Limits { rpm: Some(u32::MAX), tpm: Some(1_000_000_000_000), concurrency: Some(1), mode: Mode::Shadow },
        allowed_models: Allowed(vec!["gpt-*".to_owned(), "a \"quoted\" näme".to_owned()]),
        response_cache: Some(ResponseCache { ttl_seconds: u32::MAX }),
        deactivated_at: Some(Timestamp(5)),
        created_at: Timestamp(1_795_262_400_000),
        ..bare_project(id)
    }
}

fn bare_key(id: u8, project: u128) -> VirtualKey {
    VirtualKey {
        id: KeyId::from_u128(u128::from(id)),
        project: ProjectId::from_u128(project),
        name: "ci".to_owned(),
        prefix: "sk-ft-ab12cd34".to_owned(),
        digest: [id; 32],
        former: None,
        budget: None,
        limits: Limits::default(),
        allowed_models: Allowed::default(),
        allowed_endpoints: None,
        allowed_parameters: None,
        max_requests: Some(7),
        run_limit: Some("1.25".parse().unwrap()),
        expires_at: None,
        revoked_at: None,
        created_at: Timestamp(1),
        created_by: None,
    }
}

fn full_key(id: u8, project: u128) -> VirtualKey {
    VirtualKey {
        budget: Some(full_budget()),
        limits: Limits { rpm: Some(1), tpm: Some(2), concurrency: Some(3), mode: Mode::Shadow },
        allowed_models: Allowed(vec!["o3".to_owned()]),
        allowed_endpoints: serde_json::from_str(r#"["/v1/chat/*"]"#).unwrap(),
        allowed_parameters: serde_json::from_str(r#"{"model":["o3"],"n":[]}"#).unwrap(),
        former: Some(Former { prefix: "sk-ft-former00".to_owned(), digest: [id + 100; 32], until: Timestamp(4) }),
        created_by: Some("mia".to_owned()),
        max_requests: Some(7),
        run_limit: Some("1.25".parse().unwrap()),
        expires_at: Some(Timestamp(3)),
        revoked_at: Some(Timestamp(2)),
        ..bare_key(id, project)
    }
}

fn save(tables: &KeyringTables, changes: impl IntoIterator<Item = Change>) {
    for change in changes {
        tables.save(&change, &deed()).unwrap();
    }
}

fn opened(scratch: &Scratch) -> KeyringTables {
    let store = scratch.open();
    KeyringTables { trail: trail(&store), store }
}

fn saved(key: VirtualKey) -> Change {
    Change::SaveKey(Box::new(key))
}

#[test]
fn every_field_comes_back_from_the_file() {
    let scratch = Scratch::new();
    let projects = vec![bare_project(1), full_project(2, 1)];
    let keys = vec![bare_key(1, 1), full_key(2, 2)];
    let tables = opened(&scratch);
    save(&tables, projects.iter().cloned().map(Change::SaveProject));
    save(&tables, keys.iter().cloned().map(saved));
    assert_eq!(opened(&scratch).load().unwrap(), Loaded { projects, keys, revoked: vec![] });
}

#[test]
fn a_second_save_replaces_every_field_and_leaves_who_manages_it() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    save(&tables, [Change::SaveProject(bare_project(1)), Change::SaveProject(full_project(2, 1))]);
    save(&tables, [saved(full_key(1, 2))]);
    scratch.run("UPDATE projects SET managed_by = 'config'").unwrap();

    let renamed = Project { name: "renamed".to_owned(), ..bare_project(2) };
    save(&tables, [Change::SaveProject(renamed.clone()), saved(bare_key(1, 2))]);
    let (projects, keys) = (vec![bare_project(1), renamed], vec![bare_key(1, 2)]);
    assert_eq!(tables.load().unwrap(), Loaded { projects, keys, revoked: vec![] });
    scratch
        .run(
            "CREATE TABLE witness (id TEXT CHECK (id = 'config')); INSERT INTO witness SELECT managed_by FROM projects",
        )
        .unwrap();
}

#[test]
fn what_the_tables_refuse_is_told_apart() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    save(&tables, [Change::SaveProject(bare_project(1)), saved(bare_key(1, 1))]);
    let before = tables.load().unwrap();

    let namesake = Change::SaveProject(Project { name: "team-1".to_owned(), ..bare_project(2) });
    assert!(matches!(tables.save(&namesake, &deed()), Err(SaveError::Failed(_))));
    let twin = saved(VirtualKey { digest: [1; 32], ..bare_key(2, 1) });
    assert!(matches!(tables.save(&twin, &deed()), Err(SaveError::Failed(_))));
    let in_use = Change::RemoveProject(ProjectId::from_u128(1));
    assert!(matches!(tables.save(&in_use, &deed()), Err(SaveError::Referenced(_))));
    assert_eq!(tables.load().unwrap(), before);

    save(&tables, [Change::SaveProject(bare_project(2)), Change::RemoveProject(ProjectId::from_u128(2))]);
    assert_eq!(tables.load().unwrap(), before);
}

#[test]
fn a_project_that_the_ledger_names_stays() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    save(&tables, [Change::SaveProject(bare_project(1))]);
    let id = ProjectId::from_u128(1);
    scratch.run(&format!("INSERT INTO spend VALUES ('{id}', 0, 0, 1, 1)")).unwrap();
    let refusal = tables.save(&Change::RemoveProject(id), &deed()).unwrap_err();
    assert!(matches!(&refusal, SaveError::Referenced(reason) if reason.contains("the ledger names")), "{refusal}");
    assert_eq!(tables.load().unwrap().projects, [bare_project(1)]);
}

#[test]
fn budgets_are_those_of_projects_and_of_keys_that_were_not_revoked() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    save(&tables, [Change::SaveProject(bare_project(1)), Change::SaveProject(full_project(2, 1))]);
    let live = VirtualKey { revoked_at: None, ..full_key(3, 2) };
    save(&tables, [bare_key(1, 1), full_key(2, 2), live].map(saved));
    let found = tables.store.read(budgets).unwrap();
    let expected = [Scope::Project(ProjectId::from_u128(2)), Scope::Key(KeyId::from_u128(3))];
    assert_eq!(found, expected.map(|scope| (scope, full_budget())));
}

#[test]
fn a_damaged_row_is_named_with_its_column() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    save(&tables, [Change::SaveProject(bare_project(1)), saved(full_key(1, 1))]);
    let complaint = |sql: &str| {
        scratch.run(sql).unwrap();
        tables.load().unwrap_err().to_string()
    };
    let id = KeyId::from_u128(1).to_string();
    for (sql, column) in [
        ("UPDATE virtual_keys SET digest = x'00'", "digest"),
        ("UPDATE virtual_keys SET digest = zeroblob(32), former_until = NULL", "former_until"),
        ("UPDATE virtual_keys SET former_until = 4, rpm = -1", "rpm"),
        ("UPDATE virtual_keys SET rpm = 1, budget_window = NULL", "budget"),
        ("UPDATE virtual_keys SET budget_window = 'year'", "budget_window"),
        ("UPDATE virtual_keys SET budget_window = 'day', allowed_models = 'all'", "allowed_models"),
    ] {
        let complaint = complaint(sql);
        assert!(complaint.contains(&id) && complaint.contains(column), "{sql}: {complaint}");
    }
}

#[test]
fn several_keys_are_saved_together_or_not_at_all() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    save(&tables, [Change::SaveProject(bare_project(1)), saved(bare_key(1, 1))]);
    let named = |id| VirtualKey { name: "renamed".to_owned(), ..bare_key(id, 1) };
    let twin = VirtualKey { digest: [1; 32], ..bare_key(2, 1) };
    assert!(tables.save(&Change::SaveKeys(vec![named(1), twin]), &deed()).is_err());
    assert_eq!(tables.load().unwrap().keys, [bare_key(1, 1)]);
    save(&tables, [Change::SaveKeys(vec![named(1), named(2)])]);
    assert_eq!(tables.load().unwrap().keys, [named(1), named(2)]);
}

#[test]
fn revoked_tokens_come_back_until_they_are_over() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    let revoke = |token: u128, until, at| Change::RevokeToken {
        token: TokenId::from_u128(token),
        until: Timestamp(until),
        at: Timestamp(at),
    };
    save(&tables, [revoke(1, 100, 5), revoke(2, 200, 6), revoke(2, 300, 7)]);
    let revoked = |tables: &KeyringTables| tables.load().unwrap().revoked;
    assert_eq!(revoked(&tables), [(TokenId::from_u128(1), Timestamp(100)), (TokenId::from_u128(2), Timestamp(300))]);
    save(&tables, [revoke(3, 400, 100)]);
    assert_eq!(revoked(&opened(&scratch)).len(), 2, "the first is over");
}

#[test]
fn the_step_can_be_taken_back_and_again() {
    let scratch = Scratch::new();
    let tables = opened(&scratch);
    save(&tables, [Change::SaveProject(full_project(1, 1)), saved(full_key(1, 1))]);
    drop(tables);
    scratch.run(include_str!("../../../migrations/sqlite/2026-11-26-000620_keys/down.sql")).unwrap();
    scratch.run(include_str!("../../../migrations/sqlite/2026-11-26-000620_keys/up.sql")).unwrap();
    let loaded = opened(&scratch).load().unwrap();
    let key = loaded.keys.first().unwrap();
    assert_eq!((key.digest, key.former.clone(), key.allowed_endpoints.clone()), ([1; 32], None, None));
}

//! Opening, and the steps from an empty file to the tables of this program, both ways.

use super::*;
use crate::store::testing::{Scratch, TempDir};

// Of two steps with one number only one would ever be taken.
#[test]
fn every_step_has_a_number_of_its_own() {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap();
    let name = |folder: std::fs::DirEntry| folder.file_name().into_string().unwrap();
    let mut numbers: Vec<_> =
        folders.map(|folder| name(folder.unwrap()).split('_').next().unwrap().to_owned()).collect();
    let steps = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), steps, "{numbers:?}");
}

#[test]
fn what_is_no_database_is_refused_with_the_remedy() {
    let file = std::env::temp_dir().join(format!("farthing-no-database-{}", std::process::id()));
    std::fs::write(&file, [b'?'; 4_096]).unwrap();
    let fault = Store::open(&file).err().unwrap().to_string();
    std::fs::remove_file(&file).unwrap();
    assert!(fault.contains("is not a database; restore a backup"), "{fault}");
}

#[test]
fn the_catalogue_goes_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-21-000001_catalogue/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-21-000001_catalogue/up.sql")).unwrap();
}

#[test]
fn the_idempotency_keys_go_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000002_idempotency/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000002_idempotency/up.sql")).unwrap();
}

#[test]
fn the_warnings_of_budgets_go_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000310_budget_warnings/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000310_budget_warnings/up.sql")).unwrap();
}

#[test]
fn the_audit_trail_goes_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000600_audit/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000600_audit/up.sql")).unwrap();
}

#[test]
fn the_people_go_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000610_people/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000610_people/up.sql")).unwrap();
}

#[test]
fn the_planned_prices_go_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000010_planned_prices/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000010_planned_prices/up.sql")).unwrap();
}

#[test]
fn the_response_cache_goes_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-030001_response_cache/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-030001_response_cache/up.sql")).unwrap();
}

#[test]
fn the_latencies_go_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000700_latency/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000700_latency/up.sql")).unwrap();
}

#[test]
fn the_shadow_goes_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-030011_shadow/down.sql")).unwrap();
    scratch.run(include_str!("../../migrations/sqlite/2026-11-26-030011_shadow/up.sql")).unwrap();
}

#[test]
fn migrations_are_named_once_and_newer_databases_are_refused() {
    let dir = TempDir::new();
    let store = Store::open(&dir.path().join("farthing.db")).unwrap();
    let applied = store.migrate().unwrap();
    assert!(applied.iter().any(|name| name.ends_with("_ledger")), "{applied:?}");
    assert_eq!(store.migrate().unwrap(), Vec::<String>::new());
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
    store.change(|connection| Ok(connection.batch_execute(newer)?)).unwrap();
    let refusal = store.migrate().unwrap_err();
    assert!(matches!(&refusal, StoreError::Newer(version) if version == "29990101000000"), "{refusal}");
}

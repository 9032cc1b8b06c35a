//! For tests only: a real database file with the catalogue's tables, in a directory of its own.
//! Owns the directory and removes it at the end.

use std::path::PathBuf;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use farthing_actors::domain::RequestId;

use super::Store;

const UP: &str = include_str!("../../migrations/sqlite/2026-11-21-000001_catalogue/up.sql");
const DOWN: &str = include_str!("../../migrations/sqlite/2026-11-21-000001_catalogue/down.sql");
/// What the catalogue asks of the ledger's tables.
const SPEND: &str = "CREATE TABLE spend (account TEXT NOT NULL, bucket BIGINT NOT NULL, amount BIGINT NOT NULL,
                     entries BIGINT NOT NULL, PRIMARY KEY (account, bucket)) WITHOUT ROWID";

/// A database file that is gone when this is.
pub(super) struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    /// An empty catalogue.
    pub(super) fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("farthing-catalogue-{}", RequestId::generate()));
        std::fs::create_dir(&directory).unwrap();
        let scratch = Self { directory };
        scratch.run(SPEND).unwrap();
        scratch.run(UP).unwrap();
        scratch
    }

    /// A store over the file, as a process that was just started has it.
    pub(super) fn open(&self) -> Arc<Store> {
        Store::open(&self.directory.join("farthing.db")).unwrap()
    }

    /// Runs statements as somebody with a database shell would.
    pub(super) fn run(&self, sql: &str) -> QueryResult<()> {
        self.open().read(|connection| Ok(connection.batch_execute(sql))).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

#[test]
fn the_migration_goes_up_and_down_and_up() {
    let scratch = Scratch::new();
    scratch.run(DOWN).unwrap();
    scratch.run(UP).unwrap();
}

//! Fills a database that nobody serves: ninety days of calls until now, as the writer would have left them.
//! Owns the consistency of rows, rollups and chain (`docs/ledger.md`), so that `ledger verify` finds nothing at fault.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use sha2::{Digest, Sha256};

use crate::Fault;

diesel::table! {
    ledger_entries (seq) {
        seq -> BigInt,
        hash -> Binary,
    }
}

const DAY_MS: i64 = 86_400_000;
const DAYS: i64 = 90;

/// Speed before safety: a fill that breaks off is begun anew. The tables it copies from are what operators made.
const BEGIN: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY;
    DELETE FROM ledger_entries; DELETE FROM usage_rollups; DELETE FROM spend; DELETE FROM latency_rollups;
    CREATE TEMP TABLE keys AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id AS key_id, project_id FROM virtual_keys;
    CREATE UNIQUE INDEX temp.keys_n ON keys (n);
    CREATE TEMP TABLE models AS SELECT row_number() OVER (ORDER BY model_configs.id) - 1 AS n, model_configs.id AS deployment_id,
        name, provider_id, upstream_model, price_id, price
        FROM model_configs LEFT JOIN price_versions ON price_versions.id = price_id;
    CREATE UNIQUE INDEX temp.models_n ON models (n);
    CREATE TEMP TABLE doublings AS WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 20) SELECT n FROM n;";
const END: &str = "PRAGMA journal_mode = WAL;";
const DAY: &str = include_str!("fill.sql");
/// What a line's hash covers, in order.
const FIELDS: &str = "seq kind request_id placed_at closed_at key_id project_id scopes model dialect stream run provider_id \
                      deployment_id upstream_model price_id price input cache_read cache_write_5m cache_write_1h output reasoning \
                      units tier provenance status http_status attempts latency_ms first_token_ms held amount debit_account \
                      credit_account route";

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// Puts `calls` calls into the database at `path`, in place of those that are there.
pub(crate) fn fill(path: &Path, calls: i64) -> Result<(), Fault> {
    let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
    connection.batch_execute(BEGIN)?;
    let mut last =
        diesel::sql_query("SELECT applied_seq AS seq FROM journal_state").get_result::<Last>(&mut connection)?.seq;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let today = now.div_euclid(DAY_MS) * DAY_MS;
    let mut head = [0; 32];
    for day in 0..DAYS {
        let begins = today - (DAYS - 1 - day) * DAY_MS;
        let length = if begins == today { now - today } else { DAY_MS };
        let count = calls * (day + 1) / DAYS - calls * day / DAYS;
        // Numbers go up by two: a hold has one as well.
        last += last % 2;
        let sql = DAY.replace("$DAY", &begins.to_string()).replace("$LENGTH", &length.to_string());
        let sql = sql.replace("$CALLS", &count.to_string()).replace("$SEQ", &last.to_string());
        connection.transaction(|connection| {
            connection.batch_execute(&sql)?;
            chain(connection, last, &mut head)
        })?;
        last += count * 2;
    }
    let end = diesel::sql_query("UPDATE journal_state SET chain_head = ?");
    end.bind::<diesel::sql_types::Binary, _>(&head[..]).execute(&mut connection)?;
    connection.batch_execute(END)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Link {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    covered: String,
}

/// Gives each line after `last` its hash, the first of them behind `head`, which is then the last one's.
fn chain(connection: &mut SqliteConnection, last: i64, head: &mut [u8; 32]) -> QueryResult<()> {
    let fields: Vec<_> = FIELDS.split_whitespace().map(|field| format!("coalesce({field}, '') || char(31)")).collect();
    let covered = fields.join(" || ");
    let lines = format!("SELECT seq, {covered} AS covered FROM ledger_entries WHERE seq > {last} ORDER BY seq");
    for Link { seq, covered } in diesel::sql_query(lines).load::<Link>(connection)? {
        *head = Sha256::new().chain_update(*head).chain_update(covered).finalize().into();
        let line = ledger_entries::table.find(seq);
        diesel::update(line).set(ledger_entries::hash.eq(&head[..])).execute(connection)?;
    }
    Ok(())
}

//! Runs of agents: those the books know, by key and name, and the table `killed_runs` of those that operators have ended.
//! Owns their order. Refuses to forget an end: a run that was ended stays so. Never reads a run's lines but the latest.

use diesel::dsl::exists;
use diesel::prelude::*;
use farthing_actors::domain::{KeyId, Money, RunId, Timestamp};

use super::columns::Row;
use super::schema::{killed_runs, ledger_entries, spend};
use super::{StoreError, spend as rollup};

/// A run as the books know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub key: KeyId,
    /// Its name, in the words of whoever calls.
    pub name: String,
    /// What it has cost.
    pub spent: Money,
    /// How many of its calls were admitted.
    pub calls: u64,
    /// When its latest line was placed; a refused call is a line too.
    pub last_seen: Timestamp,
    /// When an operator ended it.
    pub killed_at: Option<Timestamp>,
}

/// Which runs a page shows, in the order of their keys and names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of this key.
    pub key: Option<KeyId>,
    /// Those behind this key and name: the last ones of the page before.
    pub after: Option<(KeyId, String)>,
    /// At most so many.
    pub limit: u32,
}

/// Every run that was ended.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn killed(connection: &mut SqliteConnection) -> Result<Vec<RunId>, StoreError> {
    let ids: Vec<String> = killed_runs::table.select(killed_runs::id).load(connection)?;
    ids.iter().map(|id| Row { table: "killed_runs", id }.parse("id", id)).collect()
}

/// Ends `run`; harmless if it is ended already.
///
/// # Errors
/// If the database does not answer.
pub fn kill(connection: &mut SqliteConnection, run: RunId, at: Timestamp) -> Result<(), StoreError> {
    let row = (killed_runs::id.eq(run.to_string()), killed_runs::killed_at.eq(at.0));
    diesel::insert_into(killed_runs::table).values(row).on_conflict_do_nothing().execute(connection)?;
    Ok(())
}

/// Whether the books have a line of `run`.
///
/// # Errors
/// If the database does not answer.
pub fn is_known(connection: &mut SqliteConnection, run: RunId) -> Result<bool, StoreError> {
    let lines = spend::table.filter(spend::account.eq(run.to_string()));
    Ok(diesel::select(exists(lines)).get_result(connection)?)
}

/// The runs of a page: a few steps in an index for each, however many lines it has.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn list(connection: &mut SqliteConnection, filter: &RunFilter) -> Result<Vec<Run>, StoreError> {
    let (mut runs, mut place) = (Vec::new(), first(filter));
    while runs.len() < usize::try_from(filter.limit).unwrap_or(usize::MAX) {
        let Some((key, name)) = next(connection, &place, filter.key.is_none())? else { break };
        runs.extend(run(connection, &key, &name)?);
        place = (key, name);
    }
    Ok(runs)
}

/// No name is empty, and no id of a key comes before an empty text.
fn first(filter: &RunFilter) -> (String, String) {
    let after = filter.after.as_ref().map(|(key, name)| (key.to_string(), name.clone()));
    after.unwrap_or_else(|| (filter.key.map(|key| key.to_string()).unwrap_or_default(), String::new()))
}

/// The next name of the same key, or the first of the next key if `further`.
fn next(
    connection: &mut SqliteConnection,
    (key, name): &(String, String),
    further: bool,
) -> Result<Option<(String, String)>, StoreError> {
    let columns = (ledger_entries::key_id, ledger_entries::run.assume_not_null());
    let runs = ledger_entries::table.filter(ledger_entries::run.is_not_null()).select(columns);
    let same = runs.filter(ledger_entries::key_id.eq(key)).filter(ledger_entries::run.gt(name));
    let found = same.order(ledger_entries::run).first(connection).optional()?;
    if found.is_some() || !further {
        return Ok(found);
    }
    let others = runs.filter(ledger_entries::key_id.gt(key));
    Ok(others.order((ledger_entries::key_id, ledger_entries::run)).first(connection).optional()?)
}

/// One run; `None` if its line names no scope of the kind, which none does that this program wrote.
fn run(connection: &mut SqliteConnection, key: &str, name: &str) -> Result<Option<Run>, StoreError> {
    let lines = ledger_entries::table.filter(ledger_entries::key_id.eq(key)).filter(ledger_entries::run.eq(name));
    let columns = (ledger_entries::scopes, ledger_entries::placed_at);
    let (scopes, placed_at): (String, i64) =
        lines.order(ledger_entries::seq.desc()).select(columns).first(connection)?;
    let row = Row { table: "ledger_entries", id: name };
    let Some(id) = scopes.split_whitespace().find(|scope| scope.starts_with(RunId::PREFIX)) else { return Ok(None) };
    let id: RunId = row.parse("scopes", id)?;
    let account = id.to_string();
    let ended = killed_runs::table.find(&account).select(killed_runs::killed_at);
    Ok(Some(Run {
        id,
        key: row.parse("key_id", key)?,
        name: name.to_owned(),
        spent: rollup::spent(connection, &account, Timestamp(i64::MIN))?,
        calls: rollup::calls(connection, &account)?,
        last_seen: Timestamp(placed_at),
        killed_at: ended.first(connection).optional()?.map(Timestamp),
    }))
}

//! The table `killed_runs`: runs of agents that operators have ended.
//! Owns their spelling. Refuses to forget one: a run that was ended stays so.

use diesel::prelude::*;
use farthing_actors::domain::{RunId, Timestamp};

use super::StoreError;
use super::columns::Row;
use super::schema::killed_runs;

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

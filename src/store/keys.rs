//! The table `virtual_keys`, and the keyring's port over it, `projects` and `revoked_tokens`.
//! Owns the spelling of a key in a row. Refuses secrets (a key is here by digest only) and removal: rows stay for ever.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{Budget, Event, Scope, Timestamp};
use farthing_actors::error::{LoadError, SaveError};
use farthing_actors::keyring::{Change, Former, KeyDigest, KeyringStore, Loaded, VirtualKey};

use super::audit::Trail;
use super::columns::{self, Row};
use super::journal::Terms;
use super::schema::virtual_keys;
use super::{Store, StoreError, projects, runs, tokens};

/// The keyring's port.
pub struct KeyringTables {
    /// Where the tables are.
    pub store: Arc<Store>,
    /// Where each change goes on record.
    pub trail: Arc<Trail>,
}

impl KeyringStore for KeyringTables {
    fn load(&self) -> Result<Loaded, LoadError> {
        let all = |connection: &mut SqliteConnection| {
            let (projects, keys) = (projects::load(connection)?, load(connection)?);
            Ok(Loaded { projects, keys, revoked: tokens::revoked(connection)? })
        };
        Ok(self.store.read(all)?)
    }

    fn save(&self, change: &Change, event: &Event) -> Result<(), SaveError> {
        let work = |connection: &mut SqliteConnection| match change {
            Change::SaveProject(project) => projects::save(connection, project),
            Change::RemoveProject(id) => projects::remove(connection, *id),
            Change::SaveKey(key) => save(connection, key),
            Change::SaveKeys(keys) => keys.iter().try_for_each(|key| save(connection, key)),
            Change::RevokeToken { token, until, at } => tokens::revoke(connection, *token, (*until, *at)),
        };
        Ok(self.trail.change(event, work)?)
    }
}

/// One row, as read and as written. `last_used_at` is neither: its only writer is [`super::key_uses`].
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = virtual_keys, treat_none_as_null = true)]
struct KeyRow {
    id: String,
    project_id: String,
    name: String,
    prefix: String,
    digest: Vec<u8>,
    budget_limit: Option<String>,
    budget_window: Option<String>,
    budget_time_zone: Option<String>,
    budget_warn: Option<String>,
    budget_mode: Option<String>,
    limits_mode: Option<String>,
    rpm: Option<i64>,
    tpm: Option<i64>,
    concurrency: Option<i64>,
    allowed_models: String,
    max_requests: Option<i64>,
    run_limit: Option<String>,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    created_at: i64,
    allowed_endpoints: Option<String>,
    allowed_parameters: Option<String>,
    former_digest: Option<Vec<u8>>,
    former_prefix: Option<String>,
    former_until: Option<i64>,
    created_by: Option<String>,
}

/// Every key, revoked ones included.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn load(connection: &mut SqliteConnection) -> Result<Vec<VirtualKey>, StoreError> {
    let rows = virtual_keys::table.select(KeyRow::as_select()).order(virtual_keys::id).load(connection)?;
    rows.into_iter().map(KeyRow::into_key).collect()
}

/// Writes the key over the row with its id, or as a new one.
///
/// # Errors
/// If the database refuses it.
pub fn save(connection: &mut SqliteConnection, key: &VirtualKey) -> Result<(), StoreError> {
    let row = KeyRow::from(key);
    let insert = diesel::insert_into(virtual_keys::table).values(&row);
    insert.on_conflict(virtual_keys::id).do_update().set(&row).execute(connection)?;
    Ok(())
}

/// Everything that limits spending.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn terms(connection: &mut SqliteConnection) -> Result<Terms, StoreError> {
    let live = virtual_keys::table.filter(virtual_keys::revoked_at.is_null());
    let capped = live.filter(virtual_keys::max_requests.is_not_null());
    let capped = capped.select((virtual_keys::id, virtual_keys::max_requests.assume_not_null()));
    let caps = capped.load::<(String, i64)>(connection)?.into_iter().map(|(id, max)| {
        let row = Row { table: "virtual_keys", id: &id };
        Ok((row.parse("id", &id)?, row.number("max_requests", max)?))
    });
    let caps = caps.collect::<Result<_, StoreError>>()?;
    Ok(Terms { budgets: budgets(connection)?, caps, killed: runs::killed(connection)? })
}

/// The budgets of every project and of every key that was not revoked.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn budgets(connection: &mut SqliteConnection) -> Result<Vec<(Scope, Budget)>, StoreError> {
    let window = (virtual_keys::budget_window, virtual_keys::budget_time_zone);
    let columns =
        (virtual_keys::budget_limit, window.0, window.1, virtual_keys::budget_warn, virtual_keys::budget_mode);
    let live = virtual_keys::table.filter(virtual_keys::revoked_at.is_null());
    let budgeted = live.filter(virtual_keys::budget_limit.is_not_null());
    let rows: Vec<(String, columns::BudgetColumns)> = budgeted.select((virtual_keys::id, columns)).load(connection)?;
    let mut budgets = projects::budgets(connection)?;
    budgets.extend(columns::budgets("virtual_keys", &rows)?);
    Ok(budgets)
}

impl From<&VirtualKey> for KeyRow {
    fn from(key: &VirtualKey) -> Self {
        let (budget_limit, budget_window, budget_time_zone, budget_warn, budget_mode) =
            columns::budget_columns(key.budget.as_ref());
        Self {
            id: key.id.to_string(),
            project_id: key.project.to_string(),
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            digest: key.digest.to_vec(),
            budget_limit,
            budget_window,
            budget_time_zone,
            budget_warn,
            budget_mode,
            limits_mode: Some(key.limits.mode.name().to_owned()),
            rpm: key.limits.rpm.map(i64::from),
            tpm: key.limits.tpm.map(columns::signed),
            concurrency: key.limits.concurrency.map(i64::from),
            allowed_models: columns::allowed_column(&key.allowed_models),
            max_requests: key.max_requests.map(columns::signed),
            run_limit: key.run_limit.map(|limit| limit.to_string()),
            expires_at: key.expires_at.map(|time| time.0),
            revoked_at: key.revoked_at.map(|time| time.0),
            created_at: key.created_at.0,
            allowed_endpoints: key.allowed_endpoints.as_ref().map(|list| serde_json::json!(list).to_string()),
            allowed_parameters: key.allowed_parameters.as_ref().map(|lists| serde_json::json!(lists).to_string()),
            former_digest: key.former.as_ref().map(|former| former.digest.to_vec()),
            former_prefix: key.former.as_ref().map(|former| former.prefix.clone()),
            former_until: key.former.as_ref().map(|former| former.until.0),
            created_by: key.created_by.clone(),
        }
    }
}

impl KeyRow {
    fn into_key(self) -> Result<VirtualKey, StoreError> {
        let row = Row { table: "virtual_keys", id: &self.id };
        Ok(VirtualKey {
            id: row.parse("id", &self.id)?,
            project: row.parse("project_id", &self.project_id)?,
            digest: digest(row, "digest", self.digest)?,
            former: former(row, (self.former_prefix, self.former_digest, self.former_until))?,
            budget: row.budget(&(
                self.budget_limit,
                self.budget_window,
                self.budget_time_zone,
                self.budget_warn,
                self.budget_mode,
            ))?,
            limits: row.limits((self.rpm, self.tpm, self.concurrency), self.limits_mode.as_deref())?,
            allowed_models: row.json("allowed_models", &self.allowed_models)?,
            allowed_endpoints: row.optional_json("allowed_endpoints", self.allowed_endpoints.as_deref())?,
            allowed_parameters: row.optional_json("allowed_parameters", self.allowed_parameters.as_deref())?,
            max_requests: row.optional("max_requests", self.max_requests)?,
            run_limit: self.run_limit.as_deref().map(|limit| row.parse("run_limit", limit)).transpose()?,
            expires_at: self.expires_at.map(Timestamp),
            revoked_at: self.revoked_at.map(Timestamp),
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
            name: self.name,
            prefix: self.prefix,
        })
    }
}

fn digest(row: Row<'_>, column: &str, bytes: Vec<u8>) -> Result<KeyDigest, StoreError> {
    bytes.try_into().map_err(|_| row.damaged(column, "must be 32 bytes"))
}

fn former(row: Row<'_>, columns: (Option<String>, Option<Vec<u8>>, Option<i64>)) -> Result<Option<Former>, StoreError> {
    match columns {
        (None, None, None) => Ok(None),
        (Some(prefix), Some(bytes), Some(until)) => {
            Ok(Some(Former { prefix, digest: digest(row, "former_digest", bytes)?, until: Timestamp(until) }))
        }
        _ => Err(row.damaged("former_until", "a former secret needs prefix, digest and end")),
    }
}

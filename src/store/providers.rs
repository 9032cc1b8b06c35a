//! The table `providers`, and the registry's port over it, `model_configs` and `model_groups`.
//! Owns the spelling of a provider in a row. Refuses to open seals: a provider's key goes in and out as it is.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{Event, ProviderId, Sealed, Timeouts, Timestamp};
use farthing_actors::error::{LoadError, SaveError};
use farthing_actors::registry::{Change, Deployment, Group, Provider, RegistryStore};

use super::audit::Trail;
use super::columns::{self, Row};
use super::schema::providers;
use super::{Store, StoreError, groups, models};

/// The registry's port.
pub struct RegistryTables {
    /// Where the tables are.
    pub store: Arc<Store>,
    /// Where each change goes on record.
    pub trail: Arc<Trail>,
}

impl RegistryStore for RegistryTables {
    fn load(&self) -> Result<(Vec<Provider>, Vec<Deployment>), LoadError> {
        Ok(self.store.read(|connection| Ok((load(connection)?, models::load(connection)?)))?)
    }

    fn load_groups(&self) -> Result<Vec<Group>, LoadError> {
        Ok(self.store.read(groups::load)?)
    }

    fn save(&self, change: &Change, event: &Event) -> Result<(), SaveError> {
        let work = |connection: &mut SqliteConnection| match change {
            Change::SaveProvider(provider) => save(connection, provider),
            Change::ResealProviders(resealed) => resealed.iter().try_for_each(|provider| reseal(connection, provider)),
            Change::RemoveProvider(id) => remove(connection, *id),
            Change::SaveDeployment { deployment, record } => models::save(connection, deployment, record),
            Change::RemoveDeployment { id, record } => models::remove(connection, *id, record),
            Change::SaveGroup(group) => groups::save(connection, group),
            Change::RemoveGroup(id) => groups::remove(connection, *id),
        };
        Ok(self.trail.change(event, work)?)
    }
}

/// One row, as read and as written. `managed_by` is neither: it stays what it is.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = providers, treat_none_as_null = true)]
struct ProviderRow {
    id: String,
    name: String,
    kind: String,
    base_url: String,
    api_key_sealed: Option<Vec<u8>>,
    allow_private_network: bool,
    enabled: bool,
    connect_ms: i64,
    first_byte_ms: Option<i64>,
    idle_ms: i64,
    total_ms: i64,
    created_at: i64,
    updated_at: i64,
}

/// Every provider.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn load(connection: &mut SqliteConnection) -> Result<Vec<Provider>, StoreError> {
    let rows = providers::table.select(ProviderRow::as_select()).order(providers::id).load(connection)?;
    rows.into_iter().map(ProviderRow::into_provider).collect()
}

/// Writes the provider over the row with its id, or as a new one.
///
/// # Errors
/// If the database refuses it.
pub fn save(connection: &mut SqliteConnection, provider: &Provider) -> Result<(), StoreError> {
    let row = ProviderRow::from(provider);
    let insert = diesel::insert_into(providers::table).values(&row);
    insert.on_conflict(providers::id).do_update().set(&row).execute(connection)?;
    Ok(())
}

/// Writes the provider's key alone, sealed anew.
fn reseal(connection: &mut SqliteConnection, provider: &Provider) -> Result<(), StoreError> {
    let sealed = provider.api_key.as_ref().map(|sealed| &sealed.0[..]);
    let row = diesel::update(providers::table.find(provider.id.to_string()));
    row.set(providers::api_key_sealed.eq(sealed)).execute(connection)?;
    Ok(())
}

/// Removes the row.
///
/// # Errors
/// If the database does not answer, or a deployment refers to it.
pub fn remove(connection: &mut SqliteConnection, id: ProviderId) -> Result<(), StoreError> {
    diesel::delete(providers::table.find(id.to_string())).execute(connection)?;
    Ok(())
}

impl From<&Provider> for ProviderRow {
    fn from(provider: &Provider) -> Self {
        Self {
            id: provider.id.to_string(),
            name: provider.name.clone(),
            kind: provider.kind.to_string(),
            base_url: provider.base_url.clone(),
            api_key_sealed: provider.api_key.as_ref().map(|sealed| sealed.0.to_vec()),
            allow_private_network: provider.allow_private_network,
            enabled: provider.enabled,
            connect_ms: columns::signed(provider.timeouts.connect_ms),
            first_byte_ms: provider.timeouts.first_byte_ms.map(columns::signed),
            idle_ms: columns::signed(provider.timeouts.idle_ms),
            total_ms: columns::signed(provider.timeouts.total_ms),
            created_at: provider.created_at.0,
            updated_at: provider.updated_at.0,
        }
    }
}

impl ProviderRow {
    fn into_provider(self) -> Result<Provider, StoreError> {
        let row = Row { table: "providers", id: &self.id };
        let timeouts = Timeouts {
            connect_ms: row.number("connect_ms", self.connect_ms)?,
            first_byte_ms: row.optional("first_byte_ms", self.first_byte_ms)?,
            idle_ms: row.number("idle_ms", self.idle_ms)?,
            total_ms: row.number("total_ms", self.total_ms)?,
        };
        Ok(Provider {
            id: row.parse("id", &self.id)?,
            kind: row.parse("kind", &self.kind)?,
            api_key: self.api_key_sealed.map(|sealed| Sealed(sealed.into())),
            timeouts,
            name: self.name,
            base_url: self.base_url,
            allow_private_network: self.allow_private_network,
            enabled: self.enabled,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}

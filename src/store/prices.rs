//! The table `price_versions`: every price that was ever in force, so that what was booked can be computed again.
//! Owns the spelling of a version in a row. Refuses updates and removals; the table itself does too.

use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{DeploymentId, Price, PriceId, PriceInForce, Timestamp};
use farthing_actors::registry::PriceVersion;

use super::StoreError;
use super::columns::Row;
use super::schema::price_versions;

/// One row, as read and as added. `price` is the price as JSON, as every line booked at it has it too.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = price_versions)]
struct PriceRow {
    id: String,
    deployment_id: String,
    effective_from: i64,
    price: String,
}

/// Every version of a deployment's price, the earliest first; also of a deployment that is gone.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn versions(connection: &mut SqliteConnection, deployment: DeploymentId) -> Result<Vec<PriceVersion>, StoreError> {
    let of_deployment = price_versions::table.filter(price_versions::deployment_id.eq(deployment.to_string()));
    let ordered = of_deployment.order((price_versions::effective_from, price_versions::id));
    let rows = ordered.select(PriceRow::as_select()).load(connection)?;
    rows.into_iter().map(PriceRow::into_version).collect()
}

/// Adds a version.
///
/// # Errors
/// If the database refuses it, as it does where the id is taken.
pub(super) fn add(connection: &mut SqliteConnection, version: &PriceVersion) -> Result<(), StoreError> {
    diesel::insert_into(price_versions::table).values(PriceRow::from(version)).execute(connection)?;
    Ok(())
}

/// The version as deployments and lines name it.
///
/// # Errors
/// If there is none, it is damaged, or the database does not answer.
pub(super) fn version(connection: &mut SqliteConnection, id: &str) -> Result<PriceInForce, StoreError> {
    let found = price_versions::table.find(id).select(PriceRow::as_select()).first(connection)?;
    let version = found.into_version()?;
    Ok(Arc::new((version.id, version.price)))
}

/// The price as rows have it. A price is plain figures, which always have a JSON form.
pub(super) fn json(price: &Price) -> String {
    serde_json::to_string(price).unwrap_or_default()
}

/// From when the version is in force.
///
/// # Errors
/// If there is none, or the database does not answer.
pub(super) fn effective_from(connection: &mut SqliteConnection, id: PriceId) -> Result<Timestamp, StoreError> {
    let version = price_versions::table.find(id.to_string());
    Ok(Timestamp(version.select(price_versions::effective_from).first(connection)?))
}

impl From<&PriceVersion> for PriceRow {
    fn from(version: &PriceVersion) -> Self {
        Self {
            id: version.id.to_string(),
            deployment_id: version.deployment.to_string(),
            effective_from: version.effective_from.0,
            price: json(&version.price),
        }
    }
}

impl PriceRow {
    fn into_version(self) -> Result<PriceVersion, StoreError> {
        let row = Row { table: "price_versions", id: &self.id };
        Ok(PriceVersion {
            id: row.parse("id", &self.id)?,
            deployment: row.parse("deployment_id", &self.deployment_id)?,
            effective_from: Timestamp(self.effective_from),
            price: row.json("price", &self.price)?,
        })
    }
}

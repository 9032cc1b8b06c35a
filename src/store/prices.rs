//! The table `price_versions`: every price that was ever in force, so that what was booked can be computed again.
//! Owns the spelling of a version in a row. Refuses updates and removals; the table itself does too.

use diesel::prelude::*;
use farthing_actors::domain::{DeploymentId, Money, Price, PriceId, Rate, Timestamp};
use farthing_actors::registry::PriceVersion;

use super::StoreError;
use super::columns::{self, Row};
use super::schema::price_versions;

/// One row, as read and as added.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = price_versions)]
struct PriceRow {
    id: String,
    deployment_id: String,
    effective_from: i64,
    input_cost_per_m: i64,
    output_cost_per_m: i64,
    cache_read_cost_per_m: i64,
    cache_write_cost_per_m: i64,
    cache_write_1h_cost_per_m: i64,
    reasoning_cost_per_m: Option<i64>,
    request_fee: i64,
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
        let price = &version.price;
        Self {
            id: version.id.to_string(),
            deployment_id: version.deployment.to_string(),
            effective_from: version.effective_from.0,
            input_cost_per_m: price.input_cost_per_m.to_row(),
            output_cost_per_m: price.output_cost_per_m.to_row(),
            cache_read_cost_per_m: price.cache_read_cost_per_m.to_row(),
            cache_write_cost_per_m: price.cache_write_cost_per_m.to_row(),
            cache_write_1h_cost_per_m: price.cache_write_1h_cost_per_m.to_row(),
            reasoning_cost_per_m: price.reasoning_cost_per_m.map(Rate::to_row),
            request_fee: columns::fee(price.request_fee_usd),
        }
    }
}

impl PriceRow {
    fn into_version(self) -> Result<PriceVersion, StoreError> {
        let row = Row { table: "price_versions", id: &self.id };
        let reasoning = self.reasoning_cost_per_m;
        let price = Price {
            input_cost_per_m: row.rate("input_cost_per_m", self.input_cost_per_m)?,
            output_cost_per_m: row.rate("output_cost_per_m", self.output_cost_per_m)?,
            cache_read_cost_per_m: row.rate("cache_read_cost_per_m", self.cache_read_cost_per_m)?,
            cache_write_cost_per_m: row.rate("cache_write_cost_per_m", self.cache_write_cost_per_m)?,
            cache_write_1h_cost_per_m: row.rate("cache_write_1h_cost_per_m", self.cache_write_1h_cost_per_m)?,
            reasoning_cost_per_m: reasoning.map(|picos| row.rate("reasoning_cost_per_m", picos)).transpose()?,
            request_fee_usd: Money::from_row(self.request_fee),
        };
        Ok(PriceVersion {
            id: row.parse("id", &self.id)?,
            deployment: row.parse("deployment_id", &self.deployment_id)?,
            effective_from: Timestamp(self.effective_from),
            price,
        })
    }
}

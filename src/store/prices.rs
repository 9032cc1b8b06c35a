//! The tables `price_versions` and `price_withdrawals`: every price that was ever set, so that what was booked can be
//! computed again, and the planned ones that were given up. Owns the spelling of a version in a row. Refuses updates and
//! removals; the tables themselves do too.

use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{DeploymentId, Price, PriceId, PriceInForce, Timestamp};
use farthing_actors::registry::{PriceRecord, PriceVersion, Withdrawal};

use super::StoreError;
use super::columns::Row;
use super::schema::{price_versions, price_withdrawals};

/// Who set a version that is older than the record of it.
const UNKNOWN: &str = "unknown";

/// One row, as read and as added. `price` is the price as JSON, as every line booked at it has it too.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = price_versions)]
struct PriceRow {
    id: String,
    deployment_id: String,
    effective_from: i64,
    price: String,
    set_by: Option<String>,
    set_at: Option<i64>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = price_withdrawals)]
struct WithdrawalRow {
    price_id: String,
    withdrawn_at: i64,
    withdrawn_by: String,
}

/// Every version of a deployment's price, the earliest first, and the planned ones that were given up; also of a
/// deployment that is gone.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn record(
    connection: &mut SqliteConnection,
    deployment: DeploymentId,
) -> Result<(Vec<PriceVersion>, Vec<Withdrawal>), StoreError> {
    let versions = versions(connection, deployment)?;
    let withdrawals = withdrawals(connection, &versions)?;
    Ok((versions, withdrawals))
}

/// Every version of a deployment's price, the earliest first.
pub(super) fn versions(
    connection: &mut SqliteConnection,
    deployment: DeploymentId,
) -> Result<Vec<PriceVersion>, StoreError> {
    let of_deployment = price_versions::table.filter(price_versions::deployment_id.eq(deployment.to_string()));
    let ordered = of_deployment.order((price_versions::effective_from, price_versions::id));
    let rows = ordered.select(PriceRow::as_select()).load(connection)?;
    rows.into_iter().map(PriceRow::into_version).collect()
}

/// Which of `versions` were planned and given up.
fn withdrawals(connection: &mut SqliteConnection, versions: &[PriceVersion]) -> Result<Vec<Withdrawal>, StoreError> {
    let ids: Vec<_> = versions.iter().map(|version| version.id.to_string()).collect();
    let of_versions = price_withdrawals::table.filter(price_withdrawals::price_id.eq_any(ids));
    let rows = of_versions.select(WithdrawalRow::as_select()).load(connection)?;
    rows.into_iter().map(WithdrawalRow::into_withdrawal).collect()
}

/// Adds to the record.
///
/// # Errors
/// If the database refuses it, as it does where the id of a version is taken.
pub(super) fn add(connection: &mut SqliteConnection, record: &PriceRecord) -> Result<(), StoreError> {
    for version in &record.added {
        diesel::insert_into(price_versions::table).values(PriceRow::from(version)).execute(connection)?;
    }
    if let Some(withdrawal) = &record.withdrawn {
        diesel::insert_into(price_withdrawals::table).values(WithdrawalRow::from(withdrawal)).execute(connection)?;
    }
    Ok(())
}

/// The version as deployments and lines name it.
///
/// # Errors
/// If there is none, it is damaged, or the database does not answer.
pub(super) fn version(connection: &mut SqliteConnection, id: &str) -> Result<PriceInForce, StoreError> {
    let version = whole(connection, id)?;
    Ok(Arc::new((version.id, version.price)))
}

/// The version with everything that is known of it.
///
/// # Errors
/// As [`version`].
pub(super) fn whole(connection: &mut SqliteConnection, id: &str) -> Result<PriceVersion, StoreError> {
    price_versions::table.find(id).select(PriceRow::as_select()).first(connection)?.into_version()
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
            set_by: Some(version.set_by.to_string()),
            set_at: Some(version.set_at.0),
        }
    }
}

impl From<&Withdrawal> for WithdrawalRow {
    fn from(withdrawal: &Withdrawal) -> Self {
        Self {
            price_id: withdrawal.price.to_string(),
            withdrawn_at: withdrawal.at.0,
            withdrawn_by: withdrawal.by.to_string(),
        }
    }
}

impl WithdrawalRow {
    fn into_withdrawal(self) -> Result<Withdrawal, StoreError> {
        let row = Row { table: "price_withdrawals", id: &self.price_id };
        let price = row.parse("price_id", &self.price_id)?;
        Ok(Withdrawal { price, at: Timestamp(self.withdrawn_at), by: self.withdrawn_by.into() })
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
            set_at: Timestamp(self.set_at.unwrap_or(self.effective_from)),
            set_by: self.set_by.as_deref().unwrap_or(UNKNOWN).into(),
        })
    }
}

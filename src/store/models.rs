//! The table `model_configs`: a row for each deployment, with a copy of the price in force.
//! Owns the spelling of a deployment in a row. Refuses to change a price without a version in `price_versions`.

use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{DeploymentId, Price, Rate, Timestamp};
use farthing_actors::registry::{Deployment, PriceRecord};

use super::columns::{self, Row};
use super::schema::model_configs;
use super::{StoreError, prices};

/// One row, as read and as written, except `managed_by`, which stays what it is. The rates are written for people who read
/// the table; what counts is the version that `price_id` names.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = model_configs, treat_none_as_null = true)]
struct ModelRow {
    id: String,
    name: String,
    provider_id: String,
    upstream_model: String,
    weight: i64,
    priority: i32,
    dialects: String,
    max_output_tokens: Option<i64>,
    context_window: Option<i64>,
    input_cost_per_m: Option<i64>,
    output_cost_per_m: Option<i64>,
    cache_read_cost_per_m: Option<i64>,
    cache_write_cost_per_m: Option<i64>,
    cache_write_1h_cost_per_m: Option<i64>,
    reasoning_cost_per_m: Option<i64>,
    price_id: Option<String>,
    price_effective_from: Option<i64>,
    price_source: String,
    created_at: i64,
    upcoming_price_id: Option<String>,
}

/// Every deployment.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn load(connection: &mut SqliteConnection) -> Result<Vec<Deployment>, StoreError> {
    let rows = model_configs::table.select(ModelRow::as_select()).order(model_configs::id).load(connection)?;
    rows.into_iter().map(|row| row.into_deployment(connection)).collect()
}

/// Adds what there is to the record of prices, and writes the deployment over the row with its id, or as a new one.
///
/// # Errors
/// If the database refuses either, or the deployment names a version that is not there.
pub fn save(
    connection: &mut SqliteConnection,
    deployment: &Deployment,
    record: &PriceRecord,
) -> Result<(), StoreError> {
    prices::add(connection, record)?;
    let version = deployment.price.as_deref().map(|(id, _)| *id);
    let in_force = version.map(|id| prices::effective_from(connection, id)).transpose()?;
    let row = ModelRow::new(deployment, in_force);
    let insert = diesel::insert_into(model_configs::table).values(&row);
    insert.on_conflict(model_configs::id).do_update().set(&row).execute(connection)?;
    Ok(())
}

/// Removes the row, and adds what there is to the record of prices, which stays.
///
/// # Errors
/// If the database does not answer.
pub fn remove(connection: &mut SqliteConnection, id: DeploymentId, record: &PriceRecord) -> Result<(), StoreError> {
    prices::add(connection, record)?;
    diesel::delete(model_configs::table.find(id.to_string())).execute(connection)?;
    Ok(())
}

impl ModelRow {
    fn new(deployment: &Deployment, in_force: Option<Timestamp>) -> Self {
        let price = deployment.price.as_deref().map(|(_, price)| price);
        let rate = |pick: fn(&Price) -> Option<Rate>| price.and_then(pick).map(Rate::to_row);
        Self {
            id: deployment.id.to_string(),
            name: deployment.name.to_string(),
            provider_id: deployment.provider.to_string(),
            upstream_model: deployment.upstream_model.to_string(),
            weight: i64::from(deployment.weight),
            priority: deployment.priority,
            dialects: columns::json_list(deployment.dialects.iter().map(|dialect| dialect.name())),
            max_output_tokens: deployment.max_output_tokens.map(columns::signed),
            context_window: deployment.context_window.map(columns::signed),
            input_cost_per_m: rate(|price| Some(price.input_cost_per_m)),
            output_cost_per_m: rate(|price| Some(price.output_cost_per_m)),
            cache_read_cost_per_m: rate(|price| price.cache_read_cost_per_m),
            cache_write_cost_per_m: rate(|price| price.cache_write_cost_per_m),
            cache_write_1h_cost_per_m: rate(|price| price.cache_write_1h_cost_per_m),
            reasoning_cost_per_m: rate(|price| price.reasoning_cost_per_m),
            price_id: deployment.price.as_deref().map(|(id, _)| id.to_string()),
            price_effective_from: in_force.map(|time| time.0),
            price_source: deployment.price_source.name().to_owned(),
            created_at: deployment.created_at.0,
            upcoming_price_id: deployment.upcoming.as_ref().map(|version| version.id.to_string()),
        }
    }

    fn into_deployment(self, connection: &mut SqliteConnection) -> Result<Deployment, StoreError> {
        let row = Row { table: "model_configs", id: &self.id };
        let price = self.price_id.as_deref().map(|id| prices::version(connection, id)).transpose()?;
        let upcoming = self.upcoming_price_id.as_deref().map(|id| prices::whole(connection, id)).transpose()?;
        Ok(Deployment {
            id: row.parse("id", &self.id)?,
            provider: row.parse("provider_id", &self.provider_id)?,
            weight: row.number("weight", self.weight)?,
            dialects: row.json("dialects", &self.dialects)?,
            max_output_tokens: row.optional("max_output_tokens", self.max_output_tokens)?,
            context_window: row.optional("context_window", self.context_window)?,
            price,
            price_source: row.parse("price_source", &self.price_source)?,
            upcoming: upcoming.map(Arc::new),
            name: self.name.as_str().into(),
            upstream_model: self.upstream_model.as_str().into(),
            priority: self.priority,
            created_at: Timestamp(self.created_at),
        })
    }
}

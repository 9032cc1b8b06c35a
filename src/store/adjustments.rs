//! The table `ledger_adjustments`: lines that no request made.
//! Owns the spelling of such a line in a row. Refuses updates and removals; the table itself refuses updates too.

use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{AdjustmentId, Money, ProviderId, Scope, Timestamp};
use farthing_actors::ledger::entry::Adjustment;

use super::StoreError;
use super::chain::{Fields, Hash};
use super::columns::Row;
use super::export::{Columns, Value};
use super::schema::ledger_adjustments;

/// The account that is credited where no provider is: what operators give and take.
pub(super) const HOUSE: &str = "operator";

/// One row, as read and as added.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = ledger_adjustments)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct AdjustmentRow {
    pub(super) seq: i64,
    id: String,
    booked_at: i64,
    scopes: String,
    provider_id: Option<String>,
    amount: i64,
    reason: String,
    actor: String,
    request_id: Option<String>,
    pub(super) debit_account: String,
    pub(super) credit_account: String,
    pub(super) hash: Vec<u8>,
}

/// An adjustment and the number of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAdjustment {
    /// The number of the journal record that booked it.
    pub seq: i64,
    /// The line.
    pub adjustment: Adjustment,
}

/// Adjustments before the line `before_seq`, newest first.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn adjustments(
    connection: &mut SqliteConnection,
    before_seq: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredAdjustment>, StoreError> {
    let rows = ledger_adjustments::table
        .filter(ledger_adjustments::seq.lt(before_seq.unwrap_or(i64::MAX)))
        .order(ledger_adjustments::seq.desc())
        .limit(limit)
        .select(AdjustmentRow::as_select())
        .load(connection)?;
    rows.into_iter().map(|row| Ok(StoredAdjustment { seq: row.seq, adjustment: row.adjustment()? })).collect()
}

/// The ids of the latest adjustments, at most `limit`.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub(super) fn latest_ids(connection: &mut SqliteConnection, limit: i64) -> Result<Vec<AdjustmentId>, StoreError> {
    let latest = ledger_adjustments::table.order(ledger_adjustments::seq.desc()).limit(limit);
    let ids: Vec<String> = latest.select(ledger_adjustments::id).load(connection)?;
    ids.iter().rev().map(|id| Row { table: "ledger_adjustments", id }.parse("id", id)).collect()
}

/// The adjustment with this id.
///
/// # Errors
/// If the database does not answer or the row is damaged.
pub fn adjustment(connection: &mut SqliteConnection, id: AdjustmentId) -> Result<Option<StoredAdjustment>, StoreError> {
    let found = ledger_adjustments::table.filter(ledger_adjustments::id.eq(id.to_string()));
    let row = found.select(AdjustmentRow::as_select()).first::<AdjustmentRow>(connection).optional()?;
    row.map(|row| Ok(StoredAdjustment { seq: row.seq, adjustment: row.adjustment()? })).transpose()
}

impl AdjustmentRow {
    /// The row of `adjustment`, not yet a link of the chain.
    pub(super) fn new(seq: i64, adjustment: &Adjustment) -> Self {
        let scopes: Vec<_> = adjustment.scopes.iter().map(Scope::to_string).collect();
        let provider = adjustment.provider.as_ref().map(ProviderId::to_string);
        Self {
            seq,
            id: adjustment.id.to_string(),
            booked_at: adjustment.booked_at.0,
            debit_account: scopes.first().cloned().unwrap_or_default(),
            credit_account: provider.clone().unwrap_or_else(|| HOUSE.to_owned()),
            scopes: scopes.join(" "),
            provider_id: provider,
            amount: adjustment.amount.to_row().unwrap_or(i64::MAX),
            reason: adjustment.reason.to_string(),
            actor: adjustment.actor.to_string(),
            request_id: adjustment.request.map(|id| id.to_string()),
            hash: Vec::new(),
        }
    }

    /// Adds it as the link `hash` of the chain. `false` if an adjustment with its id is there already, which the ledger
    /// remembers only for a while: then nothing is added.
    pub(super) fn insert(mut self, connection: &mut SqliteConnection, hash: &Hash) -> Result<bool, StoreError> {
        self.hash = hash.to_vec();
        let insert = diesel::insert_into(ledger_adjustments::table).values(&self);
        Ok(insert.on_conflict(ledger_adjustments::id).do_nothing().execute(connection)? > 0)
    }

    /// What its hash covers: every column but the hash, in this order.
    pub(super) fn fields(&self, fields: &mut Fields) {
        fields.begin();
        fields.number(self.seq).text(&self.id).number(self.booked_at).text(&self.scopes);
        fields.maybe(self.provider_id.as_deref()).number(self.amount).text(&self.reason).text(&self.actor);
        fields.maybe(self.request_id.as_deref()).text(&self.debit_account).text(&self.credit_account);
    }

    /// What its hash covers, as the row says it, in the order of [`AdjustmentRow::fields`].
    pub(super) fn columns(&self) -> Columns {
        let text = |text: &str| Value::Text(text.to_owned());
        let maybe = |column: Option<&str>| column.map_or(Value::Absent, text);
        vec![
            ("seq", Value::Number(self.seq)),
            ("id", text(&self.id)),
            ("booked_at", Value::Number(self.booked_at)),
            ("scopes", text(&self.scopes)),
            ("provider_id", maybe(self.provider_id.as_deref())),
            ("amount", Value::Picos(self.amount)),
            ("reason", text(&self.reason)),
            ("actor", text(&self.actor)),
            ("request_id", maybe(self.request_id.as_deref())),
            ("debit_account", text(&self.debit_account)),
            ("credit_account", text(&self.credit_account)),
        ]
    }

    /// The line this row holds.
    pub(super) fn adjustment(&self) -> Result<Adjustment, StoreError> {
        let row = Row { table: "ledger_adjustments", id: &self.id };
        let scopes = self.scopes.split_whitespace().map(|scope| row.parse("scopes", scope));
        Ok(Adjustment {
            id: row.parse("id", &self.id)?,
            scopes: scopes.collect::<Result<Vec<_>, _>>()?.into(),
            provider: self.provider_id.as_deref().map(|id| row.parse("provider_id", id)).transpose()?,
            amount: Money::from_row(self.amount),
            reason: Arc::from(&*self.reason),
            actor: Arc::from(&*self.actor),
            request: self.request_id.as_deref().map(|id| row.parse("request_id", id)).transpose()?,
            booked_at: Timestamp(self.booked_at),
        })
    }
}

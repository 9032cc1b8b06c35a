//! The row of `ledger_entries`: from an entry, and back.
//! Owns the text and number forms of its columns. Refuses to guess: what does not parse is a damaged row.

use std::fmt::{Display, Write};
use std::str::FromStr;
use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{Money, Price, Provenance, Timestamp, Usage};
use farthing_actors::ledger::entry::{Call, Entry, Outcome, Target};

use super::StoredEntry;
use crate::store::StoreError;
use crate::store::schema::ledger_entries;

/// A row on its way in. Borrows everything, so that a batch of a thousand allocates next to nothing.
#[derive(Insertable)]
#[diesel(table_name = ledger_entries)]
pub(in crate::store) struct NewRow<'a> {
    seq: i64,
    request_id: &'a str,
    placed_at: i64,
    closed_at: i64,
    key_id: &'a str,
    project_id: &'a str,
    scopes: &'a str,
    model: &'a str,
    dialect: &'a str,
    stream: bool,
    provider_id: Option<&'a str>,
    deployment_id: Option<&'a str>,
    upstream_model: Option<&'a str>,
    price_id: Option<&'a str>,
    price: Option<&'a str>,
    input: i64,
    cache_read: i64,
    cache_write_5m: i64,
    cache_write_1h: i64,
    output: i64,
    reasoning: i64,
    provenance: &'a str,
    status: &'a str,
    http_status: i32,
    attempts: i32,
    latency_ms: i64,
    first_token_ms: Option<i64>,
    held: i64,
    amount: i64,
    debit_account: &'a str,
    credit_account: &'a str,
}

/// The texts of one row, kept between rows for their memory.
#[derive(Default)]
pub(in crate::store) struct Texts {
    request: String,
    key: String,
    project: String,
    scopes: String,
    provider: String,
    deployment: String,
    price_id: String,
    price: String,
    provenance: String,
    priced: Option<Price>,
}

impl Texts {
    /// The row of `entry`, completed by the journal record `seq`.
    pub(in crate::store) fn row<'a>(&'a mut self, seq: u64, entry: &'a Entry) -> NewRow<'a> {
        self.write(entry);
        let (call, outcome, usage) = (&entry.call, &entry.outcome, &entry.outcome.usage);
        let target = entry.target.as_ref();
        let price = target.and_then(|target| target.price.as_ref());
        NewRow {
            seq: number(seq),
            request_id: &self.request,
            placed_at: call.placed_at.0,
            closed_at: entry.closed_at.0,
            key_id: &self.key,
            project_id: &self.project,
            scopes: &self.scopes,
            model: &call.model,
            dialect: call.dialect.name(),
            stream: call.stream,
            provider_id: target.map(|_| &*self.provider),
            deployment_id: target.map(|_| &*self.deployment),
            upstream_model: target.map(|target| &*target.upstream_model),
            price_id: price.map(|_| &*self.price_id),
            price: price.map(|_| &*self.price),
            input: number(usage.input),
            cache_read: number(usage.cache_read),
            cache_write_5m: number(usage.cache_write_5m),
            cache_write_1h: number(usage.cache_write_1h),
            output: number(usage.output),
            reasoning: number(usage.reasoning),
            provenance: &self.provenance,
            status: outcome.status.name(),
            http_status: i32::from(outcome.http_status),
            attempts: i32::from(outcome.attempts),
            latency_ms: number(outcome.latency_ms),
            first_token_ms: outcome.first_token_ms.map(number),
            held: picos(entry.held),
            amount: picos(entry.amount),
            debit_account: &self.key,
            credit_account: if target.is_some() { &self.provider } else { "" },
        }
    }

    fn write(&mut self, entry: &Entry) {
        put(&mut self.request, entry.call.request);
        put(&mut self.key, entry.call.key);
        put(&mut self.project, entry.call.project);
        put(&mut self.provenance, entry.outcome.provenance);
        self.scopes.clear();
        for (index, scope) in entry.call.scopes.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(self.scopes, "{gap}{scope}").ok();
        }
        if let Some(target) = &entry.target {
            put(&mut self.provider, target.provider);
            put(&mut self.deployment, target.deployment);
            if let Some((id, price)) = &target.price {
                put(&mut self.price_id, id);
                self.write_price(*price);
            }
        }
    }

    // Most rows in a batch share a handful of prices, and a price is the dearest text of a row.
    fn write_price(&mut self, price: Price) {
        if self.priced == Some(price) {
            return;
        }
        self.price = serde_json::to_string(&price).unwrap_or_default();
        self.priced = Some(price);
    }
}

/// Whether every figure of `entry` fits its column. Asked before a line is written to the journal, so that no line is
/// ever there that the database cannot take.
pub(in crate::store) fn fits(entry: &Entry) -> bool {
    let usage = &entry.outcome.usage;
    let classes =
        [usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.output, usage.reasoning];
    classes.into_iter().all(|tokens| i64::try_from(tokens).is_ok())
        && entry.held.to_row().is_some()
        && entry.amount.to_row().is_some()
}

fn put(text: &mut String, value: impl Display) {
    text.clear();
    // Writing to a String cannot fail.
    write!(text, "{value}").ok();
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn picos(amount: Money) -> i64 {
    amount.to_row().unwrap_or(i64::MAX)
}

/// A row on its way out.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = ledger_entries)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub(in crate::store) struct Row {
    pub(in crate::store) seq: i64,
    pub(in crate::store) request_id: String,
    placed_at: i64,
    closed_at: i64,
    key_id: String,
    project_id: String,
    scopes: String,
    model: String,
    dialect: String,
    stream: bool,
    provider_id: Option<String>,
    deployment_id: Option<String>,
    upstream_model: Option<String>,
    price_id: Option<String>,
    price: Option<String>,
    input: i64,
    cache_read: i64,
    cache_write_5m: i64,
    cache_write_1h: i64,
    output: i64,
    reasoning: i64,
    provenance: String,
    status: String,
    http_status: i32,
    attempts: i32,
    latency_ms: i64,
    first_token_ms: Option<i64>,
    held: i64,
    amount: i64,
    pub(in crate::store) debit_account: String,
    pub(in crate::store) credit_account: String,
}

impl TryFrom<Row> for StoredEntry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self { seq: row.seq, entry: row.entry()? })
    }
}

impl Row {
    /// The line this row holds.
    pub(in crate::store) fn entry(&self) -> Result<Entry, StoreError> {
        Ok(Entry {
            call: self.call()?,
            target: self.target()?,
            outcome: self.outcome()?,
            held: Money::from_row(self.held),
            amount: Money::from_row(self.amount),
            closed_at: Timestamp(self.closed_at),
        })
    }

    fn call(&self) -> Result<Call, StoreError> {
        let scopes = self.scopes.split_whitespace().map(|scope| self.text("scopes", scope));
        Ok(Call {
            request: self.text("request_id", &self.request_id)?,
            placed_at: Timestamp(self.placed_at),
            key: self.text("key_id", &self.key_id)?,
            project: self.text("project_id", &self.project_id)?,
            scopes: scopes.collect::<Result<Vec<_>, _>>()?.into(),
            model: Arc::from(&*self.model),
            dialect: self.text("dialect", &self.dialect)?,
            stream: self.stream,
        })
    }

    fn target(&self) -> Result<Option<Target>, StoreError> {
        let (Some(provider), Some(deployment), Some(model)) =
            (&self.provider_id, &self.deployment_id, &self.upstream_model)
        else {
            return Ok(None);
        };
        let price = match (&self.price_id, &self.price) {
            (Some(id), Some(price)) => Some((self.text("price_id", id)?, self.price(price)?)),
            _ => None,
        };
        Ok(Some(Target {
            provider: self.text("provider_id", provider)?,
            deployment: self.text("deployment_id", deployment)?,
            upstream_model: Arc::from(&**model),
            price,
        }))
    }

    fn outcome(&self) -> Result<Outcome, StoreError> {
        Ok(Outcome {
            status: self.text("status", &self.status)?,
            http_status: self.count("http_status", self.http_status)?,
            usage: self.usage()?,
            provenance: self.text::<Provenance>("provenance", &self.provenance)?,
            attempts: self.count("attempts", self.attempts)?,
            latency_ms: self.count("latency_ms", self.latency_ms)?,
            first_token_ms: self.first_token_ms.map(|ms| self.count("first_token_ms", ms)).transpose()?,
        })
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        Ok(Usage {
            input: self.count("input", self.input)?,
            cache_read: self.count("cache_read", self.cache_read)?,
            cache_write_5m: self.count("cache_write_5m", self.cache_write_5m)?,
            cache_write_1h: self.count("cache_write_1h", self.cache_write_1h)?,
            output: self.count("output", self.output)?,
            reasoning: self.count("reasoning", self.reasoning)?,
        })
    }

    fn price(&self, json: &str) -> Result<Price, StoreError> {
        serde_json::from_str(json).map_err(|error| self.damaged("price", &error))
    }

    fn text<T: FromStr<Err: Display>>(&self, column: &str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.damaged(column, &error))
    }

    fn count<N: Copy + Display, T: TryFrom<N>>(&self, column: &str, value: N) -> Result<T, StoreError> {
        T::try_from(value).map_err(|_| self.damaged(column, &format_args!("{value} is out of range")))
    }

    fn damaged(&self, column: &str, reason: &dyn Display) -> StoreError {
        StoreError::Damaged { row: format!("ledger_entries {}", self.seq), reason: format!("{column}: {reason}") }
    }
}

//! A row of `ledger_entries` on its way out.
//! Owns the reading of its columns. Refuses to guess: what does not parse is a damaged row.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{Money, PriceInForce, Provenance, Timestamp, Usage};
use farthing_actors::ledger::entry::{Call, Entry, Outcome, Target};

use serde::de::DeserializeOwned;

use super::StoredEntry;
use crate::store::StoreError;
use crate::store::chain::{Fields, Hash, SEPARATOR};
use crate::store::export::{Columns, Value};
use crate::store::schema::ledger_entries;

/// A row on its way out.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = ledger_entries)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub(in crate::store) struct Row {
    pub(in crate::store) seq: i64,
    kind: String,
    pub(in crate::store) request_id: String,
    placed_at: i64,
    closed_at: i64,
    key_id: String,
    project_id: String,
    scopes: String,
    model: String,
    dialect: String,
    stream: bool,
    run: Option<String>,
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
    units: Option<String>,
    tier: String,
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
    pub(in crate::store) hash: Vec<u8>,
    route: Option<String>,
}

impl TryFrom<Row> for StoredEntry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self { seq: row.seq, entry: row.entry()?, beside: Vec::new() })
    }
}

/// Prices that rows named lately, by their JSON: reading one is most of the cost of reading a row.
#[derive(Default)]
pub(in crate::store) struct KnownPrices(HashMap<(String, String), PriceInForce>);

/// So many prices are kept; no ledger in use names more within a short time.
const KNOWN: usize = 256;

impl Row {
    /// The line this row holds.
    pub(in crate::store) fn entry(&self) -> Result<Entry, StoreError> {
        self.entry_priced(&mut KnownPrices::default())
    }

    /// The line this row holds, for readers of many.
    pub(in crate::store) fn entry_priced(&self, known: &mut KnownPrices) -> Result<Entry, StoreError> {
        Ok(Entry {
            kind: self.text("kind", &self.kind)?,
            call: self.call()?,
            target: self.target(known)?,
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
            run: self.run.as_deref().map(Arc::from),
            route: self.route.as_deref().map(Arc::from),
        })
    }

    fn target(&self, known: &mut KnownPrices) -> Result<Option<Target>, StoreError> {
        let (Some(provider), Some(deployment), Some(model)) =
            (&self.provider_id, &self.deployment_id, &self.upstream_model)
        else {
            return Ok(None);
        };
        let price = match (&self.price_id, &self.price) {
            (Some(id), Some(price)) => Some(self.price(id, price, known)?),
            _ => None,
        };
        Ok(Some(Target {
            provider: self.text("provider_id", provider)?,
            deployment: self.text("deployment_id", deployment)?,
            upstream_model: Arc::from(&**model),
            price,
        }))
    }

    fn price(&self, id: &str, price: &str, known: &mut KnownPrices) -> Result<PriceInForce, StoreError> {
        let key = (id.to_owned(), price.to_owned());
        if let Some(price) = known.0.get(&key) {
            return Ok(Arc::clone(price));
        }
        if known.0.len() >= KNOWN {
            known.0.clear();
        }
        let read = Arc::new((self.text("price_id", id)?, self.json("price", price)?));
        known.0.insert(key, Arc::clone(&read));
        Ok(read)
    }

    /// What the row says it is.
    pub(in crate::store) fn kind(&self) -> &str {
        &self.kind
    }

    /// The hash it should have behind `before`, of its columns to the letter.
    pub(in crate::store) fn link(&self, fields: &mut Fields, before: &Hash) -> Hash {
        self.fields(fields);
        let length = fields.as_str().len();
        let hash = fields.maybe(self.route.as_deref()).hash(before);
        if hash[..] == self.hash[..] {
            return hash;
        }
        // Lines from before routes were covered end without one.
        fields.shorten(length);
        let without = fields.hash(before);
        if without[..] == self.hash[..] { without } else { hash }
    }

    // In the order of `NewRow::fields`.
    fn fields(&self, fields: &mut Fields) {
        fields.begin();
        fields.number(self.seq).text(&self.kind).text(&self.request_id).number(self.placed_at).number(self.closed_at);
        fields.text(&self.key_id).text(&self.project_id).text(&self.scopes).text(&self.model).text(&self.dialect);
        fields.number(i64::from(self.stream));
        let target = [&self.run, &self.provider_id, &self.deployment_id, &self.upstream_model];
        for text in target.into_iter().chain([&self.price_id, &self.price]) {
            fields.maybe(text.as_deref());
        }
        fields.number(self.input).number(self.cache_read).number(self.cache_write_5m).number(self.cache_write_1h);
        fields.number(self.output).number(self.reasoning).maybe(self.units.as_deref());
        fields.text(&self.tier).text(&self.provenance).text(&self.status);
        fields.number(i64::from(self.http_status)).number(i64::from(self.attempts));
        fields.number(self.latency_ms).maybe_number(self.first_token_ms).number(self.held).number(self.amount);
        fields.text(&self.debit_account).text(&self.credit_account);
    }

    /// Whether its texts are such as are written: what is absent is absent, with no empty text in its place, and of a target all or
    /// nothing; and none but the model, which is the client's word, holds what stands between two fields of a hash.
    pub(in crate::store) fn is_whole(&self) -> bool {
        let target = [self.provider_id.is_some(), self.deployment_id.is_some(), self.upstream_model.is_some()];
        let texts = [&self.run, &self.price_id, &self.price, &self.units, &self.route];
        (target == [true; 3] || target == [false; 3])
            && self.price_id.is_some() == self.price.is_some()
            && texts.into_iter().all(|text| text.as_deref() != Some(""))
            && [&self.run, &self.upstream_model, &self.route]
                .into_iter()
                .flatten()
                .all(|text| !text.contains(SEPARATOR))
    }

    /// The id of the price it was charged at, and the price as JSON.
    pub(in crate::store) fn priced(&self) -> Option<(&str, &str)> {
        self.price_id.as_deref().zip(self.price.as_deref())
    }

    /// What its hash covers, as the row says it, in the order of [`super::insert::NewRow::fields`].
    pub(in crate::store) fn columns(&self) -> Columns {
        [self.call_columns(), self.outcome_columns()].concat()
    }

    fn call_columns(&self) -> Columns {
        vec![
            ("seq", Value::Number(self.seq)),
            ("kind", text(&self.kind)),
            ("request_id", text(&self.request_id)),
            ("placed_at", Value::Number(self.placed_at)),
            ("closed_at", Value::Number(self.closed_at)),
            ("key_id", text(&self.key_id)),
            ("project_id", text(&self.project_id)),
            ("scopes", text(&self.scopes)),
            ("model", text(&self.model)),
            ("dialect", text(&self.dialect)),
            ("stream", Value::Number(i64::from(self.stream))),
            ("run", maybe(self.run.as_deref())),
            ("provider_id", maybe(self.provider_id.as_deref())),
            ("deployment_id", maybe(self.deployment_id.as_deref())),
            ("upstream_model", maybe(self.upstream_model.as_deref())),
            ("price_id", maybe(self.price_id.as_deref())),
            ("price", maybe(self.price.as_deref())),
        ]
    }

    fn outcome_columns(&self) -> Columns {
        vec![
            ("input", Value::Number(self.input)),
            ("cache_read", Value::Number(self.cache_read)),
            ("cache_write_5m", Value::Number(self.cache_write_5m)),
            ("cache_write_1h", Value::Number(self.cache_write_1h)),
            ("output", Value::Number(self.output)),
            ("reasoning", Value::Number(self.reasoning)),
            ("units", maybe(self.units.as_deref())),
            ("tier", text(&self.tier)),
            ("provenance", text(&self.provenance)),
            ("status", text(&self.status)),
            ("http_status", Value::Number(i64::from(self.http_status))),
            ("attempts", Value::Number(i64::from(self.attempts))),
            ("latency_ms", Value::Number(self.latency_ms)),
            ("first_token_ms", self.first_token_ms.map_or(Value::Absent, Value::Number)),
            ("held", Value::Picos(self.held)),
            ("amount", Value::Picos(self.amount)),
            ("debit_account", text(&self.debit_account)),
            ("credit_account", text(&self.credit_account)),
            ("route", maybe(self.route.as_deref())),
        ]
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
            units: self.units.as_deref().map(|units| self.json("units", units)).transpose()?.unwrap_or_default(),
            tier: self.text("tier", &self.tier)?,
        })
    }

    fn json<T: DeserializeOwned>(&self, column: &str, json: &str) -> Result<T, StoreError> {
        serde_json::from_str(json).map_err(|error| self.damaged(column, &error))
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

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn maybe(column: Option<&str>) -> Value {
    column.map_or(Value::Absent, text)
}

//! A row of `ledger_entries` on its way in.
//! Owns the text and number forms of its columns, and the statement. Refuses what does not fit, before it is journalled.

use std::fmt::{Display, Write};

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use farthing_actors::domain::{Money, Price};
use farthing_actors::ledger::entry::{Entry, Line};

use crate::store::chain::{Fields, Hash};
use crate::store::prices::json;

const INSERT: &str = "INSERT INTO ledger_entries (hash, route, seq, kind, request_id, placed_at, closed_at, key_id, project_id, \
                      scopes, model, dialect, stream, run, provider_id, deployment_id, upstream_model, price_id, price, \
                      input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, units, tier, provenance, status, \
                      http_status, attempts, latency_ms, first_token_ms, held, amount, debit_account, \
                      credit_account) VALUES (";

/// A row on its way in. Borrows everything, so that a batch of a thousand allocates next to nothing.
///
/// It is its own statement because the one that diesel derives is written out anew for every row to find it among the
/// prepared ones, which was nearly half of a row's cost.
pub(in crate::store) struct NewRow<'a> {
    hash: Hash,
    route: Option<&'a str>,
    seq: i64,
    kind: &'a str,
    request_id: &'a str,
    placed_at: i64,
    closed_at: i64,
    key_id: &'a str,
    project_id: &'a str,
    scopes: &'a str,
    model: &'a str,
    dialect: &'a str,
    stream: bool,
    run: Option<&'a str>,
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
    units: Option<&'a str>,
    tier: &'a str,
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

impl RunQueryDsl<SqliteConnection> for NewRow<'_> {}

impl QueryId for NewRow<'_> {
    type QueryId = NewRow<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

/// Binds values in order, with a comma before each.
macro_rules! bind {
    ($out:ident, $($kind:ty: $value:expr),+ $(,)?) => { $(
        $out.push_sql(", ");
        $out.push_bind_param::<$kind, _>($value)?;
    )+ };
}

impl QueryFragment<Sqlite> for NewRow<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(INSERT);
        out.push_bind_param::<Binary, _>(&self.hash)?;
        bind!(out, Nullable<Text>: &self.route);
        self.bind_call(&mut out)?;
        self.bind_target(&mut out)?;
        self.bind_outcome(&mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

impl NewRow<'_> {
    fn bind_call<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        bind!(out, BigInt: &self.seq, Text: self.kind, Text: self.request_id, BigInt: &self.placed_at,
            BigInt: &self.closed_at, Text: self.key_id, Text: self.project_id, Text: self.scopes, Text: self.model,
            Text: self.dialect, Bool: &self.stream, Nullable<Text>: &self.run);
        Ok(())
    }

    fn bind_target<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        bind!(out, Nullable<Text>: &self.provider_id, Nullable<Text>: &self.deployment_id,
            Nullable<Text>: &self.upstream_model, Nullable<Text>: &self.price_id, Nullable<Text>: &self.price);
        Ok(())
    }

    fn bind_outcome<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        bind!(out, BigInt: &self.input, BigInt: &self.cache_read, BigInt: &self.cache_write_5m,
            BigInt: &self.cache_write_1h, BigInt: &self.output, BigInt: &self.reasoning, Nullable<Text>: &self.units,
            Text: self.tier, Text: self.provenance,
            Text: self.status, Integer: &self.http_status, Integer: &self.attempts, BigInt: &self.latency_ms,
            Nullable<BigInt>: &self.first_token_ms, BigInt: &self.held, BigInt: &self.amount,
            Text: self.debit_account, Text: self.credit_account);
        Ok(())
    }
}

impl NewRow<'_> {
    /// The same row as a link of the chain.
    pub(in crate::store) fn sealed(self, hash: Hash) -> Self {
        Self { hash, ..self }
    }

    /// What its hash covers: every column but the hash, in this order, which `docs/ledger.md` tells to whoever wants to compute it
    /// again.
    pub(in crate::store) fn fields(&self, fields: &mut Fields) {
        fields.begin();
        fields.number(self.seq).text(self.kind).text(self.request_id).number(self.placed_at).number(self.closed_at);
        fields.text(self.key_id).text(self.project_id).text(self.scopes).text(self.model).text(self.dialect);
        fields.number(i64::from(self.stream)).maybe(self.run).maybe(self.provider_id).maybe(self.deployment_id);
        fields.maybe(self.upstream_model).maybe(self.price_id).maybe(self.price);
        fields.number(self.input).number(self.cache_read).number(self.cache_write_5m).number(self.cache_write_1h);
        fields.number(self.output).number(self.reasoning).maybe(self.units).text(self.tier).text(self.provenance);
        fields.text(self.status).number(i64::from(self.http_status)).number(i64::from(self.attempts));
        fields.number(self.latency_ms).maybe_number(self.first_token_ms).number(self.held).number(self.amount);
        fields.text(self.debit_account).text(self.credit_account).maybe(self.route);
    }
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
    units: String,
    provenance: String,
    priced: Option<Price>,
}

impl Texts {
    /// The row of `entry`, completed by the journal record `seq`.
    pub(in crate::store) fn row<'a>(&'a mut self, seq: i64, entry: &'a Entry) -> NewRow<'a> {
        self.write(entry);
        let (call, outcome, usage) = (&entry.call, &entry.outcome, &entry.outcome.usage);
        let target = entry.target.as_ref();
        let price = target.and_then(|target| target.price.as_ref());
        NewRow {
            hash: Hash::default(),
            route: call.route.as_deref(),
            seq,
            kind: entry.kind.name(),
            request_id: &self.request,
            placed_at: call.placed_at.0,
            closed_at: entry.closed_at.0,
            key_id: &self.key,
            project_id: &self.project,
            scopes: &self.scopes,
            model: &call.model,
            dialect: call.dialect.name(),
            stream: call.stream,
            run: call.run.as_deref(),
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
            units: (!usage.units.is_none()).then_some(&*self.units),
            tier: usage.tier.name(),
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
        if !entry.outcome.usage.units.is_none() {
            // Plain counts, which always have a JSON form.
            self.units = serde_json::to_string(&entry.outcome.usage.units).unwrap_or_default();
        }
        self.scopes.clear();
        for (index, scope) in entry.call.scopes.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(self.scopes, "{gap}{scope}").ok();
        }
        if let Some(target) = &entry.target {
            put(&mut self.provider, target.provider);
            put(&mut self.deployment, target.deployment);
            if let Some((id, price)) = target.price.as_deref() {
                put(&mut self.price_id, id);
                self.write_price(price);
            }
        }
    }

    // Most rows in a batch share a handful of prices, and a price is the dearest text of a row.
    fn write_price(&mut self, price: &Price) {
        if self.priced.as_ref() == Some(price) {
            return;
        }
        self.price = json(price);
        self.priced = Some(price.clone());
    }
}

/// Whether every figure of `line` fits its column. Asked before a line is written to the journal, so that no line is ever
/// there that the database cannot take.
pub(in crate::store) fn fits(line: &Line) -> bool {
    match line {
        Line::Entry(entry) => entry_fits(entry),
        Line::Adjustment(adjustment) => adjustment.amount.to_row().is_some(),
    }
}

fn entry_fits(entry: &Entry) -> bool {
    let usage = &entry.outcome.usage;
    usage.classes().into_iter().all(|(_, count)| i64::try_from(count).is_ok())
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

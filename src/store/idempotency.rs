//! The table `idempotency_keys`: keys that clients retry by, and the sealed answers to them.
//! Owns its spelling, a connection that only it writes by, and how the ledger's lines of a request become its bill.
//! Refuses to wait for a sync where the journal does not: a commit then survives the death of the process, not of the machine.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer};
use diesel::upsert::excluded;
use farthing_actors::domain::{AdjustmentId, Money, RequestId, Timestamp};
use farthing_actors::idempotency::{Asked, Bill, Fingerprint, Kept, Record, Shape, Shelf, ShelfError, Slot, Stale};
use sha2::{Digest, Sha256};

use super::columns::Row;
use super::journal::Durability;
use super::schema::{idempotency_keys, ledger_adjustments};
use super::writer::Writer;
use super::{Store, StoreError, entries};

const TABLE: &str = "idempotency_keys";

/// The table, for the actor that owns it.
pub struct IdempotencyTable {
    connection: SqliteConnection,
    writer: Writer,
}

/// One row, as read and as written.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
struct KeyRow {
    slot: Vec<u8>,
    fingerprint: Vec<u8>,
    request_id: String,
    doubtful: String,
    claimed_at: i64,
    shape: Option<String>,
    body: Option<Vec<u8>>,
}

impl IdempotencyTable {
    /// Opens the table in `store`; `writer` carries the ledger's lines there.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub fn open(store: &Store, writer: Writer, durability: Durability) -> Result<Self, ShelfError> {
        let mut connection = store.connect()?;
        if durability == Durability::Process {
            connection.batch_execute("PRAGMA synchronous = NORMAL").map_err(StoreError::from)?;
        }
        Ok(Self { connection, writer })
    }
}

impl Shelf for IdempotencyTable {
    fn find(&mut self, slot: Slot) -> Result<Option<Record>, ShelfError> {
        let found = idempotency_keys::table.find(&slot.0[..]).select(KeyRow::as_select());
        let row = found.first::<KeyRow>(&mut self.connection).optional().map_err(StoreError::from)?;
        Ok(row.map(|row| row.record(slot)).transpose()?)
    }

    fn begin(&mut self, record: &Record) -> Result<(), ShelfError> {
        let insert = diesel::insert_into(idempotency_keys::table).values(KeyRow::new(record));
        let written = insert.on_conflict(idempotency_keys::slot).do_update().set((
            idempotency_keys::fingerprint.eq(excluded(idempotency_keys::fingerprint)),
            idempotency_keys::request_id.eq(excluded(idempotency_keys::request_id)),
            idempotency_keys::doubtful.eq(excluded(idempotency_keys::doubtful)),
            idempotency_keys::claimed_at.eq(excluded(idempotency_keys::claimed_at)),
            idempotency_keys::shape.eq(excluded(idempotency_keys::shape)),
            idempotency_keys::body.eq(excluded(idempotency_keys::body)),
        ));
        written.execute(&mut self.connection).map_err(StoreError::from)?;
        Ok(())
    }

    fn keep(&mut self, asked: &Asked, kept: &Kept) -> Result<(), ShelfError> {
        let own = idempotency_keys::table
            .find(&asked.slot.0[..])
            .filter(idempotency_keys::request_id.eq(asked.request.to_string()));
        let answer = (
            idempotency_keys::doubtful.eq(""),
            idempotency_keys::shape.eq(Some(kept.shape.name())),
            idempotency_keys::body.eq(kept.sealed.as_deref()),
        );
        diesel::update(own).set(answer).execute(&mut self.connection).map_err(StoreError::from)?;
        Ok(())
    }

    fn remove(&mut self, asked: &Asked) -> Result<(), ShelfError> {
        let own = idempotency_keys::table
            .find(&asked.slot.0[..])
            .filter(idempotency_keys::request_id.eq(asked.request.to_string()));
        diesel::delete(own).execute(&mut self.connection).map_err(StoreError::from)?;
        Ok(())
    }

    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<usize, ShelfError> {
        let expired = idempotency_keys::table
            .filter(idempotency_keys::claimed_at.le(before.0))
            .order(idempotency_keys::claimed_at)
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .select(idempotency_keys::slot);
        let expired: Vec<Vec<u8>> = expired.load(&mut self.connection).map_err(StoreError::from)?;
        let delete = diesel::delete(idempotency_keys::table.filter(idempotency_keys::slot.eq_any(expired)));
        Ok(delete.execute(&mut self.connection).map_err(StoreError::from)?)
    }

    fn stale(&mut self, mark: &[u8], behind: Option<Slot>, limit: usize) -> Result<Vec<Stale>, ShelfError> {
        let behind = behind.map_or(Vec::new(), |slot| slot.0.to_vec());
        let length = i32::try_from(mark.len()).unwrap_or(i32::MAX);
        let begins = sql::<Binary>("substr(body, 1, ").bind::<Integer, _>(length).sql(")");
        let rows = idempotency_keys::table
            .filter(idempotency_keys::slot.gt(behind))
            .filter(idempotency_keys::body.is_not_null())
            .filter(begins.ne(mark.to_vec()))
            .order(idempotency_keys::slot)
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .select(KeyRow::as_select());
        let rows: Vec<KeyRow> = rows.load(&mut self.connection).map_err(StoreError::from)?;
        Ok(rows.into_iter().map(KeyRow::stale).collect::<Result<_, _>>()?)
    }

    fn replace(&mut self, answers: &[(Stale, Arc<[u8]>)]) -> Result<(), ShelfError> {
        let replace = |connection: &mut SqliteConnection| {
            for (stale, sealed) in answers {
                let row = idempotency_keys::table.find(&stale.asked.slot.0[..]);
                let own = row.filter(idempotency_keys::body.eq(&stale.sealed[..]));
                diesel::update(own).set(idempotency_keys::body.eq(&sealed[..])).execute(connection)?;
            }
            Ok::<_, StoreError>(())
        };
        Ok(self.connection.immediate_transaction(replace)?)
    }

    fn bills(&mut self, requests: &[RequestId]) -> Result<Vec<Bill>, ShelfError> {
        self.writer.flush_blocking()?;
        let bills = requests.iter().map(|request| bill(&mut self.connection, *request));
        Ok(bills.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }
}

/// What the ledger has closed `request` at; nothing while it is open.
fn bill(connection: &mut SqliteConnection, request: RequestId) -> Result<Option<Bill>, StoreError> {
    let Some(line) = entries::request(connection, request)? else { return Ok(None) };
    let adjustment = taking_back(request);
    let booked = ledger_adjustments::table.filter(ledger_adjustments::id.eq(adjustment.to_string()));
    let taken_back = booked.count().get_result::<i64>(connection)? > 0;
    let amount = if taken_back { Money::ZERO } else { line.cost() };
    let (scopes, usage) = (Arc::clone(&line.entry.call.scopes), line.outcome().usage);
    Ok(Some(Bill { request, scopes, usage, amount, adjustment }))
}

/// The identity of the adjustment that takes `request` back: derived from it, so that there is never another.
fn taking_back(request: RequestId) -> AdjustmentId {
    let digest = Sha256::new().chain_update("farthing/idempotent-retry/").chain_update(request.to_string()).finalize();
    let half = digest.first_chunk::<16>().copied().unwrap_or_default();
    AdjustmentId::from_u128(u128::from_be_bytes(half))
}

impl KeyRow {
    fn new(record: &Record) -> Self {
        let doubtful: Vec<_> = record.doubtful.iter().map(RequestId::to_string).collect();
        let answer = record.answer.as_ref();
        Self {
            slot: record.asked.slot.0.to_vec(),
            fingerprint: record.asked.fingerprint.0.to_vec(),
            request_id: record.asked.request.to_string(),
            doubtful: doubtful.join(" "),
            claimed_at: record.claimed_at.0,
            shape: answer.map(|kept| kept.shape.name().to_owned()),
            body: answer.and_then(|kept| kept.sealed.as_deref().map(<[u8]>::to_vec)),
        }
    }

    fn stale(self) -> Result<Stale, StoreError> {
        let row = Row { table: TABLE, id: &self.request_id };
        let slot = self.slot.as_slice().try_into().map_err(|_| row.damaged("slot", "not 32 bytes"))?;
        let sealed: Arc<[u8]> = self.body.as_deref().unwrap_or_default().into();
        let asked = self.record(Slot(slot))?.asked;
        Ok(Stale { asked, sealed })
    }

    fn record(self, slot: Slot) -> Result<Record, StoreError> {
        let row = Row { table: TABLE, id: &self.request_id };
        let fingerprint = self.fingerprint.try_into().map_err(|_| row.damaged("fingerprint", "not 32 bytes"))?;
        let doubtful = self.doubtful.split_whitespace().map(|request| row.parse("doubtful", request));
        let doubtful = doubtful.collect::<Result<_, _>>()?;
        let request = row.parse("request_id", &self.request_id)?;
        let shape = self.shape.as_deref();
        let shape = shape.map(|name| Shape::named(name).ok_or_else(|| row.damaged("shape", name))).transpose()?;
        let answer = shape.map(|shape| Kept { shape, sealed: self.body.map(Arc::from) });
        let asked = Asked { slot, fingerprint: Fingerprint(fingerprint), request };
        Ok(Record { asked, doubtful, claimed_at: Timestamp(self.claimed_at), answer })
    }
}

impl From<StoreError> for ShelfError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests;

//! Rows of the trail, and the state of its chain. Owns the spelling of an event in a row and in a line of the file.
//! Refuses raw text: what a client says of itself is cut short and has no control characters.

use std::net::IpAddr;
use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::audit::{Details, Origin};
use farthing_actors::domain::{AuditId, Author, Effect, Event, ProjectId, RequestId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Links;
use crate::store::StoreError;
use crate::store::chain::{Fields, Hash, hash_of_row};
use crate::store::columns::Row;
use crate::store::schema::{audit_events, audit_state};

/// The most that is kept of what a client calls itself, in characters.
const USER_AGENT: usize = 256;
/// Parts of an address that stay when the rest is masked: a /24 or a /48.
const KEPT_V4: u32 = 0xffff_ff00;
const KEPT_V6: u128 = 0xffff_ffff_ffff << 80;

/// One row, as read and as added.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct EventRow {
    pub(super) seq: i64,
    id: String,
    timestamp: i64,
    action: String,
    actor: String,
    project_id: Option<String>,
    request_id: Option<String>,
    client_ip: Option<String>,
    user_agent: Option<String>,
    result: String,
    details: String,
    pub(super) mac: Vec<u8>,
}

/// An event and its place in the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place.
    pub seq: i64,
    /// The event.
    pub event: Event,
}

/// A line of the file. Names and order are those of the table; `before` is the mac of the line before.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLine {
    timestamp: String,
    action: String,
    actor: String,
    project_id: Option<String>,
    request_id: Option<String>,
    client_ip: Option<String>,
    user_agent: Option<String>,
    result: String,
    details: serde_json::Value,
    id: String,
    seq: i64,
    mac: String,
}

/// Where the chain begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) last_seq: i64,
    pub(super) head: Hash,
    pub(super) first_seq: i64,
    pub(super) before_first: Hash,
    pub(super) filed_seq: i64,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = audit_state)]
struct StateRow {
    id: i64,
    last_seq: i64,
    head: Vec<u8>,
    first_seq: i64,
    before_first: Vec<u8>,
    mac: Vec<u8>,
    filed_seq: i64,
}

/// Rows that are not in the file yet, oldest first.
pub(super) fn unfiled(connection: &mut SqliteConnection, limit: i64) -> Result<Vec<EventRow>, StoreError> {
    let filed = State::load(connection)?.filed_seq;
    let rows = audit_events::table.filter(audit_events::seq.gt(filed)).order(audit_events::seq).limit(limit);
    Ok(rows.select(EventRow::as_select()).load(connection)?)
}

/// Notes that the file has every row up to `seq`.
pub(super) fn filed(connection: &mut SqliteConnection, seq: i64) -> Result<(), StoreError> {
    diesel::update(audit_state::table).set(audit_state::filed_seq.eq(seq)).execute(connection)?;
    Ok(())
}

/// A mac as a column holds it.
pub(super) fn mac_of(table: &str, bytes: &[u8]) -> Result<Hash, StoreError> {
    let reason = || StoreError::Damaged { row: table.to_owned(), reason: "its mac is not 32 bytes".to_owned() };
    hash_of_row(bytes).ok_or_else(reason)
}

impl State {
    /// The state; that of an empty trail if nothing was ever recorded.
    pub(super) fn load(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        Ok(Self::sealed(connection)?.0)
    }

    /// The state and its mac.
    pub(super) fn sealed(connection: &mut SqliteConnection) -> Result<(Self, Option<Hash>), StoreError> {
        let row: Option<StateRow> = audit_state::table.select(StateRow::as_select()).first(connection).optional()?;
        let Some(row) = row else { return Ok((Self::EMPTY, None)) };
        let mac = |bytes: &[u8]| mac_of("audit_state", bytes);
        let state = Self {
            last_seq: row.last_seq,
            head: mac(&row.head)?,
            first_seq: row.first_seq,
            before_first: mac(&row.before_first)?,
            filed_seq: row.filed_seq,
        };
        Ok((state, Some(mac(&row.mac)?)))
    }

    const EMPTY: Self = Self { last_seq: 0, head: [0; 32], first_seq: 1, before_first: [0; 32], filed_seq: 0 };

    /// The mac of its ends.
    pub(super) fn mac(&self, links: &dyn Links) -> Hash {
        let numbers = format!("audit state {} {} ", self.first_seq, self.last_seq);
        links.mac(&[numbers.as_bytes(), &self.before_first, &self.head].concat())
    }

    pub(super) fn save(&self, connection: &mut SqliteConnection, links: &dyn Links) -> Result<(), StoreError> {
        let row = StateRow {
            id: 1,
            last_seq: self.last_seq,
            head: self.head.to_vec(),
            first_seq: self.first_seq,
            before_first: self.before_first.to_vec(),
            mac: self.mac(links).to_vec(),
            filed_seq: self.filed_seq,
        };
        let insert = diesel::insert_into(audit_state::table).values(&row);
        insert.on_conflict(audit_state::id).do_update().set(&row).execute(connection)?;
        Ok(())
    }
}

impl EventRow {
    /// The row of `event`, not yet a link of the chain.
    pub(super) fn new(seq: i64, event: &Event, masked: bool) -> Self {
        let Author { name, at, origin } = &event.author;
        let address = |address: IpAddr| if masked { masked_address(address) } else { address };
        Self {
            seq,
            id: event.id.to_string(),
            timestamp: at.0,
            action: event.action.to_string(),
            actor: harmless(name),
            project_id: event.project.map(|id| id.to_string()),
            request_id: origin.request.map(|id| id.to_string()),
            client_ip: origin.client_ip.map(|client| address(client).to_string()),
            user_agent: origin.user_agent.as_deref().map(harmless),
            result: event.result.as_str().to_owned(),
            // Texts with names: this cannot fail.
            details: serde_json::to_string(&event.details).unwrap_or_default(),
            mac: Vec::new(),
        }
    }

    /// What its mac covers: every column but the mac, in this order.
    pub(super) fn fields(&self, fields: &mut Fields) {
        fields.begin();
        fields.number(self.seq).text(&self.id).number(self.timestamp).text(&self.action).text(&self.actor);
        fields.maybe(self.project_id.as_deref()).maybe(self.request_id.as_deref()).maybe(self.client_ip.as_deref());
        fields.maybe(self.user_agent.as_deref()).text(&self.result).text(&self.details);
    }

    /// Its line of the file, with the line's end.
    pub(super) fn line(&self) -> Result<String, serde_json::Error> {
        let line = FileLine {
            timestamp: Timestamp(self.timestamp).to_string(),
            action: self.action.clone(),
            actor: self.actor.clone(),
            project_id: self.project_id.clone(),
            request_id: self.request_id.clone(),
            client_ip: self.client_ip.clone(),
            user_agent: self.user_agent.clone(),
            result: self.result.clone(),
            details: serde_json::from_str(&self.details)?,
            id: self.id.clone(),
            seq: self.seq,
            mac: self.mac.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        Ok(serde_json::to_string(&line)? + "\n")
    }

    /// The row that a line of the file was made of.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let line: FileLine = serde_json::from_str(line).ok()?;
        let mac =
            line.mac.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        Some(Self {
            seq: line.seq,
            id: line.id,
            timestamp: line.timestamp.parse::<Timestamp>().ok()?.0,
            action: line.action,
            actor: line.actor,
            project_id: line.project_id,
            request_id: line.request_id,
            client_ip: line.client_ip,
            user_agent: line.user_agent,
            result: line.result,
            details: serde_json::to_string(&line.details).ok()?,
            mac: mac.collect::<Option<_>>()?,
        })
    }

    /// The event this row holds.
    pub(super) fn event(self) -> Result<StoredEvent, StoreError> {
        let row = Row { table: "audit_events", id: &self.id };
        let project: Option<ProjectId> =
            self.project_id.as_deref().map(|id| row.parse("project_id", id)).transpose()?;
        let request: Option<RequestId> =
            self.request_id.as_deref().map(|id| row.parse("request_id", id)).transpose()?;
        let origin = Origin {
            request,
            client_ip: self.client_ip.as_deref().map(|address| row.parse("client_ip", address)).transpose()?,
            user_agent: self.user_agent.as_deref().map(Arc::from),
            // It is among the details.
            endpoint: None,
            expects: None,
        };
        let result: Effect = row.parse("result", &self.result)?;
        let details: Details = row.json("details", &self.details)?;
        let id: AuditId = row.parse("id", &self.id)?;
        let author = Author { name: self.actor.into(), at: Timestamp(self.timestamp), origin };
        Ok(StoredEvent {
            seq: self.seq,
            event: Event { id, author, action: self.action.into(), project, result, details },
        })
    }
}

/// Text without what could end a line or colour a terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(USER_AGENT).collect()
}

/// The network that `address` is in.
fn masked_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4((address.to_bits() & KEPT_V4).into()),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & KEPT_V6).into()),
    }
}

//! What pages read of the trail. Owns the filter and its order, newest first. Refuses to count: a page says where the next
//! begins, not how many there are.

use diesel::prelude::*;
use farthing_actors::domain::{AuditId, Effect, ProjectId, RequestId, Timestamp};

use super::BATCH;
use super::row::{EventRow, StoredEvent};
use crate::store::StoreError;
use crate::store::schema::audit_events;

/// Which events a page shows; what is `None` is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// This action, or all of a noun: `project.*`.
    pub action: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// By this request.
    pub request: Option<RequestId>,
    /// From this address, as it is recorded.
    pub client_ip: Option<String>,
    /// With this result.
    pub result: Option<Effect>,
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Before this place: the last one of the page before.
    pub before_seq: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// Events, newest first.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn page(connection: &mut SqliteConnection, filter: &AuditFilter) -> Result<Vec<StoredEvent>, StoreError> {
    let before = filter.before_seq.unwrap_or(i64::MAX);
    let mut rows = audit_events::table.filter(audit_events::seq.lt(before)).into_boxed();
    if let Some(action) = &filter.action {
        rows = match action.strip_suffix('*') {
            // A range instead of LIKE, which would take the action's own characters for patterns.
            Some(noun) => rows
                .filter(audit_events::action.ge(noun.to_owned()))
                .filter(audit_events::action.lt(format!("{noun}\u{10ffff}"))),
            None => rows.filter(audit_events::action.eq(action)),
        };
    }
    if let Some(actor) = &filter.actor {
        rows = rows.filter(audit_events::actor.eq(actor));
    }
    if let Some(project) = filter.project {
        rows = rows.filter(audit_events::project_id.eq(project.to_string()));
    }
    if let Some(request) = filter.request {
        rows = rows.filter(audit_events::request_id.eq(request.to_string()));
    }
    if let Some(address) = &filter.client_ip {
        rows = rows.filter(audit_events::client_ip.eq(address));
    }
    if let Some(result) = filter.result {
        rows = rows.filter(audit_events::result.eq(result.as_str()));
    }
    if let Some(from) = filter.from {
        rows = rows.filter(audit_events::timestamp.ge(from.0));
    }
    if let Some(to) = filter.to {
        rows = rows.filter(audit_events::timestamp.lt(to.0));
    }
    let rows =
        rows.order(audit_events::seq.desc()).limit(filter.limit).select(EventRow::as_select()).load(connection)?;
    rows.into_iter().map(EventRow::event).collect()
}

/// Events behind the place `behind`, oldest first, some at a time: their places, and lines as the file has them.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn lines(connection: &mut SqliteConnection, behind: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = audit_events::table.filter(audit_events::seq.gt(behind)).order(audit_events::seq).limit(BATCH);
    let rows: Vec<EventRow> = rows.select(EventRow::as_select()).load(connection)?;
    let damaged = |seq: i64, error: serde_json::Error| StoreError::Damaged {
        row: format!("audit_events {seq}"),
        reason: error.to_string(),
    };
    rows.iter().map(|row| row.line().map(|line| (row.seq, line)).map_err(|error| damaged(row.seq, error))).collect()
}

/// The event with this id.
///
/// # Errors
/// If the database does not answer or the row is damaged.
pub fn find(connection: &mut SqliteConnection, id: AuditId) -> Result<Option<StoredEvent>, StoreError> {
    let found = audit_events::table.filter(audit_events::id.eq(id.to_string()));
    let row: Option<EventRow> = found.select(EventRow::as_select()).first(connection).optional()?;
    row.map(EventRow::event).transpose()
}

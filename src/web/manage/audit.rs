//! `/api/audit`: who did what. Owns the shape of an event on the wire.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::audit::Details;
use farthing_actors::domain::{AuditId, Effect, ProjectId, RequestId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{List, Page, query};
use super::usage::question::project;
use super::{id, rfc3339};
use crate::admin::audit::{AuditFilter, AuditVerdict, StoredEvent};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{Operator, ReadAudit};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    action: Option<String>,
    actor: Option<String>,
    project: Option<String>,
    request_id: Option<RequestId>,
    client_ip: Option<String>,
    result: Option<Effect>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EventView {
    id: AuditId,
    seq: i64,
    timestamp: String,
    action: String,
    actor: String,
    project_id: Option<ProjectId>,
    request_id: Option<RequestId>,
    client_ip: Option<String>,
    user_agent: Option<String>,
    result: Effect,
    details: Details,
}

/// Whether the trail is whole; the file only where the gateway that writes it is asked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerdictView {
    ok: bool,
    events: u64,
    first_seq: i64,
    last_seq: i64,
    chain_head: String,
    fault_count: u64,
    faults: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Option<FileView>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FileView {
    path: String,
    ok: bool,
}

/// GET `/api/audit`: newest first.
pub async fn list(
    _: Operator<ReadAudit>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (events, next_cursor) = asked_for(&gateway, query(&request)?).await?;
    let data = events.into_iter().map(EventView::from).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// The page of events that is asked for, newest first, and the cursor of the next.
///
/// # Errors
/// If the question is none, or the database does not answer.
pub(crate) async fn asked_for(
    gateway: &Gateway,
    asked: AuditQuery,
) -> Result<(Vec<StoredEvent>, Option<String>), Problem> {
    let page = Page::<i64>::new(asked.limit, asked.cursor.as_deref())?;
    let filter = AuditFilter {
        before_seq: page.after,
        limit: i64::from(page.limit).saturating_add(1),
        ..asked.filter(gateway)?
    };
    let events = gateway.admin.audit_events(filter).await?;
    Ok(page.close(events.into_iter(), |event| event.seq))
}

/// GET `/api/audit/{id}`.
pub async fn show(
    _: Operator<ReadAudit>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let event = gateway.admin.audit_event(id("audit event", &path)?).await?;
    Ok(HttpResponse::Ok().json(EventView::from(event)))
}

/// GET `/api/audit/verify`: whether nobody altered the trail.
pub async fn verify(_: Operator<ReadAudit>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let verdict = gateway.admin.verify_audit().await?;
    let file =
        gateway.admin.audit_file().map(|(path, fails)| FileView { path: path.display().to_string(), ok: !fails });
    Ok(HttpResponse::Ok().json(VerdictView { file: Some(file), ..verdict_view(verdict) }))
}

/// A verdict as the API and the command line tell it.
pub fn verdict_view(verdict: AuditVerdict) -> VerdictView {
    VerdictView {
        ok: verdict.is_ok(),
        events: verdict.events,
        first_seq: verdict.first_seq,
        last_seq: verdict.last_seq,
        chain_head: verdict.head,
        fault_count: verdict.fault_count,
        faults: verdict.faults,
        file: None,
    }
}

impl AuditQuery {
    /// The question that these fields ask.
    ///
    /// # Errors
    /// 400 for a field that is unknown or means nothing.
    pub(crate) fn of(fields: impl Iterator<Item = (&'static str, String)>) -> Result<Self, Problem> {
        let fields: serde_json::Map<_, _> = fields.map(|(name, text)| (name.to_owned(), text.into())).collect();
        serde_json::from_value(fields.into()).map_err(|error| Problem::new(Code::InvalidValue, error.to_string()))
    }

    fn filter(self, gateway: &Gateway) -> Result<AuditFilter, Problem> {
        let project = self.project.as_deref().map(|wanted| project(gateway, wanted)).transpose()?;
        Ok(AuditFilter {
            action: self.action,
            actor: self.actor,
            project,
            request: self.request_id,
            client_ip: self.client_ip,
            result: self.result,
            from: moment("from", self.from.as_deref())?,
            to: moment("to", self.to.as_deref())?,
            ..AuditFilter::default()
        })
    }
}

fn moment(name: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let unreadable = |error: farthing_actors::domain::clock::UnknownMoment| {
        Problem::new(Code::InvalidValue, format!("{name}: {error}")).at(name)
    };
    text.map(str::parse).transpose().map_err(unreadable)
}

impl From<StoredEvent> for EventView {
    fn from(stored: StoredEvent) -> Self {
        let StoredEvent { seq, event } = stored;
        let origin = event.author.origin;
        Self {
            id: event.id,
            seq,
            timestamp: rfc3339(event.author.at),
            action: event.action.to_string(),
            actor: event.author.name.to_string(),
            project_id: event.project,
            request_id: origin.request,
            client_ip: origin.client_ip.map(|address| address.to_string()),
            user_agent: origin.user_agent.map(|agent| agent.to_string()),
            result: event.result,
            details: event.details,
        }
    }
}

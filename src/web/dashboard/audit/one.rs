//! One event of the trail: all that is on record of it. Owns the page.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::admin::AdminError;
use crate::web::Gateway;
use crate::web::dashboard::page;
use crate::web::dashboard::shell::Shell;
use crate::web::dashboard::shown::Moment;
use crate::web::dashboard::visitor::Visitor;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadAudit;

#[derive(Template)]
#[template(path = "audit/one.html")]
struct EventPage {
    shell: Shell,
    id: String,
    seq: i64,
    time: Moment,
    action: String,
    actor: String,
    result: &'static str,
    tone: &'static str,
    project: Option<(String, String)>,
    request: Option<String>,
    address: Option<String>,
    agent: Option<String>,
    details: Vec<(String, String)>,
}

/// GET `/audit/{id}`.
///
/// # Errors
/// 404 if there is none.
pub async fn show(
    visitor: Visitor<ReadAudit>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let absent = |_| AdminError::absent("audit event", path.as_str());
    let stored = gateway.admin.audit_event(path.parse().map_err(absent)?).await?;
    let (event, keys) = (stored.event, gateway.admin.keys());
    let origin = event.author.origin;
    let project = event.project.map(|id| {
        let name = keys.project(id).map_or_else(|| id.to_string(), |project| project.name.clone());
        (id.to_string(), name)
    });
    page::render(
        StatusCode::OK,
        &EventPage {
            shell: visitor.shell(),
            id: event.id.to_string(),
            seq: stored.seq,
            time: Moment::from(event.author.at),
            action: event.action.to_string(),
            actor: event.author.name.to_string(),
            result: event.result.as_str(),
            tone: super::tone(event.result),
            project,
            request: origin.request.map(|request| request.to_string()),
            address: origin.client_ip.map(|address| address.to_string()),
            agent: origin.user_agent.map(|agent| agent.to_string()),
            details: event.details.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect(),
        },
    )
}

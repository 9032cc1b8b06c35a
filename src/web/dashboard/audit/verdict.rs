//! Whether nobody altered the trail: computed anew when somebody asks. Owns the page that says so.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::admin::audit::AuditVerdict;
use crate::web::Gateway;
use crate::web::dashboard::page;
use crate::web::dashboard::shell::Shell;
use crate::web::dashboard::shown::{Moment, count};
use crate::web::dashboard::visitor::Visitor;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadAudit;

#[derive(Template)]
#[template(path = "audit/verdict.html")]
struct VerdictPage {
    shell: Shell,
    time: Moment,
    events: String,
    verdict: AuditVerdict,
    /// The trail's file, and whether it refused the last line.
    file: Option<(String, bool)>,
}

/// GET `/audit/verify`.
///
/// # Errors
/// If the database does not answer.
pub async fn show(visitor: Visitor<ReadAudit>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let verdict = gateway.admin.verify_audit().await?;
    let file = gateway.admin.audit_file().map(|(path, fails)| (path.display().to_string(), fails));
    let time = Moment::from(gateway.clock.now());
    let events = count(verdict.events);
    page::render(StatusCode::OK, &VerdictPage { shell: visitor.shell(), time, events, verdict, file })
}

//! Audit: who did what, newest first, with filters. Owns what is asked and what was typed. Refuses to read the trail by itself: the
//! question is the API's.

pub mod one;
pub mod verdict;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::Effect;
use serde::Deserialize;

use super::page;
use super::shell::Shell;
use super::shown::Moment;
use super::visitor::Visitor;
use crate::admin::audit::StoredEvent;
use crate::security::oidc::flow::encoded;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadAudit;
use crate::web::manage::audit::{AuditQuery, asked_for};
use crate::web::manage::list::query;

/// What nearly every event has, and nobody looks for in a list.
const USUAL: [&str; 3] = ["endpoint", "http_method", "duration_ms"];

/// What was typed, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Typed {
    action: String,
    actor: String,
    project: String,
    request_id: String,
    client_ip: String,
    result: String,
    from: String,
    to: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "audit/page.html")]
struct AuditPage {
    shell: Shell,
    typed: Typed,
    effects: Vec<&'static str>,
    rows: Vec<EventRow>,
    /// What follows, as a query.
    older: Option<String>,
    /// What is wrong with the question, and at which field.
    fault: Option<(String, String)>,
    is_filtered: bool,
}

/// An event as a row.
struct EventRow {
    id: String,
    time: Moment,
    action: String,
    actor: String,
    result: &'static str,
    tone: &'static str,
    project: Option<(String, String)>,
    address: String,
    /// The first of the details, for the eye.
    words: String,
}

/// GET `/audit`.
///
/// # Errors
/// 400 for a question that is none, which is answered with the page.
pub async fn show(
    visitor: Visitor<ReadAudit>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let typed: Typed = query(&request)?;
    let found = async { asked_for(&gateway, typed.question()?).await }.await;
    let (status, (events, next), fault) = match found {
        Ok(found) => (StatusCode::OK, found, None),
        Err(problem) if problem.code.status() < 500 => {
            let field = problem.param.clone().unwrap_or_default();
            (StatusCode::BAD_REQUEST, (Vec::new(), None), Some((field, problem.message)))
        }
        Err(problem) => return Err(problem),
    };
    let older = next.map(|cursor| typed.with_cursor(&cursor));
    page::render(
        status,
        &AuditPage {
            shell: visitor.shell(),
            effects: Effect::ALL.iter().map(|effect| effect.as_str()).collect(),
            rows: events.iter().map(|event| EventRow::new(event, &gateway)).collect(),
            is_filtered: typed.fields().iter().any(|(_, text)| !text.is_empty()),
            older,
            fault,
            typed,
        },
    )
}

impl Typed {
    fn fields(&self) -> [(&'static str, &str); 8] {
        [
            ("action", &self.action),
            ("actor", &self.actor),
            ("project", &self.project),
            ("request_id", &self.request_id),
            ("client_ip", &self.client_ip),
            ("result", &self.result),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    /// The API's question: what was left empty is not asked, and a day is its first moment.
    fn question(&self) -> Result<AuditQuery, Problem> {
        let given = |(name, text): (&'static str, &str)| {
            let text = text.trim();
            let is_day = matches!(name, "from" | "to") && text.len() == 10;
            let text = if is_day { format!("{text}T00:00:00Z") } else { text.to_owned() };
            (!text.is_empty()).then_some((name, text))
        };
        let fields = self.fields().into_iter().filter_map(given);
        let cursor = Some(("cursor", self.cursor.clone())).filter(|(_, text)| !text.is_empty());
        AuditQuery::of(fields.chain(cursor))
    }

    fn with_cursor(&self, cursor: &str) -> String {
        let given = self.fields().into_iter().filter(|(_, text)| !text.is_empty());
        let pairs = given.chain([("cursor", cursor)]).map(|(name, text)| format!("{name}={}", encoded(text)));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn is_at_fault(&self, fault: &Option<(String, String)>, field: &str) -> bool {
        fault.as_ref().is_some_and(|(at, _)| at == field)
    }
}

impl EventRow {
    fn new(stored: &StoredEvent, gateway: &Gateway) -> Self {
        let event = &stored.event;
        let keys = gateway.keyring.load();
        let project = event.project.map(|id| {
            let name = keys.project(id).map_or_else(|| id.to_string(), |project| project.name.clone());
            (id.to_string(), name)
        });
        let telling = event.details.iter().filter(|(name, _)| !USUAL.contains(&&***name));
        let words: Vec<_> = telling.take(3).map(|(name, text)| format!("{name} {text}")).collect();
        Self {
            id: event.id.to_string(),
            time: Moment::from(event.author.at),
            action: event.action.to_string(),
            actor: event.author.name.to_string(),
            result: event.result.as_str(),
            tone: tone(event.result),
            project,
            address: event.author.origin.client_ip.map(|address| address.to_string()).unwrap_or_default(),
            words: words.join(" · "),
        }
    }
}

/// How a result looks.
fn tone(result: Effect) -> &'static str {
    match result {
        Effect::Success => "good",
        Effect::Attempted | Effect::Refused => "fair",
        Effect::Failure => "bad",
    }
}

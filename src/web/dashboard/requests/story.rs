//! One request's story: where it went and why, each attempt, what was set aside, used and charged, and at which price.
//! Owns what is on the page. Refuses to decide: the books and the price version say everything.

mod attempts;
mod told;
mod usage;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{CallStatus, Permission};
use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;

use self::attempts::{AttemptRow, EntryRow};
use self::told::Header;
use self::usage::{RateRow, UsageRow};
use crate::admin::AdminError;
use crate::admin::books::Line;
use crate::web::Gateway;
use crate::web::dashboard::calls::tone;
use crate::web::dashboard::page;
use crate::web::dashboard::shell::Shell;
use crate::web::dashboard::shown::{self, Amount, Moment};
use crate::web::dashboard::visitor::Visitor;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadUsage;
use crate::web::manage::id;
use crate::web::manage::requests::story as reasons;

#[derive(Template)]
#[template(path = "requests/story.html")]
struct StoryPage {
    shell: Shell,
    /// Whether they may follow links to what operators set.
    sees_settings: bool,
    call: CallFacts,
    /// Why it was refused, in words.
    refused: Option<&'static str>,
    reasons: Vec<String>,
    attempts: Vec<AttemptRow>,
    usage: Vec<UsageRow>,
    provenance: &'static str,
    price: Option<Priced>,
    unpriced: bool,
    held: Amount,
    cost: Amount,
    overrun: bool,
    entries: Vec<EntryRow>,
    headers: Vec<Header>,
}

/// A place with a name.
struct Linked {
    id: String,
    name: String,
}

/// What it was and how it ended.
struct CallFacts {
    id: String,
    placed: Moment,
    closed: Moment,
    status: CallStatus,
    http_status: u16,
    tone: &'static str,
    project: Linked,
    key: Linked,
    provider: Option<Linked>,
    model: String,
    upstream_model: Option<String>,
    dialect: &'static str,
    stream: bool,
    run: Option<String>,
    attempts: u16,
    latency: String,
    first_token: Option<String>,
    cached: bool,
}

/// The version of the price and its rates.
struct Priced {
    version: String,
    rates: Vec<RateRow>,
}

/// GET `/requests/{id}`.
///
/// # Errors
/// 404 if there is no such request, or they may not see it; 503 if the database is behind and does not know.
pub async fn show(
    visitor: Visitor<ReadUsage>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let line = gateway.admin.books().request(id("request", &path)?).await.map_err(AdminError::Store)?;
    let line = line.filter(|line| visitor.who.sight.sees(line.entry.call.project));
    let line = line.ok_or_else(|| AdminError::absent("request", &path))?;
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    page::render(StatusCode::OK, &StoryPage::new(&visitor, &line, &keys, &catalogue))
}

impl StoryPage {
    fn new(visitor: &Visitor<ReadUsage>, line: &Line, keys: &Keys, catalogue: &Catalogue) -> Self {
        let (entry, outcome) = (&line.entry, line.outcome());
        let call = CallFacts::new(line, keys, catalogue);
        let target = entry.target.as_ref();
        let price = target.and_then(|target| target.price.as_deref());
        Self {
            shell: visitor.shell(),
            sees_settings: visitor.may(Permission::ViewSettings),
            refused: told::refusal(outcome),
            reasons: reasons(&entry.call),
            attempts: attempts::attempts(line, catalogue),
            usage: usage::usage(&outcome.usage, price.map(|(_, price)| price)),
            provenance: told::provenance(outcome.provenance),
            price: price.map(|(version, price)| Priced { version: version.to_string(), rates: usage::rates(price) }),
            unpriced: target.is_some() && price.is_none() && !call.cached,
            held: entry.held.into(),
            cost: line.cost().into(),
            overrun: entry.is_overrun(),
            entries: attempts::entries(line, catalogue),
            headers: told::headers(line, call.provider.as_ref().map(|provider| provider.name.as_str())),
            call,
        }
    }
}

impl CallFacts {
    fn new(line: &Line, keys: &Keys, catalogue: &Catalogue) -> Self {
        let (call, outcome, target) = (&line.entry.call, line.outcome(), line.entry.target.as_ref());
        let project = keys.project(call.project).map(|project| project.name.clone());
        let key = keys.key(call.key).map(|found| found.key.name.clone());
        Self {
            id: call.request.to_string(),
            placed: call.placed_at.into(),
            closed: line.entry.closed_at.into(),
            status: outcome.status,
            http_status: outcome.http_status,
            tone: tone(outcome.status),
            project: Linked::new(&call.project, project),
            key: Linked::new(&call.key, key),
            provider: target.map(|target| {
                let found = catalogue.provider(target.provider);
                Linked::new(&target.provider, found.map(|provider| provider.name.clone()))
            }),
            model: call.model.to_string(),
            upstream_model: target.map(|target| target.upstream_model.to_string()),
            dialect: call.dialect.name(),
            stream: call.stream,
            run: call.run.as_deref().map(ToOwned::to_owned),
            attempts: outcome.attempts,
            latency: shown::millis(outcome.latency_ms),
            first_token: outcome.first_token_ms.map(shown::millis),
            cached: told::is_cached(outcome),
        }
    }
}

impl Linked {
    /// By its id where it is gone.
    fn new(id: &impl ToString, name: Option<String>) -> Self {
        let id = id.to_string();
        Self { name: name.unwrap_or_else(|| id.clone()), id }
    }
}

//! The list of requests: search, filters, pages of keys. Owns what is on it.
//! Refuses to search by itself: it asks what `GET /api/requests` asks.

pub mod story;

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use farthing_actors::domain::CallStatus;
use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;

use super::calls::CallRow;
use super::filters::Filters;
use super::names::names;
use super::page;
use super::shell::Shell;
use super::shown::Moment;
use super::visitor::Visitor;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadUsage;
use crate::web::extract::who::Sight;
use crate::web::manage::requests::{Listed, RequestsQuery, listed};

/// More suggestions than that help nobody.
const MOST_CHOICES: usize = 250;

/// Where no row appears by itself, as for whoever sees some projects only, none has to be named.
const NO_NAMES: &str = "{}";

#[derive(Template)]
#[template(path = "requests/page.html")]
struct RequestsPage {
    shell: Shell,
    filters: Filters,
    choices: Choices,
    /// The field that the refusal is about.
    field: String,
    refused: Option<Problem>,
    calls: Vec<CallRow>,
    names: String,
    /// Whether new calls appear by themselves.
    live: bool,
    newest: Option<String>,
    older: Option<String>,
    searched_to: Option<Moment>,
    behind: u64,
}

/// What a filter may name.
pub(super) struct Choices {
    pub(super) projects: Vec<String>,
    pub(super) models: BTreeSet<String>,
    pub(super) providers: Vec<String>,
    pub(super) statuses: &'static [CallStatus],
}

/// GET `/requests`.
///
/// # Errors
/// If the books do not answer. What cannot be asked is shown at the form.
pub async fn show(
    visitor: Visitor<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let (sight, typed) = (&visitor.who.sight, Filters::of(&request));
    let choices = Choices::new(sight, &keys, &catalogue);
    let filters = of_a_project(&typed, sight, &keys);
    let found = match filters.query::<RequestsQuery>() {
        Ok(query) => listed(&gateway, sight, query).await,
        Err(problem) => Err(problem),
    };
    let (found, refused) = or_refused(found)?;
    let (status, found) = found.map_or((StatusCode::BAD_REQUEST, Listed::default()), |found| (StatusCode::OK, found));
    let address = |filters: Filters| format!("/requests?{}", filters.address());
    let live = typed.is_empty() && *sight == Sight::All;
    let is_later = !filters.get("cursor").is_empty();
    let page = RequestsPage {
        shell: visitor.shell(),
        choices,
        field: refused.as_ref().and_then(|problem| problem.param.clone()).unwrap_or_default(),
        refused,
        calls: found.lines.iter().map(|line| CallRow::new(line, &keys, &catalogue)).collect(),
        names: if live { names(&keys, &catalogue) } else { NO_NAMES.to_owned() },
        live,
        newest: is_later.then(|| address(filters.without("cursor"))),
        older: found.next_cursor.map(|cursor| address(filters.with("cursor", &cursor))),
        searched_to: found.searched_to.map(Moment::from),
        behind: found.behind,
        filters,
    };
    page::render(status, &page)
}

/// Whoever sees some projects only asks for one of them: the first, unless they chose.
pub(super) fn of_a_project(filters: &Filters, sight: &Sight, keys: &Keys) -> Filters {
    let first = || keys.projects().find(|project| sight.sees(project.id));
    match sight {
        Sight::Projects(_) if filters.get("project").is_empty() => {
            first().map_or_else(|| filters.clone(), |project| filters.with("project", &project.name))
        }
        _ => filters.clone(),
    }
}

/// What was found, or why it cannot be asked.
pub(super) fn or_refused<T>(found: Result<T, Problem>) -> Result<(Option<T>, Option<Problem>), Problem> {
    match found {
        Ok(found) => Ok((Some(found), None)),
        Err(problem) if problem.status_code().is_client_error() => Ok((None, Some(problem))),
        Err(problem) => Err(problem),
    }
}

impl Choices {
    pub(super) fn new(sight: &Sight, keys: &Keys, catalogue: &Catalogue) -> Self {
        let projects = keys.projects().filter(|project| sight.sees(project.id)).map(|project| project.name.clone());
        let mut projects: Vec<_> = projects.take(MOST_CHOICES).collect();
        projects.sort();
        // Which models and providers there are is shown to those who see everything.
        if *sight != Sight::All {
            return Self { projects, models: BTreeSet::new(), providers: Vec::new(), statuses: CallStatus::ALL };
        }
        let models = catalogue.deployments().map(|deployment| deployment.name.to_string());
        let groups = catalogue.groups().map(|group| group.name.to_string());
        Self {
            projects,
            models: models.chain(groups).take(MOST_CHOICES).collect(),
            providers: catalogue.providers().take(MOST_CHOICES).map(|provider| provider.name.clone()).collect(),
            statuses: CallStatus::ALL,
        }
    }
}

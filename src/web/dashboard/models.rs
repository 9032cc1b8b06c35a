//! `/models`: every deployment with its prices, the groups that choose among them, and the forms to make more.
//! Owns the list and its filter. Refuses to decide: the forms are the API's calls, which it judges.

mod definition;
pub mod group;
mod group_form;
mod groups;
mod history;
pub mod one;
mod patterns;
mod price_form;
mod visible;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{DeploymentId, Permission};
use farthing_actors::registry::catalogue::{Catalogue, Deployment};
use serde::Deserialize;

use super::page;
use super::rates::{Rates, source};
use super::shell::Shell;
use super::shown::{self, Moment};
use super::visitor::Visitor;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadSettings;
use group_form::GroupForm;
use groups::{GroupRow, groups};
use patterns::PatternRow;
use price_form::{PriceField, empty_fields};

/// Rows of one page.
const MOST: usize = 100;

#[derive(Template)]
#[template(path = "models/page.html")]
struct ModelsPage {
    shell: Shell,
    q: String,
    rows: Vec<ModelRow>,
    next: Option<DeploymentId>,
    is_first: bool,
    count: String,
    groups: Vec<GroupRow>,
    patterns: Vec<PatternRow>,
    providers: Vec<String>,
    /// Where there is a model that it can have.
    new_group: Option<GroupForm>,
    price_fields: Vec<PriceField>,
    may_manage: bool,
}

struct ModelRow {
    id: DeploymentId,
    model: String,
    upstream_model: Option<String>,
    provider: String,
    is_off: bool,
    rates: Option<Rates>,
    source: &'static str,
    upcoming: Option<Moment>,
    priority: i32,
    weight: u32,
}

/// What one may look for, and after which row.
#[derive(Debug, Deserialize)]
pub struct Query {
    q: Option<String>,
    after: Option<String>,
}

/// GET `/models`.
///
/// # Errors
/// If the page cannot be written.
pub async fn show(
    visitor: Visitor<ReadSettings>,
    gateway: web::Data<Gateway>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let catalogue = gateway.admin.catalogue();
    let q = query.q.clone().unwrap_or_default().trim().to_lowercase();
    let after: Option<DeploymentId> = query.after.as_deref().and_then(|after| after.parse().ok());
    let found = catalogue.deployments().filter(|model| fits(&catalogue, model, &q));
    let mut rest = found.skip_while(|model| after.is_some_and(|after| model.id <= after));
    let rows: Vec<_> = rest.by_ref().take(MOST).map(|model| ModelRow::new(&catalogue, model)).collect();
    let next = rest.next().and_then(|_| rows.last().map(|row| row.id));
    let may_manage = visitor.may(Permission::ManageModels);
    let page = ModelsPage {
        shell: visitor.shell(),
        next,
        is_first: after.is_none(),
        count: shown::count(catalogue.deployments().count()),
        groups: groups(&catalogue),
        patterns: gateway.patterns.all().iter().map(PatternRow::from).collect(),
        providers: catalogue.providers().map(|provider| provider.name.clone()).collect(),
        new_group: (may_manage && !catalogue.models().is_empty()).then(|| GroupForm::empty(&catalogue)),
        price_fields: empty_fields(),
        may_manage,
        rows,
        q,
    };
    page::render(StatusCode::OK, &page)
}

/// Whether a search for `q` finds it.
fn fits(catalogue: &Catalogue, model: &Deployment, q: &str) -> bool {
    let provider = catalogue.provider(model.provider).map_or("", |provider| &provider.name);
    q.is_empty() || [&*model.name, &*model.upstream_model, provider].iter().any(|it| it.to_lowercase().contains(q))
}

impl ModelRow {
    fn new(catalogue: &Catalogue, model: &Deployment) -> Self {
        let provider = catalogue.provider(model.provider);
        Self {
            id: model.id,
            model: model.name.to_string(),
            upstream_model: (model.upstream_model != model.name).then(|| model.upstream_model.to_string()),
            provider: provider.map_or_else(String::new, |provider| provider.name.clone()),
            is_off: provider.is_some_and(|provider| !provider.enabled),
            rates: model.price.as_deref().map(|(_, price)| price.into()),
            source: source(model.price_source),
            upcoming: model.upcoming.as_deref().map(|version| version.effective_from.into()),
            priority: model.priority,
            weight: model.weight,
        }
    }
}

//! `/models/{id}`: one deployment: what it is, who may call it, what it charges, charged and will charge, and the forms to change
//! all that. Owns what is on it. Refuses to change anything itself: the forms are the API's calls.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{DeploymentId, Permission, PriceSource};
use farthing_actors::registry::catalogue::{Catalogue, Deployment};

use super::definition::{self, Hidden};
use super::groups::groups_of;
use super::history::{VersionRow, history};
use super::price_form::{self, PriceField};
use super::visible::Visible;
use crate::admin::{AdminError, Tagged};
use crate::web::Gateway;
use crate::web::dashboard::page;
use crate::web::dashboard::rates::{Rates, source};
use crate::web::dashboard::shell::Shell;
use crate::web::dashboard::shown::{self, Moment};
use crate::web::dashboard::visitor::Visitor;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadSettings;

#[derive(Template)]
#[template(path = "models/one.html")]
struct ModelPage {
    shell: Shell,
    facts: Facts,
    visible: Visible,
    groups: Vec<String>,
    rates: Option<Rates>,
    history: Vec<VersionRow>,
    forms: Option<Forms>,
}

/// What the deployment is.
struct Facts {
    id: DeploymentId,
    name: String,
    provider: String,
    provider_href: String,
    is_off: bool,
    upstream_model: String,
    dialects: String,
    priority: i32,
    weight: u32,
    max_output_tokens: Option<String>,
    context_window: Option<String>,
    source: &'static str,
    is_listed: bool,
    upcoming: Option<Moment>,
    created: Moment,
}

/// For those who may change it.
struct Forms {
    etag: String,
    definition: Vec<Hidden>,
    prices: Vec<PriceField>,
    kept: Vec<Hidden>,
    price: Option<Hidden>,
    would_be_own: bool,
    dialects: Vec<(&'static str, bool)>,
    providers: Vec<(String, bool)>,
    max_output_tokens: String,
    context_window: String,
}

/// GET `/models/{id}`.
///
/// # Errors
/// 404 if there is none; if the books do not answer.
pub async fn show(
    visitor: Visitor<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: DeploymentId = path.parse().map_err(|_| AdminError::absent("model", path.as_str()))?;
    let model = gateway.admin.model(id)?;
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let record = gateway.admin.books().price_record(id).await.map_err(AdminError::Store)?;
    let page = ModelPage {
        shell: visitor.shell(),
        facts: Facts::new(&catalogue, &model),
        visible: Visible::new(&keys, &model.name),
        groups: groups_of(&catalogue, &model.name),
        rates: model.price.as_deref().map(|(_, price)| price.into()),
        history: history(&model, record),
        forms: visitor.may(Permission::ManageModels).then(|| Forms::new(&catalogue, &model)),
    };
    page::render(StatusCode::OK, &page)
}

impl Facts {
    fn new(catalogue: &Catalogue, model: &Deployment) -> Self {
        let provider = catalogue.provider(model.provider);
        Self {
            id: model.id,
            name: model.name.to_string(),
            provider: provider.map_or_else(|| model.provider.to_string(), |provider| provider.name.clone()),
            provider_href: format!("/providers/{}", model.provider),
            is_off: provider.is_some_and(|provider| !provider.enabled),
            upstream_model: model.upstream_model.to_string(),
            dialects: model.dialects.iter().map(|dialect| dialect.name()).collect::<Vec<_>>().join(", "),
            priority: model.priority,
            weight: model.weight,
            max_output_tokens: model.max_output_tokens.map(shown::count),
            context_window: model.context_window.map(shown::count),
            source: source(model.price_source),
            is_listed: model.price_source != PriceSource::Own,
            upcoming: model.upcoming.as_deref().map(|version| version.effective_from.into()),
            created: model.created_at.into(),
        }
    }
}

impl Forms {
    fn new(catalogue: &Catalogue, model: &Deployment) -> Self {
        let (prices, kept) = price_form::fields(model.price.as_deref().map(|(_, price)| price));
        let typed = |figure: Option<u64>| figure.map_or_else(String::new, |figure| figure.to_string());
        Self {
            etag: model.etag().to_string(),
            definition: definition::fields(model),
            prices,
            kept,
            price: definition::price(model),
            would_be_own: definition::would_be_own(model),
            dialects: definition::dialects(model),
            providers: catalogue.providers().map(|it| (it.name.clone(), it.id == model.provider)).collect(),
            max_output_tokens: typed(model.max_output_tokens),
            context_window: typed(model.context_window),
        }
    }
}

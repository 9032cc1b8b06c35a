//! `/api/models`: deployments with their prices. Owns their shapes on the wire: PUT takes a whole
//! definition, GET adds ids, the price in force and times.

pub mod versions;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{DeploymentId, Dialect, Price, PriceId, PriceSource, ProviderId};
use farthing_actors::registry::PriceVersion;
use farthing_actors::registry::catalogue::{Catalogue, Deployment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::read;
use super::list::{List, ListQuery, Page, query};
use super::prices::Prices;
use super::{id, rfc3339, version};
use crate::admin::models::ModelDraft;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageModels, Operator, ReadSettings};

const USUAL_WEIGHT: u32 = 1;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    name: String,
    provider: String,
    upstream_model: Option<String>,
    weight: Option<u32>,
    priority: Option<i32>,
    dialects: Option<Vec<Dialect>>,
    max_output_tokens: Option<u64>,
    context_window: Option<u64>,
    prices: Option<Prices>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ModelView<'a> {
    id: DeploymentId,
    name: &'a str,
    provider: &'a str,
    provider_id: ProviderId,
    upstream_model: &'a str,
    weight: u32,
    priority: i32,
    dialects: &'a [Dialect],
    max_output_tokens: Option<u64>,
    context_window: Option<u64>,
    prices: Option<&'a Price>,
    price_id: Option<PriceId>,
    price_source: Option<PriceSource>,
    upcoming_prices: Option<Upcoming<'a>>,
    created_at: String,
}

/// A price that takes over later.
#[derive(Debug, Serialize, JsonSchema)]
struct Upcoming<'a> {
    price_id: PriceId,
    effective_from: String,
    set_by: &'a str,
    prices: &'a Price,
}

/// GET `/api/models`.
pub async fn list(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: ListQuery = query(&request)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref())?;
    let catalogue = gateway.admin.catalogue();
    let (models, next_cursor) = page.cut(catalogue.deployments(), |model| model.id);
    let data = models.into_iter().map(|model| ModelView::new(&catalogue, model)).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// POST `/api/models`.
pub async fn create(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: Definition = read(&request, payload).await?;
    let model = gateway.admin.create_model(body.into(), &operator.author).await?;
    Ok(HttpResponse::Created().insert_header(version(&*model)).json(ModelView::new(&gateway.admin.catalogue(), &model)))
}

/// GET `/api/models/{id}`.
pub async fn show(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let model = gateway.admin.model(id("model", &path)?)?;
    Ok(HttpResponse::Ok().insert_header(version(&*model)).json(ModelView::new(&gateway.admin.catalogue(), &model)))
}

/// PUT `/api/models/{id}`: the whole definition; what is left out is as in a new one.
pub async fn replace(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: Definition = read(&request, payload).await?;
    let model = gateway.admin.replace_model(id("model", &path)?, body.into(), &operator.author).await?;
    Ok(HttpResponse::Ok().insert_header(version(&*model)).json(ModelView::new(&gateway.admin.catalogue(), &model)))
}

/// DELETE `/api/models/{id}`.
pub async fn delete(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    gateway.admin.delete_model(id("model", &path)?, &operator.author).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl<'a> ModelView<'a> {
    fn new(catalogue: &'a Catalogue, model: &'a Deployment) -> Self {
        Self {
            id: model.id,
            name: &model.name,
            provider: catalogue.provider(model.provider).map_or("", |provider| &provider.name),
            provider_id: model.provider,
            upstream_model: &model.upstream_model,
            weight: model.weight,
            priority: model.priority,
            dialects: &model.dialects,
            max_output_tokens: model.max_output_tokens,
            context_window: model.context_window,
            prices: model.price.as_deref().map(|(_, price)| price),
            price_id: model.price.as_deref().map(|(id, _)| *id),
            price_source: model.price.is_some().then_some(model.price_source),
            upcoming_prices: model.upcoming.as_deref().map(Upcoming::from),
            created_at: rfc3339(model.created_at),
        }
    }
}

impl<'a> From<&'a PriceVersion> for Upcoming<'a> {
    fn from(version: &'a PriceVersion) -> Self {
        Self {
            price_id: version.id,
            effective_from: rfc3339(version.effective_from),
            set_by: &version.set_by,
            prices: &version.price,
        }
    }
}

impl From<Definition> for ModelDraft {
    fn from(body: Definition) -> Self {
        Self {
            name: body.name,
            provider: body.provider,
            upstream_model: body.upstream_model,
            weight: body.weight.unwrap_or(USUAL_WEIGHT),
            priority: body.priority.unwrap_or_default(),
            dialects: body.dialects,
            max_output_tokens: body.max_output_tokens,
            context_window: body.context_window,
            effective_from: body.prices.as_ref().and_then(|prices| prices.effective_from),
            price: body.prices.map(Price::from),
        }
    }
}

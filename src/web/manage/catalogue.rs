//! `/api/catalogue`: the fetched price list, and what of it waits for an operator. Owns their shape on the wire.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{DeploymentId, Price, Rate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::read;
use super::rfc3339;
use crate::admin::AdminError;
use crate::admin::price_changes::PriceChange;
use crate::admin::price_lists::RefreshError;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageModels, Operator, ReadSettings};

/// Which held-back changes, by the ids they are listed with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    changes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CatalogueView {
    url: Option<String>,
    models: usize,
    models_left_out: usize,
    fetched_at: Option<String>,
    tried_at: Option<String>,
    last_error: Option<String>,
    held_back: Vec<HeldBack>,
}

/// A change that waits: the first rate that moves too far, and both prices.
#[derive(Debug, Serialize, JsonSchema)]
struct HeldBack {
    id: String,
    model_id: DeploymentId,
    model: String,
    provider: String,
    upstream_model: String,
    class: Option<&'static str>,
    above_input_tokens: Option<u64>,
    from: Option<Rate>,
    to: Option<Rate>,
    prices: Option<Price>,
    listed_prices: Price,
}

/// GET `/api/catalogue`.
pub async fn show(_: Operator<ReadSettings>, gateway: web::Data<Gateway>) -> HttpResponse {
    HttpResponse::Ok().json(CatalogueView::now(&gateway))
}

/// POST `/api/catalogue/refresh`: fetches once, now; why there is no newer list, if so, is the answer's `last_error`.
pub async fn refresh(operator: Operator<ManageModels>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    gateway.audit.record(operator.author.does("catalogue.refresh")).await.map_err(AdminError::from)?;
    if let Err(off @ RefreshError::Off) = gateway.admin.refresh_prices().await {
        return Err(AdminError::Conflict(off.to_string()).into());
    }
    Ok(HttpResponse::Ok().json(CatalogueView::now(&gateway)))
}

/// POST `/api/catalogue/approve`: all of the named changes, or none.
pub async fn approve(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let wanted: Wanted = read(&request, payload).await?;
    gateway.admin.approve_prices(&wanted.changes, &operator.author).await?;
    Ok(HttpResponse::Ok().json(CatalogueView::now(&gateway)))
}

/// POST `/api/catalogue/dismiss`: the prices stay as they are.
pub async fn dismiss(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let wanted: Wanted = read(&request, payload).await?;
    gateway.admin.dismiss_prices(&wanted.changes, &operator.author).await?;
    Ok(HttpResponse::Ok().json(CatalogueView::now(&gateway)))
}

impl CatalogueView {
    fn now(gateway: &Gateway) -> Self {
        let lists = gateway.admin.price_lists();
        let refreshed = lists.refreshed();
        let held = gateway.admin.held_back_prices();
        Self {
            url: lists.url().map(str::to_owned),
            models: refreshed.list.len(),
            models_left_out: refreshed.left_out,
            fetched_at: refreshed.fetched_at.map(rfc3339),
            tried_at: refreshed.tried_at.map(rfc3339),
            last_error: refreshed.last_error.clone(),
            held_back: held.into_iter().map(|change| HeldBack::new(gateway, change)).collect(),
        }
    }
}

impl HeldBack {
    fn new(gateway: &Gateway, change: PriceChange) -> Self {
        let PriceChange { id, model, price, leap } = change;
        let leap = leap.as_ref();
        Self {
            id,
            model_id: model.id,
            model: model.name.to_string(),
            provider: gateway.admin.provider(model.provider).map(|it| it.name.clone()).unwrap_or_default(),
            upstream_model: model.upstream_model.to_string(),
            class: leap.map(|leap| leap.class),
            above_input_tokens: leap.map(|leap| leap.above_input_tokens),
            from: leap.map(|leap| leap.from),
            to: leap.map(|leap| leap.to),
            prices: model.price.as_deref().map(|(_, price)| price.clone()),
            listed_prices: price,
        }
    }
}

//! `/api/models`: deployments with their prices. Owns their shape on the wire, which PUT takes back as GET gave it.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{DeploymentId, Dialect, Money, Price, PriceId, ProviderId, Rate};
use farthing_actors::registry::catalogue::{Catalogue, Deployment};
use serde::{Deserialize, Serialize};

use super::body::{decimal, optional_decimal, read};
use super::list::{List, ListQuery, Page, query};
use super::{id, rfc3339};
use crate::admin::models::ModelDraft;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageModels, Operator, ReadSettings};

const USUAL_WEIGHT: u32 = 1;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
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

/// Rates as decimal strings or plain JSON numbers, in US dollars per million tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prices {
    #[serde(deserialize_with = "decimal")]
    input_cost_per_m: Rate,
    #[serde(deserialize_with = "decimal")]
    output_cost_per_m: Rate,
    #[serde(default, deserialize_with = "optional_decimal")]
    cache_read_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    cache_write_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    cache_write_1h_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    reasoning_cost_per_m: Option<Rate>,
    #[serde(default, deserialize_with = "optional_decimal")]
    request_fee_usd: Option<Money>,
}

#[derive(Debug, Serialize)]
struct ModelView<'a> {
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
    prices: Option<Price>,
    price_id: Option<PriceId>,
    created_at: String,
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
    _: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: Definition = read(&request, payload).await?;
    let model = gateway.admin.create_model(body.into()).await?;
    Ok(HttpResponse::Created().json(ModelView::new(&gateway.admin.catalogue(), &model)))
}

/// GET `/api/models/{id}`.
pub async fn show(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let model = gateway.admin.model(id("model", &path)?)?;
    Ok(HttpResponse::Ok().json(ModelView::new(&gateway.admin.catalogue(), &model)))
}

/// PUT `/api/models/{id}`: the whole definition; what is left out is as in a new one.
pub async fn replace(
    _: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: Definition = read(&request, payload).await?;
    let model = gateway.admin.replace_model(id("model", &path)?, body.into()).await?;
    Ok(HttpResponse::Ok().json(ModelView::new(&gateway.admin.catalogue(), &model)))
}

/// DELETE `/api/models/{id}`.
pub async fn delete(
    _: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    gateway.admin.delete_model(id("model", &path)?).await?;
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
            prices: model.price.map(|(_, price)| price),
            price_id: model.price.map(|(id, _)| id),
            created_at: rfc3339(model.created_at),
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
            price: body.prices.map(Price::from),
        }
    }
}

impl From<Prices> for Price {
    fn from(prices: Prices) -> Self {
        Self {
            input_cost_per_m: prices.input_cost_per_m,
            output_cost_per_m: prices.output_cost_per_m,
            cache_read_cost_per_m: prices.cache_read_cost_per_m.unwrap_or_default(),
            cache_write_cost_per_m: prices.cache_write_cost_per_m.unwrap_or_default(),
            cache_write_1h_cost_per_m: prices.cache_write_1h_cost_per_m.unwrap_or_default(),
            reasoning_cost_per_m: prices.reasoning_cost_per_m,
            request_fee_usd: prices.request_fee_usd.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn price(prices: &str) -> Result<Price, serde_json::Error> {
        serde_json::from_str::<Prices>(prices).map(Price::from)
    }

    #[test]
    fn prices_come_back_as_they_are_shown() {
        let given =
            price(r#"{"input_cost_per_m":"0.15","output_cost_per_m":0.60,"cache_read_cost_per_m":null}"#).unwrap();
        let shown = serde_json::to_value(given).unwrap();
        let expected = json!({"input_cost_per_m": "0.15", "output_cost_per_m": "0.60", "cache_read_cost_per_m": "0",
            "cache_write_cost_per_m": "0", "cache_write_1h_cost_per_m": "0", "request_fee_usd": "0"});
        assert_eq!(shown, expected);
        assert_eq!(price(&shown.to_string()).unwrap(), given);
    }

    #[test]
    fn half_a_price_is_none() {
        let missing = price(r#"{"input_cost_per_m":"1"}"#).unwrap_err().to_string();
        assert!(missing.contains("output_cost_per_m"), "{missing}");
        assert!(price(r#"{"input_cost_per_m":"1","output_cost_per_m":"-1"}"#).is_err());
        assert!(price(r#"{"input_cost_per_m":"1","output_cost_per_m":"1","per_image":"1"}"#).is_err());
    }
}

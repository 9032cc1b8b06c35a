//! `/api/models/{id}/prices`: every version of a model's price, and who set it. Owns the words for where one stands.

use actix_web::{HttpResponse, web};
use farthing_actors::domain::{Price, PriceId};
use farthing_actors::registry::catalogue::Deployment;
use farthing_actors::registry::{PriceVersion, Withdrawal};
use schemars::JsonSchema;
use serde::Serialize;

use super::ModelView;
use crate::admin::AdminError;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageModels, Operator, ReadSettings};
use crate::web::manage::list::List;
use crate::web::manage::{id, rfc3339, version};

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It takes over at its moment.
    Upcoming,
    /// Calls are booked at it.
    InForce,
    /// Calls were booked at it, or could have been.
    Past,
    /// It was planned, and given up before its moment.
    Withdrawn,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VersionView {
    price_id: PriceId,
    state: State,
    effective_from: String,
    set_at: String,
    set_by: String,
    withdrawn_at: Option<String>,
    withdrawn_by: Option<String>,
    prices: Price,
}

/// GET `/api/models/{id}/prices`: every version, the earliest first; also of a model that is gone, since the books name them.
pub async fn list(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id("model", &path)?;
    let (versions, withdrawals) = gateway.admin.books().price_record(id).await.map_err(AdminError::Store)?;
    let model = gateway.admin.model(id);
    if versions.is_empty() {
        model.as_ref().map_err(|_| AdminError::absent("model", id))?;
    }
    let withdrawn = |price: PriceId| withdrawals.iter().find(|withdrawal| withdrawal.price == price);
    let view = |version: PriceVersion| {
        let withdrawal = withdrawn(version.id);
        VersionView::new(version, model.as_deref().ok(), withdrawal)
    };
    let data = versions.into_iter().map(view).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor: None }))
}

/// DELETE `/api/models/{id}/prices/upcoming`: what was planned is given up; the model as it is then.
pub async fn withdraw(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let model = gateway.admin.withdraw_price(id("model", &path)?, &operator.author).await?;
    Ok(HttpResponse::Ok().insert_header(version(&*model)).json(ModelView::new(&gateway.admin.catalogue(), &model)))
}

impl State {
    /// Where a version stands.
    pub(crate) fn of(version: PriceId, model: Option<&Deployment>, withdrawn: bool) -> Self {
        let in_force = model.and_then(|model| model.price.as_deref()).map(|(id, _)| *id);
        let upcoming = model.and_then(|model| model.upcoming.as_deref()).map(|version| version.id);
        match version {
            version if Some(version) == in_force => Self::InForce,
            version if Some(version) == upcoming => Self::Upcoming,
            _ if withdrawn => Self::Withdrawn,
            _ => Self::Past,
        }
    }
}

impl VersionView {
    fn new(version: PriceVersion, model: Option<&Deployment>, withdrawal: Option<&Withdrawal>) -> Self {
        Self {
            price_id: version.id,
            state: State::of(version.id, model, withdrawal.is_some()),
            effective_from: rfc3339(version.effective_from),
            set_at: rfc3339(version.set_at),
            set_by: version.set_by.to_string(),
            withdrawn_at: withdrawal.map(|withdrawal| rfc3339(withdrawal.at)),
            withdrawn_by: withdrawal.map(|withdrawal| withdrawal.by.to_string()),
            prices: version.price,
        }
    }
}

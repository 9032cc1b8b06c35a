//! `/api/ledger/adjustments`: what operators charge or give back. Owns the shape on the wire.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{AdjustmentId, Money, ProviderId, RequestId, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::AdminError;
use crate::admin::adjustments::NewAdjustment;
use crate::admin::books::StoredAdjustment;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageLedger, Operator, ReadUsage};
use crate::web::manage::body::{Decimal, decimal, read};
use crate::web::manage::list::{List, ListQuery, Page, query};
use crate::web::manage::rfc3339;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdjustmentBody {
    id: Option<AdjustmentId>,
    account: String,
    #[serde(deserialize_with = "decimal")]
    #[schemars(with = "Decimal")]
    amount_usd: Money,
    reason: String,
    provider: Option<String>,
    request_id: Option<RequestId>,
}

/// One adjustment. Names are of today; what has gone meanwhile is shown by its id.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AdjustmentView {
    id: AdjustmentId,
    seq: i64,
    time: String,
    account: String,
    account_name: Option<String>,
    scopes: Vec<Scope>,
    amount_usd: Money,
    reason: String,
    actor: String,
    provider: Option<String>,
    provider_id: Option<ProviderId>,
    request_id: Option<RequestId>,
}

/// POST `/api/ledger/adjustments`: 201; 200 for one that is in the books already.
pub async fn create(
    operator: Operator<ManageLedger>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: AdjustmentBody = read(&request, payload).await?;
    let new = NewAdjustment {
        id: body.id,
        account: body.account,
        amount: body.amount_usd,
        reason: body.reason,
        provider: body.provider,
        request: body.request_id,
    };
    let booked = gateway.admin.adjust(new, &operator.author).await?;
    let mut answer = if booked.repeated { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(answer.json(AdjustmentView::new(&booked.line, &gateway)))
}

/// GET `/api/ledger/adjustments`: newest first.
pub async fn list(
    _: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: ListQuery = query(&request)?;
    let page = Page::<i64>::new(asked.limit, asked.cursor.as_deref())?;
    let lines = gateway.admin.books().adjustments(page.after, i64::from(page.limit).saturating_add(1)).await;
    let lines = lines.map_err(AdminError::Store)?;
    let (lines, next_cursor) = page.close(lines.into_iter(), |line| line.seq);
    let data = lines.iter().map(|line| AdjustmentView::new(line, &gateway)).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

impl AdjustmentView {
    fn new(line: &StoredAdjustment, gateway: &Gateway) -> Self {
        let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
        let adjustment = &line.adjustment;
        let account = adjustment.scopes.first();
        let account_name = account.and_then(|scope| match scope {
            Scope::Key(id) => keys.key(*id).map(|found| found.key.name.clone()),
            Scope::Project(id) => keys.project(*id).map(|found| found.name.clone()),
            Scope::Run(_) => None,
        });
        Self {
            id: adjustment.id,
            seq: line.seq,
            time: rfc3339(adjustment.booked_at),
            account: account.map(Scope::to_string).unwrap_or_default(),
            account_name,
            scopes: adjustment.scopes.to_vec(),
            amount_usd: adjustment.amount,
            reason: adjustment.reason.to_string(),
            actor: adjustment.actor.to_string(),
            provider: adjustment.provider.map(|id| catalogue.provider_name(id)),
            provider_id: adjustment.provider,
            request_id: adjustment.request,
        }
    }
}

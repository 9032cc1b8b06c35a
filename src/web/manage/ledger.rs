//! `/api/ledger/verify`: whether the books balance. Owns the shape of the verdict; the proof is the store's.

use actix_web::{HttpResponse, web};
use farthing_actors::domain::Money;
use serde::Serialize;

use crate::admin::AdminError;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{Operator, ReadUsage};

#[derive(Debug, Serialize)]
struct VerdictView {
    ok: bool,
    entries: u64,
    requests: u64,
    open_holds: usize,
    imbalance_usd: Money,
    faults: Vec<String>,
}

/// GET `/api/ledger/verify`.
pub async fn verify(_: Operator<ReadUsage>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let verdict = gateway.admin.books().verify().await.map_err(AdminError::Store)?;
    let view = VerdictView {
        ok: verdict.is_ok(),
        entries: verdict.entries,
        requests: verdict.requests,
        open_holds: gateway.admin.open_holds().await?,
        imbalance_usd: verdict.imbalance,
        faults: verdict.faults,
    };
    Ok(HttpResponse::Ok().json(view))
}

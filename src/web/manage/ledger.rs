//! `/api/ledger`: whether the books balance, line by line, and what operators add. Owns the shape of the verdict; the
//! proof is the store's.

pub mod adjustments;
pub mod entries;
pub mod reconcile;

use actix_web::{HttpResponse, web};
use farthing_actors::domain::Money;
use schemars::JsonSchema;
use serde::Serialize;

use crate::admin::AdminError;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{Operator, ReadUsage};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VerdictView {
    ok: bool,
    entries: u64,
    requests: u64,
    adjustments: u64,
    chain_head: String,
    open_holds: usize,
    imbalance_usd: Money,
    fault_count: u64,
    faults: Vec<String>,
}

/// GET `/api/ledger/verify`.
pub async fn verify(_: Operator<ReadUsage>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let verdict = gateway.admin.books().verify().await.map_err(AdminError::Store)?;
    let view = VerdictView {
        ok: verdict.is_ok(),
        entries: verdict.entries,
        requests: verdict.requests,
        adjustments: verdict.adjustments,
        chain_head: verdict.chain_head,
        open_holds: gateway.admin.open_holds().await?,
        imbalance_usd: verdict.imbalance,
        fault_count: verdict.fault_count,
        faults: verdict.faults,
    };
    Ok(HttpResponse::Ok().json(view))
}

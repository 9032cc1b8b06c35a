//! Probes: whether the process lives and whether it should be sent work. No key, and nothing worth one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Gateway;
use super::error::{Code, Problem};
use super::routes::line::Anybody;

/// GET `/live`: the process answers.
pub async fn live(_: Anybody) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// How long the ledger may take to say whether it admits calls; less than what asks usually waits for this answer.
const LEDGER_PATIENCE: Duration = Duration::from_secs(1);

/// GET `/ready` and `/health`: every owner of state lives, the ledger admits calls, and new work is welcome; otherwise 503
/// and why. `database_behind` is how many finished calls are only in the journal yet: no fault by itself.
pub async fn ready(_: Anybody, gateway: web::Data<Gateway>) -> HttpResponse {
    let missing = gateway.missing_actors();
    let welcome = gateway.ready.load(Ordering::Acquire);
    let ledger = if welcome { refusal(&gateway).await } else { None };
    let behind = gateway.admin.books().waiting();
    if welcome && missing.is_empty() && ledger.is_none() {
        return HttpResponse::Ok().json(json!({ "status": "ok", "ledger": "ok", "database_behind": behind }));
    }
    let status = if welcome { "degraded" } else { "stopping" };
    let ledger = ledger.map_or_else(|| "ok".to_owned(), |reason| format!("unavailable: {reason}"));
    let state = json!({ "status": status, "missing": missing, "ledger": ledger, "database_behind": behind });
    HttpResponse::ServiceUnavailable().json(state)
}

/// Why the ledger admits no call, if it does not.
async fn refusal(gateway: &Gateway) -> Option<String> {
    match tokio::time::timeout(LEDGER_PATIENCE, gateway.ledger.check()).await {
        Ok(answer) => answer.err().map(|error| error.to_string()),
        Err(_) => Some("it does not answer".to_owned()),
    }
}

/// Any other path.
pub async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::NotFound))
}

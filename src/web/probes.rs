//! Probes: whether the process lives and whether it should be sent work. No key, and nothing worth one.

use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Gateway;
use super::error::{Code, Problem};

/// GET `/live`: the process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// GET `/ready` and `/health`: every owner of state lives and new work is welcome; 503 otherwise.
pub async fn ready(gateway: web::Data<Gateway>) -> HttpResponse {
    let missing = gateway.missing_actors();
    let welcome = gateway.ready.load(Ordering::Acquire);
    if welcome && missing.is_empty() {
        return HttpResponse::Ok().json(json!({ "status": "ok" }));
    }
    let status = if welcome { "degraded" } else { "stopping" };
    HttpResponse::ServiceUnavailable().json(json!({ "status": status, "missing": missing }))
}

/// Any other path.
pub async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::NotFound))
}

//! Probes: whether the process lives and whether it should be sent work. No key, and nothing worth one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use schemars::JsonSchema;
use serde::Serialize;

use super::Gateway;
use super::error::{Code, Problem};
use super::routes::line::Anybody;

/// The process answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Alive {
    status: &'static str,
}

/// How the gateway is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct State {
    /// `ok`, `degraded` or `stopping`.
    pub(super) status: &'static str,
    /// The owners of state that are away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<Vec<&'static str>>,
    pub(super) ledger: String,
    /// Finished calls that are only in the journal yet.
    pub(super) database_behind: u64,
}

/// GET `/live`: the process answers.
pub async fn live(_: Anybody) -> HttpResponse {
    HttpResponse::Ok().json(Alive { status: "ok" })
}

/// How long the ledger may take to say whether it admits calls; less than what asks usually waits for this answer.
const LEDGER_PATIENCE: Duration = Duration::from_secs(1);

/// GET `/ready` and `/health`: every owner of state lives, the ledger admits calls, and new work is welcome; otherwise 503
/// and why. `database_behind` is how many finished calls are only in the journal yet: no fault by itself.
pub async fn ready(_: Anybody, gateway: web::Data<Gateway>) -> HttpResponse {
    let state = state(&gateway).await;
    let mut answer = if state.missing.is_none() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.json(state)
}

/// How the gateway is; `missing` is there where something is amiss.
pub(crate) async fn state(gateway: &Gateway) -> State {
    let missing = gateway.missing_actors();
    let welcome = gateway.ready.load(Ordering::Acquire);
    let ledger = if welcome { refusal(gateway).await } else { None };
    let behind = gateway.admin.books().waiting();
    if welcome && missing.is_empty() && ledger.is_none() {
        return State { status: "ok", missing: None, ledger: "ok".to_owned(), database_behind: behind };
    }
    let status = if welcome { "degraded" } else { "stopping" };
    let ledger = ledger.map_or_else(|| "ok".to_owned(), |reason| format!("unavailable: {reason}"));
    State { status, missing: Some(missing), ledger, database_behind: behind }
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

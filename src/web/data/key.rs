//! `/v1/key`: what a key may do and what it has left, told to whoever holds it. Owns the shape.
//! Refuses to tell one key about another, or about the projects above its own.

use actix_web::{HttpResponse, web};
use farthing_actors::domain::{Allowed, KeyId, Limits, Money, Scope};
use schemars::JsonSchema;
use serde::Serialize;

use crate::admin::AdminError;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::virtual_key::Caller;
use crate::web::manage::budget::BudgetView;
use crate::web::manage::rfc3339;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OwnKey<'a> {
    id: KeyId,
    name: &'a str,
    prefix: &'a str,
    project: &'a str,
    expires_at: Option<String>,
    allowed_models: &'a Allowed,
    limits: Limits,
    /// What it was ever charged; calls that have just ended may not be in it yet.
    spent_usd: Money,
    budget: Option<BudgetView>,
    project_budget: Option<BudgetView>,
    max_requests: Option<u64>,
    requests_used: Option<u64>,
    requests_remaining: Option<u64>,
    run_limit_usd: Option<Money>,
}

/// GET `/v1/key`.
pub async fn show(Caller(caller): Caller, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let (key, project) = (&caller.key, &caller.project);
    let scopes = vec![Scope::Key(key.id), Scope::Project(project.id)];
    let caps = gateway.admin.caps(vec![Scope::Key(key.id)]);
    let spent = gateway.admin.books().spent(Scope::Key(key.id));
    let (balances, caps, spent) = tokio::join!(gateway.admin.balances(scopes), caps, spent);
    let (mut balances, cap) = (balances?.into_iter(), caps?.pop().flatten());
    let (own, shared) = (balances.next().flatten(), balances.next().flatten());
    Ok(HttpResponse::Ok().json(OwnKey {
        id: key.id,
        name: &key.name,
        prefix: &key.prefix,
        project: &project.name,
        expires_at: key.expires_at.map(rfc3339),
        allowed_models: &key.allowed_models,
        limits: key.limits,
        spent_usd: spent.map_err(AdminError::Store)?,
        budget: BudgetView::new(key.budget.as_ref(), own.as_ref()),
        project_budget: BudgetView::new(project.budget.as_ref(), shared.as_ref()),
        max_requests: key.max_requests,
        requests_used: cap.map(|cap| cap.used),
        requests_remaining: cap.map(|cap| cap.remaining()),
        run_limit_usd: key.run_limit,
    }))
}

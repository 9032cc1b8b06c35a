//! `/api/keys`: what applications present. Owns the shapes of a key on the wire.
//! Refuses to show a secret but in the answer that makes it, and a digest ever.

pub mod tokens;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::clock::HOUR;
use farthing_actors::domain::{Allowed, Budget, Globs, KeyId, Limits, Money, Parameters, ProjectId, Scope, Timestamp};
use farthing_actors::keyring::ring::{AuthorizedKey, KeyState};
use farthing_actors::ledger::hold::{Balance, Cap};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Decimal, given, given_decimal, optional_decimal, read, read_or_default};
use super::budget::BudgetView;
use super::list::{List, Page, query};
use super::{id, rfc3339, version};
use crate::admin::AdminError;
use crate::admin::keys::{IssuedKey, KeyChanges, KeyDraft};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageKeys, Operator, ReadSettings};
use crate::web::extract::who::Sight;

/// Long enough to change a secret everywhere, and short enough that the old one is not forgotten.
const USUAL_OVERLAP_HOURS: u32 = 24;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    project: String,
    name: String,
    #[serde(default, deserialize_with = "given")]
    expires_in_days: Option<Option<u32>>,
    budget: Option<Budget>,
    limits: Option<Limits>,
    allowed_models: Option<Allowed>,
    allowed_endpoints: Option<Globs>,
    allowed_parameters: Option<Parameters>,
    max_requests: Option<u64>,
    #[serde(default, deserialize_with = "optional_decimal")]
    #[schemars(with = "Option<Decimal>")]
    run_limit_usd: Option<Money>,
}

/// Absent fields stay; null takes an expiry, a budget, a cap, all limits or all restrictions away. A budget and limits are given
/// whole: what they leave out is as in a new key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedKey {
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    expires_in_days: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    budget: Option<Option<Budget>>,
    #[serde(default, deserialize_with = "given")]
    limits: Option<Option<Limits>>,
    #[serde(default, deserialize_with = "given")]
    allowed_models: Option<Option<Allowed>>,
    #[serde(default, deserialize_with = "given")]
    allowed_endpoints: Option<Option<Globs>>,
    #[serde(default, deserialize_with = "given")]
    allowed_parameters: Option<Option<Parameters>>,
    #[serde(default, deserialize_with = "given")]
    max_requests: Option<Option<u64>>,
    #[serde(default, deserialize_with = "given_decimal")]
    #[schemars(with = "Option<Decimal>")]
    run_limit_usd: Option<Option<Money>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    overlap_hours: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysQuery {
    project: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeyView {
    id: KeyId,
    /// The secret, in the answer that makes it and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    name: String,
    prefix: String,
    project: String,
    project_id: ProjectId,
    state: &'static str,
    budget: Option<BudgetView>,
    limits: Limits,
    allowed_models: Allowed,
    /// Null where it may call every path.
    allowed_endpoints: Option<Globs>,
    allowed_parameters: Option<Parameters>,
    max_requests: Option<u64>,
    /// Null for a key without a cap: nothing counts them then.
    requests_used: Option<u64>,
    run_limit_usd: Option<Money>,
    expires_at: Option<String>,
    /// Until when the secret before the last rotation opens the key, too.
    former_valid_until: Option<String>,
    revoked_at: Option<String>,
    /// A few seconds late; null if it never was.
    last_used_at: Option<String>,
    created_at: String,
    created_by: Option<String>,
}

/// GET `/api/keys`.
pub async fn list(
    operator: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: KeysQuery = query(&request)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref())?;
    let sight = &operator.who.sight;
    let project = asked.project.map(|wanted| seen_project_id(&gateway, sight, &wanted)).transpose()?;
    let keys = gateway.admin.keys();
    let chosen = keys.keys().filter(|key| project.is_none_or(|project| key.key.project == project));
    let chosen = chosen.filter(|key| sight.sees(key.key.project));
    let (chosen, next_cursor) = page.cut(chosen.cloned(), |key| key.key.id);
    Ok(HttpResponse::Ok().json(List { data: views(&gateway, &chosen).await?, next_cursor }))
}

/// POST `/api/keys`.
pub async fn create(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: NewKey = read(&request, payload).await?;
    let issued = gateway.admin.create_key(body.into(), &operator.author).await?;
    Ok(HttpResponse::Created().insert_header(version(&*issued.key)).json(with_secret(&gateway, issued).await?))
}

/// GET `/api/keys/{id}`.
pub async fn show(
    operator: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let key = gateway.admin.key(id("key", &path)?)?;
    if !operator.who.sight.sees(key.key.project) {
        return Err(AdminError::absent("key", key.key.id).into());
    }
    Ok(HttpResponse::Ok().insert_header(version(&*key)).json(view(&gateway, key).await?))
}

/// PATCH `/api/keys/{id}`.
pub async fn change(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: ChangedKey = read(&request, payload).await?;
    let key = gateway.admin.change_key(id("key", &path)?, body.into(), &operator.author).await?;
    Ok(HttpResponse::Ok().insert_header(version(&*key)).json(view(&gateway, key).await?))
}

/// POST `/api/keys/{id}/revoke`, and DELETE `/api/keys/{id}`: the record stays, because the books name it.
pub async fn revoke(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let key = gateway.admin.revoke_key(id("key", &path)?, &operator.author).await?;
    Ok(HttpResponse::Ok().insert_header(version(&*key)).json(view(&gateway, key).await?))
}

/// POST `/api/keys/{id}/rotate`: the secret changes, and nothing else. The former one goes on for a day, or as long as asked.
pub async fn rotate(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: Rotation = read_or_default(&request, payload).await?;
    let overlap = HOUR.saturating_mul(body.overlap_hours.unwrap_or(USUAL_OVERLAP_HOURS));
    let issued = gateway.admin.rotate_key(id("key", &path)?, overlap, &operator.author).await?;
    Ok(HttpResponse::Created().insert_header(version(&*issued.key)).json(with_secret(&gateway, issued).await?))
}

/// A project by name or id, from a query.
pub(super) fn project_id(gateway: &Gateway, wanted: &str) -> Result<ProjectId, Problem> {
    let found = gateway.admin.find_project(wanted).map(|project| project.id);
    found.ok_or_else(|| AdminError::absent("project", wanted).into())
}

/// As [`project_id`]; what they do not see is as absent as what there is not.
pub(super) fn seen_project_id(gateway: &Gateway, sight: &Sight, wanted: &str) -> Result<ProjectId, Problem> {
    let seen = project_id(gateway, wanted).ok().filter(|id| sight.sees(*id));
    seen.ok_or_else(|| AdminError::absent("project", wanted).into())
}

async fn with_secret(gateway: &Gateway, issued: IssuedKey) -> Result<Option<KeyView>, Problem> {
    let view = view(gateway, issued.key).await?;
    let key = Some(issued.secret.expose().to_owned());
    Ok(view.map(|view| KeyView { key, ..view }))
}

async fn view(gateway: &Gateway, key: Arc<AuthorizedKey>) -> Result<Option<KeyView>, Problem> {
    Ok(views(gateway, &[key]).await?.pop())
}

/// Keys with their balances, all asked for at once.
async fn views(gateway: &Gateway, keys: &[Arc<AuthorizedKey>]) -> Result<Vec<KeyView>, Problem> {
    let scopes: Vec<_> = keys.iter().map(|key| Scope::Key(key.key.id)).collect();
    let (balances, caps) = tokio::join!(gateway.admin.balances(scopes.clone()), gateway.admin.caps(scopes));
    let (now, known) = (gateway.clock.now(), balances?.into_iter().zip(caps?));
    let used = |key: &AuthorizedKey| gateway.uses.last(key.key.id).map(rfc3339);
    let view =
        |(key, known): (&Arc<AuthorizedKey>, _)| KeyView { last_used_at: used(key), ..KeyView::new(key, &known, now) };
    Ok(keys.iter().zip(known).map(view).collect())
}

impl KeyView {
    fn new(authorized: &AuthorizedKey, (balance, cap): &(Option<Balance>, Option<Cap>), now: Timestamp) -> Self {
        let key = &authorized.key;
        Self {
            id: key.id,
            key: None,
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            project: authorized.project.name.clone(),
            project_id: key.project,
            state: state(authorized.state(now)),
            budget: BudgetView::new(key.budget.as_ref(), balance.as_ref()),
            limits: key.limits,
            allowed_models: key.allowed_models.clone(),
            allowed_endpoints: key.allowed_endpoints.clone(),
            allowed_parameters: key.allowed_parameters.clone(),
            max_requests: key.max_requests,
            requests_used: cap.map(|cap| cap.used),
            run_limit_usd: key.run_limit,
            expires_at: key.expires_at.map(rfc3339),
            former_valid_until: key
                .former
                .as_ref()
                .map(|former| former.until)
                .filter(|until| *until > now)
                .map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
            last_used_at: None,
            created_at: rfc3339(key.created_at),
            created_by: key.created_by.clone(),
        }
    }
}

fn state(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Revoked => "revoked",
        KeyState::Expired => "expired",
        KeyState::Inactive => "inactive",
    }
}

impl From<NewKey> for KeyDraft {
    fn from(body: NewKey) -> Self {
        Self {
            project: body.project,
            name: body.name,
            expires_in_days: body.expires_in_days,
            budget: body.budget,
            limits: body.limits.unwrap_or_default(),
            allowed_models: body.allowed_models.unwrap_or_default(),
            allowed_endpoints: body.allowed_endpoints,
            allowed_parameters: body.allowed_parameters,
            max_requests: body.max_requests,
            run_limit: body.run_limit_usd,
        }
    }
}

impl From<ChangedKey> for KeyChanges {
    fn from(body: ChangedKey) -> Self {
        Self {
            name: body.name,
            expires_in_days: body.expires_in_days,
            budget: body.budget,
            limits: body.limits.map(Option::unwrap_or_default),
            allowed_models: body.allowed_models.map(Option::unwrap_or_default),
            allowed_endpoints: body.allowed_endpoints,
            allowed_parameters: body.allowed_parameters,
            max_requests: body.max_requests,
            run_limit: body.run_limit_usd,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_are_as_good_as_nothing_and_what_is_unknown_is_refused() {
        let nulls = r#"{"project":"a","name":"ci","budget":null,"limits":{"rpm":null},"allowed_models":null,
                        "max_requests":null,"run_limit_usd":null}"#;
        let draft = KeyDraft::from(serde_json::from_str::<NewKey>(nulls).unwrap());
        assert_eq!((draft.expires_in_days, draft.allowed_endpoints), (None, None));
        assert!(draft.budget.is_none() && draft.limits.is_unlimited());
        assert_eq!((draft.allowed_models, draft.max_requests, draft.run_limit), (Allowed::default(), None, None));
        assert!(serde_json::from_str::<NewKey>(r#"{"project":"a","name":"ci","max_request":9}"#).is_err());
    }

    #[test]
    fn what_is_absent_stays_and_null_takes_it_away() {
        let changes = |json| KeyChanges::from(serde_json::from_str::<ChangedKey>(json).unwrap());
        assert_eq!((changes("{}").max_requests, changes("{}").run_limit), (None, None));
        let none = changes(r#"{"max_requests":null,"run_limit_usd":null}"#);
        assert_eq!((none.max_requests, none.run_limit), (Some(None), Some(None)));
        let some = changes(r#"{"max_requests":5,"run_limit_usd":0.30}"#);
        assert_eq!((some.max_requests, some.run_limit), (Some(Some(5)), Some("0.30".parse().ok())));
    }
}

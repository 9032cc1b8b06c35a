//! Virtual keys: what applications present, what each may and has left. Owns what is on the pages.
//! Refuses to show a secret: only the answer that makes one does, once.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{KeyId, Permission, Scope};
use farthing_actors::keyring::ring::AuthorizedKey;
use farthing_actors::ledger::hold::Cap;
use serde::Deserialize;

use super::budgets::BudgetBar;
use super::callers::{self, BudgetFields, LimitFields};
use super::page;
use super::projects::names;
use super::samples::Samples;
use super::shell::Shell;
use super::shown::{self, Amount, Moment};
use super::visitor::Visitor;
use crate::admin::AdminError;
use crate::admin::etag::Tagged;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadSettings;
use crate::web::manage::list::{Page, query};
use crate::web::{Gateway, front};

/// What stands in a sample where the secret goes.
const SECRET: &str = "{secret}";

#[derive(Debug, Deserialize)]
struct Asked {
    cursor: Option<String>,
    /// A project's name; empty for all.
    #[serde(default)]
    project: String,
    /// A part of the name or of the prefix.
    #[serde(default)]
    search: String,
}

#[derive(Template)]
#[template(path = "keys/list.html")]
struct ListPage {
    shell: Shell,
    asked: Asked,
    keys: Vec<KeyRow>,
    next: Option<String>,
    may_issue: bool,
    projects: Vec<String>,
    budget: BudgetFields,
    limits: LimitFields,
    samples: Samples,
}

#[derive(Template)]
#[template(path = "keys/page.html")]
struct KeyPage {
    shell: Shell,
    key: KeyRow,
    detail: Detail,
    may_issue: bool,
    budget: BudgetFields,
    limits: LimitFields,
    samples: Samples,
}

/// One key.
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) prefix: String,
    pub(super) project: String,
    pub(super) project_id: String,
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
    pub(super) limits: String,
    pub(super) expires: Option<Moment>,
    pub(super) used: Option<Moment>,
}

/// What only the key's own page shows.
struct Detail {
    bar: Option<BudgetBar>,
    models: String,
    models_field: String,
    endpoints: String,
    parameters: String,
    cap: Option<String>,
    max_requests: String,
    run_limit: Option<Amount>,
    run_limit_field: String,
    former_until: Option<Moment>,
    revoked: Option<Moment>,
    created: Moment,
    created_by: String,
    version: String,
    is_open: bool,
}

/// GET `/keys`.
///
/// # Errors
/// 404 for a project that does not exist.
pub async fn list(
    visitor: Visitor<ReadSettings>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: Asked = query(&request)?;
    let page = Page::<KeyId>::new(None, asked.cursor.as_deref())?;
    let all = gateway.admin.keys();
    let search = asked.search.to_lowercase();
    let wanted = |key: &&Arc<AuthorizedKey>| {
        let (key, project) = (&key.key, &key.project);
        visitor.who.sight.sees(key.project)
            && (asked.project.is_empty() || project.name == asked.project)
            && (key.name.to_lowercase().contains(&search) || key.prefix.contains(&search))
    };
    let (keys, next) = page.cut(all.keys().filter(wanted).cloned(), |key| key.key.id);
    let may_issue = visitor.may(Permission::ManageKeys);
    let page = ListPage {
        shell: visitor.shell(),
        keys: rows(&gateway, &keys),
        asked,
        next,
        may_issue,
        projects: names(&all, &visitor.who.sight),
        budget: BudgetFields::default(),
        limits: LimitFields::default(),
        samples: Samples::new(&front::own_origin(&request), SECRET),
    };
    page::render(StatusCode::OK, &page)
}

/// GET `/keys/{id}`.
///
/// # Errors
/// 404 if there is none, or the ledger's.
pub async fn show(
    visitor: Visitor<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let absent = || AdminError::absent("key", &path);
    let key = gateway.admin.key(path.parse().map_err(|_| absent())?)?;
    if !visitor.who.sight.sees(key.key.project) {
        return Err(AdminError::absent("key", key.key.id).into());
    }
    let page = KeyPage {
        shell: visitor.shell(),
        key: KeyRow::new(&gateway, &key),
        detail: Detail::of(&gateway, &key).await?,
        may_issue: visitor.may(Permission::ManageKeys),
        budget: key.key.budget.as_ref().map(Into::into).unwrap_or_default(),
        limits: (&key.key.limits).into(),
        samples: Samples::new(&front::own_origin(&request), SECRET),
    };
    page::render(StatusCode::OK, &page)
}

/// A row each.
pub(super) fn rows(gateway: &Gateway, keys: &[Arc<AuthorizedKey>]) -> Vec<KeyRow> {
    keys.iter().map(|key| KeyRow::new(gateway, key)).collect()
}

impl KeyRow {
    fn new(gateway: &Gateway, authorized: &AuthorizedKey) -> Self {
        let key = &authorized.key;
        let (state, tone) = callers::state(authorized.state(gateway.clock.now()));
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            project: authorized.project.name.clone(),
            project_id: key.project.to_string(),
            state,
            tone,
            limits: callers::limits(&key.limits),
            expires: key.expires_at.map(Into::into),
            used: gateway.uses.last(key.id).map(Into::into),
        }
    }
}

impl Detail {
    async fn of(gateway: &Gateway, authorized: &AuthorizedKey) -> Result<Self, Problem> {
        let (key, now) = (&authorized.key, gateway.clock.now());
        let scopes = vec![Scope::Key(key.id)];
        let (balances, caps) = tokio::join!(gateway.admin.balances(scopes.clone()), gateway.admin.caps(scopes));
        let balance = balances?.pop().flatten();
        let cap = caps?.pop().flatten();
        let former = key.former.as_ref().map(|former| former.until).filter(|until| *until > now);
        let used = |cap: &Cap| shown::count(cap.used);
        let max = key.max_requests.map(|max| max.to_string()).unwrap_or_default();
        Ok(Self {
            bar: key.budget.as_ref().zip(balance.as_ref()).map(|(budget, balance)| BudgetBar::new(budget, balance)),
            models: callers::models(&key.allowed_models),
            models_field: key.allowed_models.0.join(", "),
            endpoints: key.allowed_endpoints.as_ref().map(plain).unwrap_or_default(),
            parameters: key.allowed_parameters.as_ref().map(plain).unwrap_or_default(),
            cap: cap.as_ref().map(|cap| format!("{} of {}", used(cap), shown::count(&max))),
            max_requests: max,
            run_limit: key.run_limit.map(Into::into),
            run_limit_field: key.run_limit.map(|limit| limit.to_string()).unwrap_or_default(),
            former_until: former.map(Into::into),
            revoked: key.revoked_at.map(Into::into),
            created: key.created_at.into(),
            created_by: key.created_by.clone().unwrap_or_else(|| "the configuration".to_owned()),
            version: authorized.etag().to_string(),
            is_open: key.revoked_at.is_none(),
        })
    }
}

/// As the API writes it.
fn plain(rules: &impl serde::Serialize) -> String {
    serde_json::to_string(rules).unwrap_or_default()
}

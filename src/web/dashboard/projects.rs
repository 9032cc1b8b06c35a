//! Projects: who is charged, how much is left, and what one may change about them. Owns what is on the pages.
//! Refuses to act: the forms are calls of the API.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{Permission, ProjectId, Scope};
use farthing_actors::keyring::ring::{Keys, Project};
use farthing_actors::ledger::hold::Balance;
use serde::Deserialize;

use super::budgets::BudgetBar;
use super::callers::{self, BudgetFields, LimitFields};
use super::keys::KeyRow;
use super::page;
use super::shell::Shell;
use super::shown::Moment;
use super::visitor::Visitor;
use crate::admin::AdminError;
use crate::admin::etag::Tagged;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadSettings;
use crate::web::extract::who::Sight;
use crate::web::manage::list::{Page, query};

/// Keys of a project on its own page; the page of keys has all.
const KEYS: usize = 50;

#[derive(Debug, Deserialize)]
struct Asked {
    cursor: Option<String>,
    /// A part of the name.
    #[serde(default)]
    search: String,
}

#[derive(Template)]
#[template(path = "projects/list.html")]
struct ListPage {
    shell: Shell,
    search: String,
    projects: Vec<ProjectRow>,
    next: Option<String>,
    may_change: bool,
    names: Vec<String>,
    budget: BudgetFields,
    limits: LimitFields,
}

#[derive(Template)]
#[template(path = "projects/page.html")]
struct ProjectPage {
    shell: Shell,
    project: ProjectRow,
    keys: Vec<KeyRow>,
    has_more_keys: bool,
    may_change: bool,
    may_issue: bool,
    version: String,
    models: String,
    cache_seconds: String,
    names: Vec<String>,
    budget: BudgetFields,
    limits: LimitFields,
}

/// One project.
pub(super) struct ProjectRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) parent: Option<(String, String)>,
    pub(super) bar: Option<BudgetBar>,
    pub(super) limits: String,
    pub(super) models: String,
    pub(super) keys: usize,
    pub(super) active: bool,
    pub(super) created: Moment,
}

/// GET `/projects`.
///
/// # Errors
/// If the cursor is not ours, or the ledger does not answer.
pub async fn list(
    visitor: Visitor<ReadSettings>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: Asked = query(&request)?;
    let page = Page::<ProjectId>::new(None, asked.cursor.as_deref())?;
    let keys = gateway.admin.keys();
    let wanted = |project: &&Arc<Project>| {
        visitor.who.sight.sees(project.id) && project.name.to_lowercase().contains(&asked.search.to_lowercase())
    };
    let (projects, next) = page.cut(keys.projects().filter(wanted).cloned(), |project| project.id);
    let may_change = visitor.may(Permission::ManageProjects);
    let page = ListPage {
        shell: visitor.shell(),
        projects: rows(&gateway, &visitor.who.sight, &projects).await?,
        search: asked.search,
        next,
        may_change,
        names: if may_change { names(&keys, &visitor.who.sight) } else { Vec::new() },
        budget: BudgetFields::default(),
        limits: LimitFields::default(),
    };
    page::render(StatusCode::OK, &page)
}

/// GET `/projects/{id}`.
///
/// # Errors
/// 404 if there is none, or the ledger's.
pub async fn show(
    visitor: Visitor<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let absent = || AdminError::absent("project", &path);
    let project = gateway.admin.project(path.parse().map_err(|_| absent())?)?;
    if !visitor.who.sight.sees(project.id) {
        return Err(AdminError::absent("project", project.id).into());
    }
    let all = gateway.admin.keys();
    let own = all.keys().rev().filter(|key| key.key.project == project.id);
    let mut keys: Vec<_> = own.take(KEYS.saturating_add(1)).cloned().collect();
    let has_more_keys = keys.len() > KEYS;
    keys.truncate(KEYS);
    let mut row = rows(&gateway, &visitor.who.sight, std::slice::from_ref(&project)).await?;
    let page = ProjectPage {
        shell: visitor.shell(),
        project: row.pop().ok_or_else(absent)?,
        keys: super::keys::rows(&gateway, &keys),
        has_more_keys,
        may_change: visitor.may(Permission::ManageProjects),
        may_issue: visitor.may(Permission::ManageKeys),
        version: project.etag().to_string(),
        models: project.allowed_models.0.join(", "),
        cache_seconds: project.response_cache.map(|cache| cache.ttl_seconds.to_string()).unwrap_or_default(),
        names: names(&all, &visitor.who.sight),
        budget: project.budget.as_ref().map(Into::into).unwrap_or_default(),
        limits: (&project.limits).into(),
    };
    page::render(StatusCode::OK, &page)
}

/// What a form offers to choose from, as far as somebody sees it.
pub(super) fn names(keys: &Keys, sight: &Sight) -> Vec<String> {
    const MOST: usize = 500;
    let seen = keys.projects().filter(|project| sight.sees(project.id));
    let mut names: Vec<String> = seen.map(|project| project.name.clone()).take(MOST).collect();
    names.sort_unstable();
    names
}

/// A row each, with balances that are all asked for at once.
async fn rows(gateway: &Gateway, sight: &Sight, projects: &[Arc<Project>]) -> Result<Vec<ProjectRow>, Problem> {
    let keys = gateway.admin.keys();
    let scopes = projects.iter().map(|project| Scope::Project(project.id)).collect();
    let balances = gateway.admin.balances(scopes).await?;
    let row = |(project, balance): (&Arc<Project>, &Option<Balance>)| {
        ProjectRow::new(&keys, sight, (project, balance.as_ref()))
    };
    Ok(projects.iter().zip(&balances).map(row).collect())
}

impl ProjectRow {
    fn new(keys: &Keys, sight: &Sight, (project, balance): (&Project, Option<&Balance>)) -> Self {
        let parent = project.parent.filter(|id| sight.sees(*id)).and_then(|id| keys.project(id));
        Self {
            id: project.id.to_string(),
            name: project.name.clone(),
            parent: parent.map(|parent| (parent.id.to_string(), parent.name.clone())),
            bar: project.budget.as_ref().zip(balance).map(|(budget, balance)| BudgetBar::new(budget, balance)),
            limits: callers::limits(&project.limits),
            models: callers::models(&project.allowed_models),
            keys: keys.keys().filter(|key| key.key.project == project.id).count(),
            active: project.deactivated_at.is_none(),
            created: project.created_at.into(),
        }
    }
}

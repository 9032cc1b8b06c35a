//! `/api/projects`: who is charged. Owns the shapes of a project on the wire.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{Allowed, Budget, Limits, ProjectId, ResponseCache, Scope};
use farthing_actors::keyring::ring::Project;
use farthing_actors::ledger::hold::Balance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{given, read};
use super::budget::BudgetView;
use super::list::{List, ListQuery, Page, query};
use super::{id, rfc3339, version};
use crate::admin::AdminError;
use crate::admin::keys::RevokedKeys;
use crate::admin::projects::{ProjectChanges, ProjectDraft};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageKeys, ManageProjects, Operator, ReadSettings};
use crate::web::extract::who::Sight;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProject {
    name: String,
    parent: Option<String>,
    budget: Option<Budget>,
    limits: Option<Limits>,
    allowed_models: Option<Allowed>,
    response_cache: Option<ResponseCache>,
}

/// Absent fields stay; null takes a parent, a budget, all limits, all restrictions or the response cache away. A budget and limits
/// are given whole: what they leave out is as in a new project.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedProject {
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    parent: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    budget: Option<Option<Budget>>,
    #[serde(default, deserialize_with = "given")]
    limits: Option<Option<Limits>>,
    #[serde(default, deserialize_with = "given")]
    allowed_models: Option<Option<Allowed>>,
    #[serde(default, deserialize_with = "given")]
    response_cache: Option<Option<ResponseCache>>,
    active: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProjectView {
    id: ProjectId,
    name: String,
    parent: Option<String>,
    parent_id: Option<ProjectId>,
    budget: Option<BudgetView>,
    limits: Limits,
    allowed_models: Allowed,
    response_cache: Option<ResponseCache>,
    active: bool,
    deactivated_at: Option<String>,
    created_at: String,
}

/// How many keys were revoked, how many had been before, and both together.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RevokedView {
    revoked: usize,
    already_revoked: usize,
    total: usize,
}

/// GET `/api/projects`.
pub async fn list(
    operator: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: ListQuery = query(&request)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref())?;
    let keys = gateway.admin.keys();
    let (projects, next_cursor) =
        page.cut(keys.projects().filter(|project| operator.who.sight.sees(project.id)).cloned(), |project| project.id);
    let data = views(&gateway, &operator.who.sight, &projects).await?;
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// POST `/api/projects`.
pub async fn create(
    operator: Operator<ManageProjects>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: NewProject = read(&request, payload).await?;
    let project = gateway.admin.create_project(body.into(), &operator.author).await?;
    Ok(HttpResponse::Created()
        .insert_header(version(&*project))
        .json(view(&gateway, &operator.who.sight, project).await?))
}

/// GET `/api/projects/{id}`.
pub async fn show(
    operator: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let project = gateway.admin.project(id("project", &path)?)?;
    if !operator.who.sight.sees(project.id) {
        return Err(AdminError::absent("project", project.id).into());
    }
    Ok(HttpResponse::Ok().insert_header(version(&*project)).json(view(&gateway, &operator.who.sight, project).await?))
}

/// PATCH `/api/projects/{id}`.
pub async fn change(
    operator: Operator<ManageProjects>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: ChangedProject = read(&request, payload).await?;
    let project = gateway.admin.change_project(id("project", &path)?, body.into(), &operator.author).await?;
    Ok(HttpResponse::Ok().insert_header(version(&*project)).json(view(&gateway, &operator.who.sight, project).await?))
}

/// DELETE `/api/projects/{id}`.
pub async fn delete(
    operator: Operator<ManageProjects>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    gateway.admin.delete_project(id("project", &path)?, &operator.author).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// POST `/api/projects/{id}/revoke-keys`: all of them or none.
pub async fn revoke_keys(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let RevokedKeys { revoked, already } =
        gateway.admin.revoke_project_keys(id("project", &path)?, &operator.author).await?;
    Ok(HttpResponse::Ok().json(RevokedView { revoked, already_revoked: already, total: revoked + already }))
}

async fn view(gateway: &Gateway, sight: &Sight, project: Arc<Project>) -> Result<Option<ProjectView>, Problem> {
    Ok(views(gateway, sight, &[project]).await?.pop())
}

/// Projects with their balances, all asked for at once.
async fn views(gateway: &Gateway, sight: &Sight, projects: &[Arc<Project>]) -> Result<Vec<ProjectView>, Problem> {
    let keys = gateway.admin.keys();
    let parent = |project: &Project| project.parent.filter(|id| sight.sees(*id)).and_then(|id| keys.project(id));
    let scopes = projects.iter().map(|project| Scope::Project(project.id)).collect();
    let balances = gateway.admin.balances(scopes).await?;
    Ok(projects
        .iter()
        .zip(&balances)
        .map(|(project, balance)| ProjectView::new(project, parent(project), balance.as_ref()))
        .collect())
}

impl ProjectView {
    /// With its parent as far as somebody sees it.
    fn new(project: &Project, parent: Option<&Arc<Project>>, balance: Option<&Balance>) -> Self {
        Self {
            id: project.id,
            name: project.name.clone(),
            parent: parent.map(|parent| parent.name.clone()),
            parent_id: parent.map(|parent| parent.id),
            budget: BudgetView::new(project.budget.as_ref(), balance),
            limits: project.limits,
            allowed_models: project.allowed_models.clone(),
            response_cache: project.response_cache,
            active: project.deactivated_at.is_none(),
            deactivated_at: project.deactivated_at.map(rfc3339),
            created_at: rfc3339(project.created_at),
        }
    }
}

impl From<NewProject> for ProjectDraft {
    fn from(body: NewProject) -> Self {
        Self {
            name: body.name,
            parent: body.parent,
            budget: body.budget,
            limits: body.limits.unwrap_or_default(),
            allowed_models: body.allowed_models.unwrap_or_default(),
            response_cache: body.response_cache,
        }
    }
}

impl From<ChangedProject> for ProjectChanges {
    fn from(body: ChangedProject) -> Self {
        Self {
            name: body.name,
            parent: body.parent,
            budget: body.budget,
            limits: body.limits.map(Option::unwrap_or_default),
            allowed_models: body.allowed_models.map(Option::unwrap_or_default),
            response_cache: body.response_cache,
            active: body.active,
        }
    }
}

//! `/api/shadow`: what limits and budgets in shadow mode would have refused. Owns the shape of a count on the wire.
//! Refuses to sum: one call may count at several scopes.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{KeyId, ProjectId, RequestId, Rule, Scope};
use farthing_actors::keyring::ring::Keys;
use farthing_actors::shadow::{Count, Instance, Report};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys::project_id;
use super::list::query;
use super::rfc3339;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageProjects, Operator, ReadUsage};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShadowQuery {
    project: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReportView {
    /// Counting began then: at the start, or when it was last forgotten.
    since: String,
    data: Vec<CountView>,
}

/// One rule of one key or project.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CountView {
    scope: Scope,
    /// Of the key or the project; null if it has gone.
    name: Option<String>,
    rule: Rule,
    would_have_refused: u64,
    /// Newest first.
    latest: Vec<InstanceView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InstanceView {
    request: RequestId,
    key: KeyId,
    project_id: ProjectId,
    model: String,
    time: String,
}

/// GET `/api/shadow`, with `?project=` of one project and its keys only.
pub async fn show(
    _: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let ShadowQuery { project } = query(&request)?;
    let project = project.map(|wanted| project_id(&gateway, &wanted)).transpose()?;
    let Report { since, counts } = gateway.admin.shadow().await?;
    let keys = gateway.admin.keys();
    let wanted = |count: &Count| project.is_none_or(|project| owner(&keys, count.shadowed.scope) == Some(project));
    let data = counts.into_iter().filter(wanted).map(|count| CountView::new(&keys, count)).collect();
    Ok(HttpResponse::Ok().json(ReportView { since: rfc3339(since), data }))
}

/// DELETE `/api/shadow`: counting begins anew.
pub async fn forget(operator: Operator<ManageProjects>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    gateway.admin.forget_shadow(&operator.author).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The project that a scope is, or belongs to.
fn owner(keys: &Keys, scope: Scope) -> Option<ProjectId> {
    match scope {
        Scope::Project(id) => Some(id),
        Scope::Key(id) => keys.key(id).map(|key| key.key.project),
        Scope::Run(_) => None,
    }
}

impl CountView {
    fn new(keys: &Keys, count: Count) -> Self {
        let name = match count.shadowed.scope {
            Scope::Project(id) => keys.project(id).map(|project| project.name.clone()),
            Scope::Key(id) => keys.key(id).map(|key| key.key.name.clone()),
            Scope::Run(_) => None,
        };
        Self {
            scope: count.shadowed.scope,
            name,
            rule: count.shadowed.rule,
            would_have_refused: count.refused,
            latest: count.latest.into_iter().map(InstanceView::from).collect(),
        }
    }
}

impl From<Instance> for InstanceView {
    fn from(instance: Instance) -> Self {
        Self {
            request: instance.request,
            key: instance.key,
            project_id: instance.project,
            model: instance.model.to_string(),
            time: rfc3339(instance.time),
        }
    }
}

//! `/api/shadow`: what limits and budgets in shadow mode would have refused, and where groups in the shadow would have
//! sent calls. Owns the shape of a count on the wire.
//! Refuses to sum: one call may count at several scopes.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{DeploymentId, GroupId, KeyId, Money, ProjectId, RequestId, Rule, Scope};
use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;
use farthing_actors::shadow::{Count, Detour, Instance, Report, RouteCount};
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
    /// Of all projects together; none where one was asked for.
    routes: Vec<RouteView>,
}

/// One group in the shadow.
#[derive(Debug, Serialize, JsonSchema)]
struct RouteView {
    group: GroupId,
    /// Null if it has gone.
    name: Option<String>,
    shadows: Option<String>,
    calls: u64,
    would_have_moved: u64,
    would_have_refused: u64,
    /// Of the calls that can be compared.
    cost_usd: Money,
    would_cost_usd: Money,
    unpriced: u64,
    /// Newest first.
    latest: Vec<DetourView>,
}

/// A call that would have gone elsewhere.
#[derive(Debug, Serialize, JsonSchema)]
struct DetourView {
    #[serde(flatten)]
    call: InstanceView,
    served_by: DeploymentId,
    cost_usd: Money,
    /// Null: nobody would have served it.
    would_have_asked: Option<DeploymentId>,
    would_cost_usd: Option<Money>,
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
    let Report { since, counts, routes } = gateway.admin.shadow().await?;
    let keys = gateway.admin.keys();
    let wanted = |count: &Count| project.is_none_or(|project| owner(&keys, count.shadowed.scope) == Some(project));
    let data = counts.into_iter().filter(wanted).map(|count| CountView::new(&keys, count)).collect();
    let catalogue = gateway.admin.catalogue();
    let routes = routes.into_iter().filter(|_| project.is_none());
    let routes = routes.map(|(group, count)| RouteView::new(&catalogue, group, count)).collect();
    Ok(HttpResponse::Ok().json(ReportView { since: rfc3339(since), data, routes }))
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

impl RouteView {
    fn new(catalogue: &Catalogue, id: GroupId, count: RouteCount) -> Self {
        let group = catalogue.group(id);
        Self {
            group: id,
            name: group.map(|group| group.name.to_string()),
            shadows: group.and_then(|group| group.shadows.as_deref()).map(str::to_owned),
            calls: count.calls,
            would_have_moved: count.moved,
            would_have_refused: count.refused,
            cost_usd: count.cost,
            would_cost_usd: count.would_cost,
            unpriced: count.unpriced,
            latest: count.latest.into_iter().map(DetourView::from).collect(),
        }
    }
}

impl From<Detour> for DetourView {
    fn from(detour: Detour) -> Self {
        Self {
            call: detour.call.into(),
            served_by: detour.served.0,
            cost_usd: detour.served.1,
            would_have_asked: detour.chosen.map(|(deployment, _)| deployment),
            would_cost_usd: detour.chosen.and_then(|(_, cost)| cost),
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

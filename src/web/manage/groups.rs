//! `/api/groups`: several models under one name. Owns their shapes on the wire: PUT takes a whole
//! definition, GET adds the id and times.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{GroupId, Strategy};
use farthing_actors::registry::classifier::Classifier;
use farthing_actors::registry::group::{Group, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::read;
use super::list::{List, ListQuery, Page, query};
use super::{rfc3339, version};
use crate::admin::groups::GroupDraft;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageModels, Operator, ReadSettings};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    name: String,
    strategy: Strategy,
    classifier: Option<Classifier>,
    targets: Vec<Target>,
    shadows: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GroupView<'a> {
    id: GroupId,
    name: &'a str,
    strategy: Strategy,
    /// Only where the strategy is `classifier`.
    #[serde(skip_serializing_if = "Option::is_none")]
    classifier: Option<&'a Classifier>,
    targets: &'a [Target],
    /// Only where it shadows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadows: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

/// GET `/api/groups`.
pub async fn list(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: ListQuery = query(&request)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref())?;
    let catalogue = gateway.admin.catalogue();
    let (groups, next_cursor) = page.cut(catalogue.groups(), |group| group.id);
    let data = groups.into_iter().map(|group| GroupView::new(group)).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// POST `/api/groups`.
pub async fn create(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: Definition = read(&request, payload).await?;
    let group = gateway.admin.create_group(body.into(), &operator.author).await?;
    Ok(HttpResponse::Created().insert_header(version(&*group)).json(GroupView::new(&group)))
}

/// GET `/api/groups/{id}`, by id or name.
pub async fn show(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let group = gateway.admin.group(&path)?;
    Ok(HttpResponse::Ok().insert_header(version(&*group)).json(GroupView::new(&group)))
}

/// PUT `/api/groups/{id}`, by id or name: the whole definition.
pub async fn replace(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: Definition = read(&request, payload).await?;
    let group = gateway.admin.replace_group(&path, body.into(), &operator.author).await?;
    Ok(HttpResponse::Ok().insert_header(version(&*group)).json(GroupView::new(&group)))
}

/// DELETE `/api/groups/{id}`, by id or name.
pub async fn delete(
    operator: Operator<ManageModels>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    gateway.admin.delete_group(&path, &operator.author).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl<'a> GroupView<'a> {
    fn new(group: &'a Group) -> Self {
        Self {
            id: group.id,
            name: &group.name,
            strategy: group.strategy,
            classifier: group.classifier.as_ref(),
            targets: &group.targets,
            shadows: group.shadows.as_deref(),
            created_at: rfc3339(group.created_at),
            updated_at: rfc3339(group.updated_at),
        }
    }
}

impl From<Definition> for GroupDraft {
    fn from(body: Definition) -> Self {
        let Definition { name, strategy, classifier, targets, shadows } = body;
        Self { name, strategy, classifier, targets, shadows }
    }
}

//! `/api/cache`: how full the response cache is, and emptying it. Owns the shapes. Refuses to show an answer.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::query;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageProjects, Operator, ReadSettings};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurgeQuery {
    project: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CacheView {
    entries: usize,
    bytes: usize,
    hits: u64,
    misses: u64,
    evicted: u64,
    max_bytes: usize,
    max_entry_bytes: usize,
    max_age_seconds: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PurgedView {
    purged: usize,
    bytes: usize,
}

/// GET `/api/cache`.
pub async fn show(_: Operator<ReadSettings>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let (bounds, tally) = gateway.admin.cache().await?;
    Ok(HttpResponse::Ok().json(CacheView {
        entries: tally.entries,
        bytes: tally.bytes,
        hits: tally.hits,
        misses: tally.misses,
        evicted: tally.evicted,
        max_bytes: bounds.max_bytes,
        max_entry_bytes: bounds.max_entry_bytes,
        max_age_seconds: bounds.max_age.as_secs(),
    }))
}

/// DELETE `/api/cache`, with `?project=` of one project only.
pub async fn purge(
    operator: Operator<ManageProjects>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let PurgeQuery { project } = query(&request)?;
    let purged = gateway.admin.purge_cache(project.as_deref(), &operator.author).await?;
    Ok(HttpResponse::Ok().json(PurgedView { purged: purged.entries, bytes: purged.bytes }))
}

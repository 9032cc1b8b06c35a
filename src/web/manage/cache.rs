//! `/api/cache`: how full the response cache is, and emptying it. Owns the shapes. Refuses to show an answer.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::list::query;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageProjects, Operator, ReadSettings};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PurgeQuery {
    project: Option<String>,
}

/// GET `/api/cache`.
pub async fn show(_: Operator<ReadSettings>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let (bounds, tally) = gateway.admin.cache().await?;
    Ok(HttpResponse::Ok().json(json!({
        "entries": tally.entries,
        "bytes": tally.bytes,
        "hits": tally.hits,
        "misses": tally.misses,
        "evicted": tally.evicted,
        "max_bytes": bounds.max_bytes,
        "max_entry_bytes": bounds.max_entry_bytes,
        "max_age_seconds": bounds.max_age.as_secs(),
    })))
}

/// DELETE `/api/cache`, with `?project=` of one project only.
pub async fn purge(
    operator: Operator<ManageProjects>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let PurgeQuery { project } = query(&request)?;
    let purged = gateway.admin.purge_cache(project.as_deref(), &operator.author).await?;
    Ok(HttpResponse::Ok().json(json!({"purged": purged.entries, "bytes": purged.bytes})))
}

//! `/api/runs`: runs of agents, listed and ended. Owns the shape of a run on the wire and of a place in the list.
//! Refuses to change what a run may cost: that is its key's `run_limit_usd`.

use std::fmt;
use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farthing_actors::domain::{KeyId, Money, RunId, name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{List, Page, query};
use super::usage::question::key_id;
use super::{id, rfc3339};
use crate::admin::AdminError;
use crate::admin::runs::{Run, RunFilter};
use crate::relay::run_id;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageKeys, Operator, ReadUsage};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunsQuery {
    key: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RunView {
    id: RunId,
    key: KeyId,
    key_name: Option<String>,
    name: String,
    spent_usd: Money,
    calls: u64,
    last_seen: String,
    killed: bool,
    killed_at: Option<String>,
}

/// A run that was ended; its key and name where it was named by them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KilledView {
    id: RunId,
    killed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// A place in the list, opaque to clients because names may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd)]
struct Mark(KeyId, String);

/// GET `/api/runs`: in the order of their keys and names.
pub async fn list(
    _: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: RunsQuery = query(&request)?;
    let page = Page::<Mark>::new(asked.limit, asked.cursor.as_deref())?;
    let filter = RunFilter {
        key: asked.key.as_deref().map(key_id).transpose()?,
        after: page.after.clone().map(|Mark(key, name)| (key, name)),
        limit: page.limit.saturating_add(1),
    };
    let runs = gateway.admin.books().runs(filter).await.map_err(AdminError::Store)?;
    let (runs, next_cursor) = page.close(runs.into_iter(), |run| Mark(run.key, run.name.clone()));
    let data = runs.into_iter().map(|run| RunView::new(&gateway, run)).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// POST `/api/runs/{id}/kill`: a run that has a line in the books.
pub async fn kill(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let run: RunId = id("run", &path)?;
    gateway.admin.kill_known_run(run, &operator.author).await?;
    Ok(HttpResponse::Ok().json(KilledView { id: run, killed: true, key: None, name: None }))
}

/// POST `/api/keys/{id}/runs/{name}/kill`: also a run that has not begun, or whose first call is in flight.
pub async fn kill_by_name(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (key, run) = path.into_inner();
    let key = gateway.admin.key(id("key", &key)?)?.key.id;
    if name::fault(&run).is_some() {
        return Err(AdminError::absent("run", run).into());
    }
    let id = run_id(key, &run);
    gateway.admin.kill_run(id, &operator.author).await?;
    Ok(HttpResponse::Ok().json(KilledView { id, killed: true, key: Some(key), name: Some(run) }))
}

impl RunView {
    fn new(gateway: &Gateway, run: Run) -> Self {
        let key = gateway.admin.key(run.key).ok();
        Self {
            id: run.id,
            key: run.key,
            key_name: key.map(|key| key.key.name.clone()),
            name: run.name,
            spent_usd: run.spent,
            calls: run.calls,
            last_seen: rfc3339(run.last_seen),
            killed: run.killed_at.is_some(),
            killed_at: run.killed_at.map(rfc3339),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("{} {}", self.0, self.1)))
    }
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(drop)?;
        let text = String::from_utf8(bytes).map_err(drop)?;
        let (key, name) = text.split_once(' ').ok_or(())?;
        Ok(Self(key.parse().map_err(drop)?, name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text_whatever_the_name() {
        for name in ["night build", "a b  c", "Ünï/…&cursor=x", ""] {
            let mark = Mark(KeyId::from_u128(7), name.to_owned());
            assert_eq!(mark.to_string().parse(), Ok(mark));
        }
        assert_eq!("key_7".parse::<Mark>(), Err(()));
    }
}

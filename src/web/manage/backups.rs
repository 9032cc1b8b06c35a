//! `/api/system/backups`: made, looked at, checked and removed, by their ids. Owns the shapes.
//! Refuses paths, and to hand a backup out: whoever can copy the files has no need of the API.

use actix_web::{HttpResponse, web};
use farthing_actors::domain::{BackupId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::oneshot;

use super::{id, rfc3339};
use crate::admin::backups::{Listing, Manifest, Reason};
use crate::store::backup::BackupVerdict;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{ManageBackups, Operator, ViewSystem};

const NOUN: &str = "backup";

/// A backup as the API and the command line tell it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BackupView {
    pub(crate) id: String,
    pub(crate) created_at: String,
    /// `manual` or `scheduled`.
    pub(crate) reason: &'static str,
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    pub(crate) chain_head: String,
    pub(crate) audit_head: String,
    pub(crate) imbalance_usd: String,
    /// The last step that made its tables.
    pub(crate) schema: String,
    pub(crate) sha256: String,
    /// The id of the master key that is needed to use it.
    pub(crate) key_id: String,
    /// One that did not add up was never kept.
    pub(crate) verified: bool,
}

/// What there is, as the API and the command line tell it: all of it, on one page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BackupsView {
    /// Newest first.
    pub(crate) data: Vec<BackupView>,
    next_cursor: Option<String>,
    /// Those that have no manifest that can be read, and why.
    pub(crate) unreadable: Vec<BackupVerdictView>,
}

/// A verdict as the API and the command line tell it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BackupVerdictView {
    pub(crate) id: String,
    ok: bool,
    pub(crate) faults: Vec<String>,
}

/// GET `/api/system/backups`: newest first, all of them, and those that cannot say what they are.
pub async fn list(_: Operator<ViewSystem>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(BackupsView::from(gateway.admin.backups().await?)))
}

/// POST `/api/system/backups`: answers when the copy is made and adds up.
pub async fn create(operator: Operator<ManageBackups>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let (tell, told) = oneshot::channel();
    let work = gateway.clone();
    // To its end, whether or not whoever asked still waits.
    gateway.tasks.spawn(async move {
        let made = work.admin.create_backup(Reason::Manual, &operator.author).await;
        tell.send(made).ok();
    });
    let made = told.await.map_err(|_| Problem::plain(Code::Internal))??;
    Ok(HttpResponse::Created().json(BackupView::from(&made)))
}

/// GET `/api/system/backups/{id}`.
pub async fn show(
    _: Operator<ViewSystem>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let found = gateway.admin.backup(id(NOUN, &path)?).await?;
    Ok(HttpResponse::Ok().json(BackupView::from(&found)))
}

/// POST `/api/system/backups/{id}/verify`: whether it is what it was, and adds up.
pub async fn verify(
    operator: Operator<ManageBackups>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: BackupId = id(NOUN, &path)?;
    let verdict = gateway.admin.verify_backup(id, &operator.author).await?;
    Ok(HttpResponse::Ok().json(BackupVerdictView::from(verdict)))
}

/// DELETE `/api/system/backups/{id}`.
pub async fn delete(
    operator: Operator<ManageBackups>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    gateway.admin.delete_backup(id(NOUN, &path)?, &operator.author).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<&Manifest> for BackupView {
    fn from(backup: &Manifest) -> Self {
        Self {
            id: backup.id.to_string(),
            created_at: rfc3339(Timestamp(backup.created_at)),
            reason: backup.reason.name(),
            bytes: backup.bytes,
            entries: backup.entries,
            chain_head: backup.chain_head.clone(),
            audit_head: backup.audit_head.clone(),
            imbalance_usd: backup.imbalance_usd.clone(),
            schema: backup.schema.clone(),
            sha256: backup.sha256.clone(),
            key_id: backup.key_id.chars().take(8).collect(),
            verified: true,
        }
    }
}

impl From<Listing> for BackupsView {
    fn from(Listing { backups, unreadable }: Listing) -> Self {
        let unreadable = unreadable.into_iter().map(BackupVerdictView::from).collect();
        Self { data: backups.iter().map(BackupView::from).collect(), next_cursor: None, unreadable }
    }
}

impl From<BackupVerdict> for BackupVerdictView {
    fn from(BackupVerdict { id, faults }: BackupVerdict) -> Self {
        Self { id: id.to_string(), ok: faults.is_empty(), faults }
    }
}

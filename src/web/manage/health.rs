//! What `GET /api/system/health` says beyond the process: whether there is a backup to go back to, whether every secret is under the
//! present master key, and how long the certificate lasts. Owns the shapes. Refuses secrets: a master key is named by its id.

use farthing_actors::domain::clock::DAY_MS;
use schemars::JsonSchema;
use serde::Serialize;

use super::rfc3339;
use crate::admin::backups::BackupHealth;
use crate::admin::secrets::SealedHealth;
use crate::web::Gateway;

/// How it is with backups.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BackupHealthView {
    /// `ok`, `none`, `overdue` (none was made in twice the time that is set), `failed` (the last attempt), `faulty` (the last one
    /// is not what it was, or the manifest of one cannot be read) or `unknown` (their folder cannot be read).
    pub(crate) state: &'static str,
    /// The last one; null if there is none.
    pub(crate) last_id: Option<String>,
    pub(crate) last_at: Option<String>,
    pub(crate) age_s: Option<u64>,
    /// When it was last seen to be whole: when it was made, or verified since the start.
    pub(crate) verified_at: Option<String>,
    /// Why the last attempt failed, or what is wrong with the last one or with the one it names.
    pub(crate) fault: Option<String>,
}

/// How it is with what is sealed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EncryptionHealthView {
    /// The id of the present master key.
    pub(crate) key_id: String,
    /// Those of former ones that are given.
    pub(crate) previous: Vec<String>,
    /// How many secrets are sealed under another than the present one; answers that are kept count only while the key
    /// changes. Null while the database does not answer.
    pub(crate) older: Option<i64>,
}

/// How long the certificate lasts.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TlsHealthView {
    /// Null if the certificate does not say.
    pub(crate) ends_at: Option<String>,
    /// Whole days; below zero where it is over.
    pub(crate) days_left: Option<i64>,
}

impl BackupHealthView {
    pub(super) async fn of(gateway: &Gateway) -> Self {
        gateway.admin.backup_health().await.map_or_else(|error| Self::unknown(error.to_string()), Self::from)
    }

    fn unknown(fault: String) -> Self {
        Self { state: "unknown", last_id: None, last_at: None, age_s: None, verified_at: None, fault: Some(fault) }
    }
}

impl From<BackupHealth> for BackupHealthView {
    fn from(health: BackupHealth) -> Self {
        Self {
            state: health.state.name(),
            last_id: health.last.map(|(id, _)| id.to_string()),
            last_at: health.last.map(|(_, at)| rfc3339(at)),
            age_s: health.age.map(|age| age.as_secs()),
            verified_at: health.verified_at.map(rfc3339),
            fault: health.fault,
        }
    }
}

impl EncryptionHealthView {
    pub(super) async fn of(gateway: &Gateway) -> Self {
        let SealedHealth { key_id, previous, older } = gateway.admin.sealed_health().await;
        let previous = previous.iter().map(ToString::to_string).collect();
        Self { key_id: key_id.to_string(), previous, older }
    }
}

impl TlsHealthView {
    /// `None` where TLS is spoken by nobody, or by a proxy.
    pub(super) fn of(gateway: &Gateway) -> Option<Self> {
        let ends_at = gateway.certificate.as_ref()?.ends_at();
        let left = ends_at.map(|end| end.0.saturating_sub(gateway.clock.now().0).div_euclid(DAY_MS));
        Some(Self { ends_at: ends_at.map(rfc3339), days_left: left })
    }
}

//! The audit trail as operators read it. Owns that what was noted a moment ago is seen.
//! Refuses to change it.

use std::path::PathBuf;
use std::sync::Arc;

use farthing_actors::audit::AuditLog;
use farthing_actors::domain::{AuditId, Effect};

use super::{Admin, AdminError};
use crate::background;
use crate::store::StoreError;
use crate::store::audit::{self, Trail};
pub use crate::store::audit::{AuditFilter, AuditVerdict, StoredEvent};

impl Admin {
    /// Where events go that no change of the database is beside.
    pub fn audit(&self) -> &AuditLog {
        &self.parts.audit
    }

    /// How many events were recorded since the start, by result.
    pub fn audit_recorded(&self) -> impl Iterator<Item = (Effect, u64)> {
        self.parts.trail.recorded()
    }

    /// Events, newest first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn audit_events(&self, filter: AuditFilter) -> Result<Vec<StoredEvent>, AdminError> {
        self.parts.audit.flush().await;
        Ok(self.parts.trail.store().query(move |connection| audit::page(connection, &filter)).await?)
    }

    /// The event with this id.
    ///
    /// # Errors
    /// If there is none, or the database does not answer.
    pub async fn audit_event(&self, id: AuditId) -> Result<StoredEvent, AdminError> {
        self.parts.audit.flush().await;
        let found = self.parts.trail.store().query(move |connection| audit::find(connection, id)).await?;
        found.ok_or_else(|| AdminError::absent("audit event", id))
    }

    /// Whether nobody altered the trail.
    ///
    /// # Errors
    /// If the database does not answer. Faults in the trail are no error: they are the verdict.
    pub async fn verify_audit(&self) -> Result<AuditVerdict, AdminError> {
        self.parts.audit.flush().await;
        let trail: Arc<Trail> = Arc::clone(&self.parts.trail);
        Ok(background::run(move || trail.verify()).await.map_err(StoreError::from)??)
    }

    /// The trail's file, if there is one, and whether it refused the last line.
    pub fn audit_file(&self) -> Option<(PathBuf, bool)> {
        let trail = &self.parts.trail;
        trail.file_path().map(|path| (path.clone(), trail.file_fails()))
    }
}

//! Backups as operators ask for them. Owns that only one is made at a time, and that each is on record.
//! Refuses to restore: that is for whoever can stop the server.

mod health;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use farthing_actors::domain::{Author, BackupId, Effect, Timestamp};
use tokio::sync::Mutex;

use super::{Admin, AdminError};
use crate::background;
use crate::security::{KeptKeys, KeyRing};
use crate::store::StoreError;
use crate::store::audit::Links;
use crate::store::backup::{BackupVerdict, Backups, Sealing};
pub use crate::store::backup::{Listing, Manifest, Reason};
use health::Noted;
pub use health::{BackupHealth, BackupState};

/// How often it is looked whether a backup is due, at most; a failed one is tried again then.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// The place of the backups, and when they are made.
pub struct BackupPlan {
    backups: Backups,
    every: Option<Duration>,
    keep: usize,
    one: Mutex<()>,
    started: Timestamp,
    noted: ArcSwap<Noted>,
}

/// The keys of an installation, for its backups.
pub struct RingSealing(pub Arc<KeyRing>);

/// What links the trail of a copy.
struct KeptLinks(KeptKeys);

impl BackupPlan {
    /// Backups below `data_dir`, made `every` so often if at all, of which the last `keep` stay; as of `started`.
    pub fn new(data_dir: PathBuf, (every, keep): (Option<Duration>, usize), started: Timestamp) -> Self {
        let noted = ArcSwap::default();
        Self { backups: Backups::within(&data_dir), every, keep, one: Mutex::new(()), started, noted }
    }
}

impl Links for KeptLinks {
    fn mac(&self, text: &[u8]) -> [u8; 32] {
        self.0.audit_mac(text)
    }
}

impl Sealing for RingSealing {
    fn master(&self) -> [u8; 8] {
        self.0.id().0
    }

    fn mac(&self, master: &[u8], text: &[u8]) -> Option<[u8; 32]> {
        self.0.backup_mac(master, text)
    }

    fn links(&self, kept: &[(String, Vec<u8>)]) -> Result<Box<dyn Links>, String> {
        let kept = KeptKeys::open(&self.0, kept).map_err(|error| error.to_string())?;
        Ok(Box::new(KeptLinks(kept)))
    }
}

impl Admin {
    /// Every backup, newest first, and those that cannot say what they are.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub async fn backups(&self) -> Result<Listing, AdminError> {
        Ok(self.with_backups(|backups, _| backups.list()).await?)
    }

    /// One backup.
    ///
    /// # Errors
    /// If there is none with this id, or it cannot say what it is.
    pub async fn backup(&self, id: BackupId) -> Result<Manifest, AdminError> {
        let found = self.with_backups(move |backups, _| Ok(backups.find(id))).await?;
        let found = found.ok_or_else(|| AdminError::absent("backup", id))?;
        found.map_err(|BackupVerdict { faults, .. }| {
            AdminError::Conflict(format!("this backup cannot say what it is: {}; remove it", faults.join("; ")))
        })
    }

    /// Makes a backup of everything settled so far, beside whatever goes on.
    ///
    /// # Errors
    /// If one is being made, or it cannot be made or does not add up.
    pub async fn create_backup(&self, reason: Reason, by: &Author) -> Result<Manifest, AdminError> {
        let running = || AdminError::Conflict("a backup is being made; wait for it".to_owned());
        let _one = self.parts.plan.one.try_lock().map_err(|_| running())?;
        let event = by.does("backup.create");
        self.parts.audit.record(event.clone().ending(Effect::Attempted)).await?;
        self.parts.books.flush().await?;
        let (store, now) = (Arc::clone(self.parts.trail.store()), self.parts.clock.now());
        let made = self.with_backups(move |backups, sealing| backups.create(&store, (reason, now), sealing)).await;
        let fault = made.as_ref().err().map(ToString::to_string);
        self.parts.plan.noted.rcu(|noted| noted.tried(fault.clone()));
        let event = event.again();
        let event = match &made {
            Ok(manifest) => event.about(manifest.id).and("sha256", &manifest.sha256),
            Err(error) => event.ending(Effect::Failure).and("reason", error),
        };
        self.parts.audit.record(event).await?;
        Ok(made?)
    }

    /// Whether a backup is what it was, and adds up.
    ///
    /// # Errors
    /// If there is none. Faults are no error: they are the verdict.
    pub async fn verify_backup(&self, id: BackupId, by: &Author) -> Result<BackupVerdict, AdminError> {
        let verdict = self.with_backups(move |backups, sealing| backups.verify(id, sealing)).await?;
        let verdict = verdict.ok_or_else(|| AdminError::absent("backup", id))?;
        let now = self.parts.clock.now();
        self.parts.plan.noted.rcu(|noted| noted.looked(&verdict, now));
        let event = by.does("backup.verify").about(id).and("faults", verdict.faults.len());
        self.parts.audit.record(event).await?;
        Ok(verdict)
    }

    /// Removes a backup.
    ///
    /// # Errors
    /// If there is none, or it cannot be removed.
    pub async fn delete_backup(&self, id: BackupId, by: &Author) -> Result<(), AdminError> {
        self.parts.audit.record(by.does("backup.delete").about(id)).await?;
        let removed = self.with_backups(move |backups, _| backups.remove(id)).await?;
        removed.then_some(()).ok_or_else(|| AdminError::absent("backup", id))
    }

    /// Makes backups when they are due, for as long as the gateway runs; not at all if none are wanted.
    pub async fn keep_backups(&self) {
        let Some(every) = self.parts.plan.every else { return };
        loop {
            let left = self.until_due(every).await;
            if left.is_zero() {
                self.scheduled_backup().await;
                tokio::time::sleep(LOOK_EVERY.min(every)).await;
            } else {
                tokio::time::sleep(left.min(LOOK_EVERY)).await;
            }
        }
    }

    async fn scheduled_backup(&self) {
        if let Err(error) = self.create_backup(Reason::Scheduled, &self.system()).await {
            log::error!(error:% = error; "a scheduled backup could not be made; trying again in ten minutes");
            return;
        }
        let keep = self.parts.plan.keep;
        if let Err(error) = self.with_backups(move |backups, _| backups.prune(keep)).await {
            log::error!(error:% = error; "old backups could not be removed");
        }
    }

    /// How long it is until the next scheduled one.
    async fn until_due(&self, every: Duration) -> Duration {
        let scheduled = |made: Listing| made.backups.into_iter().find(|manifest| manifest.reason == Reason::Scheduled);
        let last = self.backups().await.ok().and_then(scheduled);
        let Some(last) = last else { return Duration::ZERO };
        let passed = self.parts.clock.now().millis_since(Timestamp(last.created_at));
        every.saturating_sub(Duration::from_millis(passed))
    }

    /// Work on the folder, away from the request threads.
    async fn with_backups<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Backups, &dyn Sealing) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (backups, sealing) = (self.parts.plan.backups.clone(), RingSealing(self.parts.security.ring().get()));
        background::run(move || work(&backups, &sealing)).await?
    }
}

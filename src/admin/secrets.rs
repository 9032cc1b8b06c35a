//! The master key's change: everything sealed goes over to the present key, through whoever owns it, while calls go on.
//! Owns the order: providers' keys, kept answers, kept keys, and the installation's word last, so that whoever starts in between
//! knows what is left. Refuses to let a key go that something is sealed under.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use farthing_actors::domain::{Author, Effect};
use farthing_actors::registry::Resealed;
use farthing_actors::registry::catalogue::Provider;
use tokio::sync::Notify;

use super::providers::host_of;
use super::{Admin, AdminError};
use crate::background;
use crate::security::{KeptKeys, KeptRow, KeyRing, MasterId};
use crate::store::StoreError;
use crate::store::installation::{self, Census};

/// What is sealed anew in one step; others have their turn between two.
const BATCH: usize = 50;
/// After a round that did not finish, and after the last one, for what was sealed under the former key meanwhile.
const PAUSE: Duration = Duration::from_millis(500);
const LATE: Duration = Duration::from_secs(60);

/// The master keys as the settings give them now, or why they do not.
pub type ReadMasters = Box<dyn Fn() -> Result<KeyRing, String> + Send + Sync>;

/// Where the settings are read again, and the word to whoever seals anew.
pub struct Rotation {
    read: Arc<ReadMasters>,
    running: AtomicBool,
    wanted: Notify,
}

/// How much of something is sealed under the present key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// All there is.
    pub total: i64,
    /// What is sealed under the present key.
    pub current: i64,
}

/// How the master key's change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationState {
    /// Everything is under the present key.
    Done,
    /// It goes on.
    Running,
    /// Something is not under the present key.
    Needed,
}

/// The master keys, and what is sealed under the present one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsStatus {
    /// The present key.
    pub key_id: MasterId,
    /// Those that only open.
    pub previous: Vec<MasterId>,
    /// Providers' keys.
    pub providers: Progress,
    /// Answers kept for idempotency keys.
    pub answers: Progress,
    /// Keys that outlive a master key.
    pub kept_keys: Progress,
    /// How far it is.
    pub state: RotationState,
}

/// Whether every secret is under the present key, as far as that is quickly told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHealth {
    /// The present key.
    pub key_id: MasterId,
    /// Those that only open.
    pub previous: Vec<MasterId>,
    /// How many secrets are under another than the present one; of kept answers only while the key changes. `None` while the
    /// database does not answer.
    pub older: Option<i64>,
}

impl RotationState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running => "running",
            Self::Needed => "needed",
        }
    }
}

/// What came of a round.
enum Round {
    /// There was nothing to do.
    Nothing,
    /// Everything that opens under any key is under the present one. What does not was told of, and holds nothing up.
    Finished,
    /// Something came meanwhile.
    Unfinished,
}

impl Progress {
    fn left(self) -> i64 {
        self.total.saturating_sub(self.current)
    }
}

impl Rotation {
    /// With the settings as `read` finds them.
    pub fn new(read: ReadMasters) -> Self {
        Self { read: Arc::new(read), running: AtomicBool::new(false), wanted: Notify::new() }
    }
}

impl SecretsStatus {
    /// What a census says of a ring.
    pub fn of(census: &Census, ring: &KeyRing, running: bool) -> Self {
        let [providers, answers, kept_keys] = [&census.providers, &census.answers, &census.kept_keys].map(|rows| {
            let current = rows.iter().filter(|row| row.key_id == ring.id().0).map(|row| row.rows).sum();
            Progress { total: rows.iter().map(|row| row.rows).sum(), current }
        });
        let all = [providers, answers, kept_keys].iter().all(|it| it.total == it.current);
        let own = census.installation.as_deref().is_none_or(|id| id == ring.id().0);
        let state = match (running, all && own) {
            (true, _) => RotationState::Running,
            (false, true) => RotationState::Done,
            (false, false) => RotationState::Needed,
        };
        Self { key_id: ring.id(), previous: ring.former_ids(), providers, answers, kept_keys, state }
    }
}

impl Admin {
    /// How the master key's change stands.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn secrets_status(&self) -> Result<SecretsStatus, AdminError> {
        let ring = self.parts.security.ring().get();
        let running = self.parts.rotation.running.load(Ordering::Acquire);
        Ok(SecretsStatus::of(&self.census().await?, &ring, running))
    }

    /// Whether every secret is under the present key.
    pub async fn sealed_health(&self) -> SealedHealth {
        let ring = self.parts.security.ring().get();
        let id = ring.id();
        let older = self.parts.trail.store().query(move |connection| installation::older(connection, id.0)).await;
        SealedHealth { key_id: id, previous: ring.former_ids(), older: older.ok() }
    }

    /// Reads the master keys again, seals under the present one from now on, and has everything else go over.
    ///
    /// # Errors
    /// If the settings cannot be read, or lack a key that something is sealed under; then nothing was changed.
    pub async fn rotate_secrets(&self, by: &Author) -> Result<SecretsStatus, AdminError> {
        let _one = self.changing.lock().await;
        let read = Arc::clone(&self.parts.rotation.read);
        // A passphrase takes a while to become a key.
        let ring = background::run(move || read()).await.map_err(StoreError::from)?;
        let ring = ring.map_err(AdminError::Conflict)?;
        let present = self.parts.security.ring().get();
        if let Some(lacking) = lacking(&self.census().await?, (&present, &ring)) {
            return Err(AdminError::Conflict(lacking));
        }
        let event = by.does("secrets.rotate").and("key_id", ring.id()).and("former_key_id", present.id());
        self.parts.audit.record(event.ending(Effect::Attempted)).await?;
        self.parts.rotation.running.store(true, Ordering::Release);
        self.parts.security.turn_to(ring);
        self.parts.rotation.wanted.notify_one();
        self.secrets_status().await
    }

    /// Brings everything under the present key, now and whenever that is wanted.
    pub async fn keep_secrets_sealed(&self) {
        loop {
            let some = self.reseal_all().await;
            let wanted = self.parts.rotation.wanted.notified();
            if some {
                // Or later, for what was being sealed under the former key just then.
                drop(tokio::time::timeout(LATE, wanted).await);
            } else {
                wanted.await;
            }
        }
    }

    /// Rounds until nothing is left; whether there was anything.
    async fn reseal_all(&self) -> bool {
        let (mut told, mut some) = (String::new(), false);
        loop {
            match self.reseal_round().await {
                Ok(Round::Nothing) => break,
                Ok(Round::Finished) => {
                    some = true;
                    break;
                }
                Ok(Round::Unfinished) => {}
                Err(error) => tell(&error.to_string(), &mut told),
            }
            some = true;
            tokio::time::sleep(PAUSE).await;
        }
        self.parts.rotation.running.store(false, Ordering::Release);
        some
    }

    /// One round over everything.
    async fn reseal_round(&self) -> Result<Round, AdminError> {
        let ring = self.parts.security.ring().get();
        let before = SecretsStatus::of(&self.census().await?, &ring, false);
        if before.state == RotationState::Done {
            return Ok(Round::Nothing);
        }
        self.parts.rotation.running.store(true, Ordering::Release);
        let unreadable = (self.reseal_providers(&ring).await?, self.reseal_answers().await?);
        let census = self.census().await?;
        let after = SecretsStatus::of(&census, &ring, false);
        if after.providers.left() > unreadable.0 || after.answers.left() > unreadable.1 {
            return Ok(Round::Unfinished);
        }
        if after.kept_keys.left() == 0 && census.installation.as_deref() == Some(&ring.id().0[..]) {
            return Ok(if after == before { Round::Nothing } else { Round::Finished });
        }
        self.reseal_kept_keys(&ring).await?;
        Ok(Round::Finished)
    }

    /// Seals providers' keys anew, and gives how many could not be opened.
    async fn reseal_providers(&self, ring: &KeyRing) -> Result<i64, AdminError> {
        let _one = self.changing.lock().await;
        let catalogue = self.catalogue();
        let stale =
            catalogue.providers().filter(|it| it.api_key.as_ref().is_some_and(|key| !ring.is_under_present(&key.0)));
        let (mut unreadable, mut done) = (0, Vec::new());
        for provider in stale {
            match self.resealed(provider) {
                Ok(resealed) => done.push(resealed),
                Err(error) => {
                    unreadable += 1;
                    log::error!(provider = provider.name.as_str(), error:%; "a provider's key does not open; enter it again");
                }
            }
        }
        for batch in done.chunks(BATCH) {
            let event = self.system().does("secrets.reseal").and("providers", batch.len());
            self.parts.registry.reseal_providers(batch.to_vec(), event.and("key_id", ring.id())).await?;
        }
        Ok(unreadable)
    }

    /// The key under the present master key; it is written only once it was seen to open there.
    fn resealed(&self, provider: &Provider) -> Result<Resealed, AdminError> {
        let (host, security) = (host_of(provider)?, &self.parts.security);
        let before =
            provider.api_key.clone().ok_or_else(|| AdminError::absent("key of the provider", &provider.name))?;
        let plain = security.open_provider_key(provider.id, &host, &before)?;
        let after = security.seal_provider_key(provider.id, &host, &plain)?;
        let same = security.open_provider_key(provider.id, &host, &after)? == plain;
        let differs = || AdminError::Conflict("a key that was sealed anew does not open".to_owned());
        same.then_some(Resealed { id: provider.id, before, after }).ok_or_else(differs)
    }

    /// Seals kept answers anew, and gives how many could not be opened.
    async fn reseal_answers(&self) -> Result<i64, AdminError> {
        let (mut behind, mut unreadable) = (None, 0);
        loop {
            let step = self.parts.idempotency.reseal(behind, BATCH).await;
            let step = step.map_err(|error| AdminError::Conflict(error.to_string()))?;
            unreadable += i64::try_from(step.unreadable).unwrap_or(i64::MAX);
            let Some(last) = step.last else { return Ok(unreadable) };
            behind = Some(last);
        }
    }

    /// The last step: everything else is done.
    async fn reseal_kept_keys(&self, ring: &KeyRing) -> Result<(), AdminError> {
        let rows = self.parts.trail.store().query(installation::kept).await?;
        let open =
            |rows: &[KeptRow]| KeptKeys::open(ring, rows).map_err(|error| AdminError::Conflict(error.to_string()));
        let rows = open(&rows)?.seal(ring)?;
        open(&rows)?;
        let (id, check_value) = (ring.id(), ring.check_value());
        let event = self.system().does("secrets.rotate").and("key_id", id);
        let work = move |connection: &mut _| {
            installation::keep(connection, &rows)?;
            installation::rekeyed(connection, id.0, check_value)
        };
        self.parts.trail.changing(event, work).await?;
        log::info!("everything is sealed under the master key {id}");
        Ok(())
    }

    async fn census(&self) -> Result<Census, StoreError> {
        self.parts.trail.store().query(installation::census).await
    }
}

/// Why the ring cannot go from `present` to `next`: a key that it would lose, and what is sealed under it.
fn lacking(census: &Census, (present, next): (&KeyRing, &KeyRing)) -> Option<String> {
    let rows: Vec<_> = census.providers.iter().chain(&census.answers).chain(&census.kept_keys).collect();
    let own = census.installation.iter().map(Vec::as_slice);
    let mut in_use = own.chain(rows.iter().map(|row| row.key_id.as_slice()));
    let lost = in_use.find(|id| present.knows(id) && !next.knows(id))?;
    let under: i64 = rows.iter().filter(|row| row.key_id == lost).map(|row| row.rows).sum();
    let lost = MasterId::shown(lost);
    Some(format!("MASTER_ENCRYPTION_KEY_PREVIOUS lacks the master key {lost}, under which {under} rows are sealed"))
}

/// Says an error once.
fn tell(error: &str, told: &mut String) {
    if error != told {
        log::error!(error; "not everything could be sealed under the present master key; trying again");
        error.clone_into(told);
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::store::installation::Sealed;

    fn ring(present: u8, former: &[u8]) -> KeyRing {
        let former: Vec<_> = former.iter().map(|byte| Zeroizing::new([*byte; 32])).collect();
        KeyRing::new(&[present; 32], &former).unwrap()
    }

    fn under(master: u8, rows: i64) -> Sealed {
        Sealed { key_id: ring(master, &[]).id().0.to_vec(), rows }
    }

    fn census() -> Census {
        Census {
            installation: Some(under(7, 0).key_id),
            providers: vec![under(7, 2), under(9, 1)],
            answers: vec![under(6, 4)],
            kept_keys: vec![under(7, 3)],
        }
    }

    #[test]
    fn a_key_in_use_cannot_be_let_go() {
        let refused = lacking(&census(), (&ring(7, &[]), &ring(9, &[]))).unwrap();
        assert!(refused.contains(&ring(7, &[]).id().to_string()) && refused.contains("5 rows"), "{refused}");
        assert_eq!(lacking(&census(), (&ring(7, &[]), &ring(9, &[7]))), None);
        assert_eq!(lacking(&census(), (&ring(7, &[6]), &ring(7, &[6]))), None);
        assert!(lacking(&census(), (&ring(7, &[6]), &ring(9, &[7]))).is_some(), "answers count, too");
        assert_eq!(lacking(&census(), (&ring(9, &[7]), &ring(9, &[7, 6]))), None, "what nobody had is no loss");
    }

    #[test]
    fn it_is_done_when_everything_and_the_installation_say_so() {
        let now = ring(9, &[7]);
        let status = SecretsStatus::of(&census(), &now, false);
        assert_eq!((status.state, status.providers.left(), status.answers.left()), (RotationState::Needed, 2, 4));
        let rows = Census { providers: vec![under(9, 3)], answers: vec![], kept_keys: vec![under(9, 3)], ..census() };
        assert_eq!(SecretsStatus::of(&rows, &now, false).state, RotationState::Needed, "its word comes last");
        let done = Census { installation: Some(under(9, 0).key_id), ..rows };
        assert_eq!(SecretsStatus::of(&done, &now, false).state, RotationState::Done);
        assert_eq!(SecretsStatus::of(&done, &now, true).state, RotationState::Running);
        assert_eq!(SecretsStatus::of(&Census::default(), &now, false).state, RotationState::Done);
    }
}

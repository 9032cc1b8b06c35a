//! The keyring's real shell on an in-memory port: changes reach the readers, refusals and failed writes change nothing,
//! and a crash loses nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may end it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::Arbiter;
use arc_swap::ArcSwap;
use farthing_actors::domain::{Allowed, Author, Clock, Event, KeyId, Limits, ProjectId, Timestamp};
use farthing_actors::error::{LoadError, SaveError};
use farthing_actors::keyring::{self, Change, KeyState, Keyring, KeyringError, KeyringStore, Project, VirtualKey};
use farthing_actors::supervisor::Supervisor;

/// What the next saves do.
#[derive(Clone, Copy, Debug)]
enum Disk {
    Works,
    Fails,
    Refers,
    /// Saves, but says that it does not know.
    Loses,
}

/// A port that remembers.
struct Memory {
    rows: ArcSwap<(BTreeMap<ProjectId, Project>, BTreeMap<KeyId, VirtualKey>)>,
    disk: ArcSwap<Disk>,
}

impl Memory {
    fn empty() -> Arc<Self> {
        Arc::new(Self { rows: ArcSwap::default(), disk: ArcSwap::from_pointee(Disk::Works) })
    }

    fn turn(&self, disk: Disk) {
        self.disk.store(Arc::new(disk));
    }

    fn write(&self, change: &Change) {
        let (mut projects, mut keys) = (*self.rows.load_full()).clone();
        match change.clone() {
            Change::SaveProject(project) => drop(projects.insert(project.id, project)),
            Change::RemoveProject(id) => drop(projects.remove(&id)),
            Change::SaveKey(key) => drop(keys.insert(key.id, key)),
        }
        self.rows.store(Arc::new((projects, keys)));
    }
}

impl KeyringStore for Memory {
    fn load(&self) -> Result<(Vec<Project>, Vec<VirtualKey>), LoadError> {
        let (projects, keys) = (*self.rows.load_full()).clone();
        Ok((projects.into_values().collect(), keys.into_values().collect()))
    }

    fn save(&self, change: &Change, _: &Event) -> Result<(), SaveError> {
        match **self.disk.load() {
            Disk::Works => self.write(change),
            Disk::Fails => return Err(SaveError::Failed("the disk is full".to_owned())),
            Disk::Refers => return Err(SaveError::Referenced("12 ledger entries".to_owned())),
            Disk::Loses => {
                self.write(change);
                return Err(SaveError::Unknown("the disk went away".to_owned()));
            }
        }
        Ok(())
    }
}

async fn start(store: Arc<Memory>) -> Keyring {
    let supervisor =
        Supervisor::new(Clock::manual(Timestamp(0)), Arc::new(|error| panic!("no end was expected: {error}")));
    keyring::start(&supervisor, Arbiter::current(), store).await.unwrap()
}

fn project(id: u128) -> Project {
    Project {
        id: ProjectId::from_u128(id),
        name: format!("team-{id}"),
        parent: None,
        budget: None,
        limits: Limits::default(),
        allowed_models: Allowed::default(),
        response_cache: None,
        created_at: Timestamp(1),
    }
}

fn key(id: u8, project: u128) -> VirtualKey {
    VirtualKey {
        id: KeyId::from_u128(u128::from(id)),
        project: ProjectId::from_u128(project),
        name: "ci".to_owned(),
        prefix: "sk-ft-ab12cd34".to_owned(),
        digest: [id; 32],
        budget: None,
        limits: Limits::default(),
        allowed_models: Allowed::default(),
        max_requests: None,
        run_limit: None,
        expires_at: None,
        revoked_at: None,
        created_at: Timestamp(1),
    }
}

/// Until the actor that stopped itself is replaced, questions say so.
async fn settled(keyring: &Keyring) {
    while let Err(KeyringError::Actor(_)) = keyring.delete_project(ProjectId::from_u128(404), event(1)).await {
        tokio::task::yield_now().await;
    }
}

fn event(at: i64) -> Event {
    Author::new("ops", Timestamp(at)).does("test.change")
}

#[actix::test]
async fn every_change_reaches_the_readers_before_it_is_answered() {
    let keyring = start(Memory::empty()).await;
    let keys = keyring.snapshot();
    keyring.create_project(project(1), event(1)).await.unwrap();
    keyring.create_project(project(2), event(1)).await.unwrap();
    keyring.create_key(key(1, 1), event(1)).await.unwrap();
    assert_eq!(keys.get().find(&[1; 32]).unwrap().project.name, "team-1");

    keyring.update_project(Project { name: "renamed".to_owned(), ..project(1) }, event(1)).await.unwrap();
    keyring.update_key(VirtualKey { name: "deploy".to_owned(), ..key(1, 1) }, event(1)).await.unwrap();
    let found = Arc::clone(keys.get().find(&[1; 32]).unwrap());
    assert_eq!((found.project.name.as_str(), found.key.name.as_str()), ("renamed", "deploy"));

    keyring.revoke_key(KeyId::from_u128(1), event(5)).await.unwrap();
    assert_eq!(keys.get().find(&[1; 32]).unwrap().state(Timestamp(5)), KeyState::Revoked);
    keyring.delete_project(ProjectId::from_u128(2), event(1)).await.unwrap();
    assert!(keys.get().project_by_name("team-2").is_none());
    assert_eq!(
        keyring.create_project(project(1), event(1)).await.unwrap_err().to_string(),
        "a project with this id exists already"
    );
}

#[actix::test]
async fn a_change_that_was_not_saved_was_not_made() {
    let memory = Memory::empty();
    let keyring = start(Arc::clone(&memory)).await;
    keyring.create_project(project(1), event(1)).await.unwrap();
    let before = keyring.snapshot().get();

    memory.turn(Disk::Fails);
    let refusal = keyring.create_key(key(1, 1), event(1)).await;
    assert!(matches!(refusal, Err(KeyringError::Store(reason)) if reason.contains("the disk is full")));
    memory.turn(Disk::Refers);
    let refusal = keyring.delete_project(ProjectId::from_u128(1), event(1)).await;
    assert!(matches!(refusal, Err(KeyringError::Conflict(reason)) if reason.contains("12 ledger entries")));
    assert_eq!(keyring.snapshot().get(), before);

    memory.turn(Disk::Works);
    keyring.create_key(key(1, 1), event(1)).await.unwrap();
}

#[actix::test]
async fn a_crash_loses_nothing_and_readers_never_notice() {
    let keyring = start(Memory::empty()).await;
    let keys = keyring.snapshot();
    keyring.create_project(project(1), event(1)).await.unwrap();
    keyring.create_key(key(1, 1), event(1)).await.unwrap();
    let before = keys.get();

    let mut death = std::pin::pin!(keyring.crash());
    let mut loads = 0;
    std::future::poll_fn(|context| {
        assert_eq!(keys.get(), before);
        loads += 1;
        death.as_mut().poll(context)
    })
    .await;
    assert!(loads > 1, "the snapshot was read while the actor was away");

    assert_eq!(keys.get(), before);
    assert_eq!(
        keyring.create_project(Project { id: ProjectId::from_u128(2), ..project(1) }, event(1)).await,
        Err(KeyringError::NameTaken)
    );
    keyring.create_key(key(2, 1), event(1)).await.unwrap();
    assert!(keys.get().find(&[2; 32]).is_some(), "the successor publishes to the same readers");
}

#[actix::test]
async fn when_the_truth_is_unknown_the_actor_reads_it_again() {
    let memory = Memory::empty();
    let keyring = start(Arc::clone(&memory)).await;
    memory.turn(Disk::Loses);
    let answer = keyring.create_project(project(1), event(1)).await;
    assert!(matches!(answer, Err(KeyringError::Store(reason)) if reason.contains("unknown")));
    memory.turn(Disk::Works);
    settled(&keyring).await;
    assert!(keyring.snapshot().get().project_by_name("team-1").is_some(), "it had been saved after all");
}

#[actix::test]
async fn contradictory_records_refuse_the_start() {
    let memory = Memory::empty();
    memory.write(&Change::SaveKey(key(1, 9)));
    let supervisor = Supervisor::new(Clock::manual(Timestamp(0)), Arc::new(|_| ()));
    let error = keyring::start(&supervisor, Arbiter::current(), memory).await.err().unwrap();
    assert_eq!(error.name, "keyring");
    assert!(error.reason.contains("which is missing"), "{error}");
}

//! The keyring's real shell on an in-memory port: changes reach the readers, refusals and failed writes change nothing,
//! and a crash loses nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may end it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::Arbiter;
use arc_swap::ArcSwap;
use farthing_actors::domain::{Allowed, Author, Clock, Event, KeyId, Limits, ProjectId, Timestamp, TokenId};
use farthing_actors::error::{LoadError, SaveError};
use farthing_actors::keyring::{
    self, Change, KeyState, Keyring, KeyringError, KeyringStore, Loaded, Project, Renewal, VirtualKey,
};
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

#[derive(Clone, Default)]
struct Rows {
    projects: BTreeMap<ProjectId, Project>,
    keys: BTreeMap<KeyId, VirtualKey>,
    revoked: BTreeMap<TokenId, Timestamp>,
}

/// A port that remembers.
struct Memory {
    rows: ArcSwap<Rows>,
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
        let mut rows = (*self.rows.load_full()).clone();
        match change.clone() {
            Change::SaveProject(project) => drop(rows.projects.insert(project.id, project)),
            Change::RemoveProject(id) => drop(rows.projects.remove(&id)),
            Change::SaveKey(key) => drop(rows.keys.insert(key.id, *key)),
            Change::SaveKeys(keys) => rows.keys.extend(keys.into_iter().map(|key| (key.id, key))),
            Change::RevokeToken { token, until, .. } => drop(rows.revoked.insert(token, until)),
        }
        self.rows.store(Arc::new(rows));
    }
}

impl KeyringStore for Memory {
    fn load(&self) -> Result<Loaded, LoadError> {
        let Rows { projects, keys, revoked } = (*self.rows.load_full()).clone();
        Ok(Loaded {
            projects: projects.into_values().collect(),
            keys: keys.into_values().collect(),
            revoked: revoked.into_iter().collect(),
        })
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
        deactivated_at: None,
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
        former: None,
        budget: None,
        limits: Limits::default(),
        allowed_models: Allowed::default(),
        allowed_endpoints: None,
        allowed_parameters: None,
        max_requests: None,
        run_limit: None,
        expires_at: None,
        revoked_at: None,
        created_at: Timestamp(1),
        created_by: None,
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
    memory.write(&Change::SaveKey(Box::new(key(1, 9))));
    let supervisor = Supervisor::new(Clock::manual(Timestamp(0)), Arc::new(|_| ()));
    let error = keyring::start(&supervisor, Arbiter::current(), memory).await.err().unwrap();
    assert_eq!(error.name, "keyring");
    assert!(error.reason.contains("which is missing"), "{error}");
}

#[actix::test]
async fn a_rotated_key_has_two_secrets_for_a_while_and_a_revocation_ends_both() {
    let memory = Memory::empty();
    let keyring = start(Arc::clone(&memory)).await;
    keyring.create_project(project(1), event(1)).await.unwrap();
    keyring.create_key(key(1, 1), event(1)).await.unwrap();
    let renewal =
        |digest: u8, former_until| Renewal { prefix: "sk-ft-new".to_owned(), digest: [digest; 32], former_until };
    let id = KeyId::from_u128(1);
    keyring.rotate_key(id, renewal(2, Some(Timestamp(100))), event(2)).await.unwrap();
    let keys = keyring.snapshot();
    for digest in [[1; 32], [2; 32]] {
        assert_eq!(keys.get().find(&digest).unwrap().state(Timestamp(3)), KeyState::Active);
    }
    let former = Arc::clone(keys.get().find(&[1; 32]).unwrap());
    assert!(!former.key.has_replaced(&[1; 32], Timestamp(99)) && former.key.has_replaced(&[1; 32], Timestamp(100)));
    assert!(!former.key.has_replaced(&[2; 32], Timestamp(100)));

    keyring.crash().await;
    assert!(keys.get().find(&[1; 32]).is_some(), "the overlap survives a restart");
    keyring.rotate_key(id, renewal(3, Some(Timestamp(200))), event(4)).await.unwrap();
    assert!(keys.get().find(&[1; 32]).is_none(), "of the secrets before only the last goes on");
    keyring.revoke_key(id, event(5)).await.unwrap();
    for digest in [[2; 32], [3; 32]] {
        assert_eq!(keys.get().find(&digest).unwrap().state(Timestamp(6)), KeyState::Revoked);
    }
    let again = keyring.rotate_key(id, renewal(4, None), event(7)).await;
    assert!(matches!(again, Err(KeyringError::Conflict(_))), "{again:?}");
}

#[actix::test]
async fn the_keys_of_a_project_are_revoked_together_or_not_at_all() {
    let memory = Memory::empty();
    let keyring = start(Arc::clone(&memory)).await;
    for id in [1, 2] {
        keyring.create_project(project(id), event(1)).await.unwrap();
    }
    for (id, of) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
        keyring.create_key(key(id, of), event(1)).await.unwrap();
    }
    keyring.revoke_key(KeyId::from_u128(2), event(2)).await.unwrap();
    let revoked_at = |id: u128| keyring.snapshot().get().key(KeyId::from_u128(id)).unwrap().key.revoked_at;

    memory.turn(Disk::Fails);
    keyring.revoke_keys(ProjectId::from_u128(1), event(5)).await.unwrap_err();
    assert_eq!([1, 2, 3, 4].map(revoked_at), [None, Some(Timestamp(2)), None, None]);
    memory.turn(Disk::Works);
    keyring.revoke_keys(ProjectId::from_u128(1), event(6)).await.unwrap();
    assert_eq!([1, 2, 3, 4].map(revoked_at), [Some(Timestamp(6)), Some(Timestamp(2)), Some(Timestamp(6)), None]);
    assert_eq!(keyring.revoke_keys(ProjectId::from_u128(9), event(7)).await, Err(KeyringError::NotFound));
}

#[actix::test]
async fn a_revoked_token_is_remembered_until_its_own_time_is_over() {
    let keyring = start(Memory::empty()).await;
    let [one, other] = [1, 2].map(TokenId::from_u128);
    keyring.revoke_token(one, Timestamp(100), event(5)).await.unwrap();
    keyring.crash().await;
    assert!(keyring.snapshot().get().is_revoked(one) && !keyring.snapshot().get().is_revoked(other));
    keyring.revoke_token(other, Timestamp(200), event(100)).await.unwrap();
    let keys = keyring.snapshot().get();
    assert_eq!((keys.is_revoked(one), keys.is_revoked(other), keys.revoked_tokens()), (false, true, 1));
}

//! The sessions actor's real shell on an in-memory port: changes reach the readers, refusals and failed writes change nothing, a
//! guess counts even where it cannot be written down, and a crash loses nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may end it")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use arc_swap::ArcSwap;
use farthing_actors::domain::{Author, Binding, Clock, Event, Role, SessionId, Timestamp, UserId};
use farthing_actors::error::{LoadError, SaveError};
use farthing_actors::sessions::{
    self, Change, PasswordHash, Policy, Seen, Session, Sessions, SessionsError, SessionsStore, Stored, User,
    UserChanges, Verdict, Which,
};
use farthing_actors::supervisor::Supervisor;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const POLICY: Policy = Policy {
    idle: Duration::from_secs(1_800),
    absolute: Duration::from_secs(28_800),
    binding: Binding::Network,
    per_user: 10,
};
const MIA: UserId = UserId::from_u128(1);

/// What the next saves do.
#[derive(Clone, Copy, Debug)]
enum Disk {
    Works,
    Fails,
    /// Saves, but says that it does not know.
    Loses,
}

/// A port that remembers.
struct Memory {
    stored: ArcSwap<Stored>,
    disk: ArcSwap<Disk>,
    events: ArcSwap<Vec<Arc<str>>>,
    /// What was saved last.
    last: ArcSwap<Change>,
}

impl Memory {
    fn empty() -> Arc<Self> {
        let disk = ArcSwap::from_pointee(Disk::Works);
        Arc::new(Self { stored: ArcSwap::default(), disk, events: ArcSwap::default(), last: ArcSwap::default() })
    }

    fn turn(&self, disk: Disk) {
        self.disk.store(Arc::new(disk));
    }

    fn write(&self, change: &Change) {
        let mut stored = (*self.stored.load_full()).clone();
        let Change { user, removed, session, ended, failed, .. } = change.clone();
        stored.users.retain(|it| Some(it.id) != removed && user.as_ref().is_none_or(|user| user.id != it.id));
        stored.users.extend(user);
        stored.sessions.retain(|it| !ended.contains(&it.id) && session.as_ref().is_none_or(|new| new.id != it.id));
        stored.sessions.extend(session);
        stored.failures.extend(failed);
        self.stored.store(Arc::new(stored));
    }
}

impl SessionsStore for Memory {
    fn load(&self) -> Result<Stored, LoadError> {
        Ok((*self.stored.load_full()).clone())
    }

    fn save(&self, change: &Change, event: Option<&Event>) -> Result<(), SaveError> {
        self.last.store(Arc::new(change.clone()));
        match **self.disk.load() {
            Disk::Works => self.write(change),
            Disk::Fails => return Err(SaveError::Failed("the disk is full".to_owned())),
            Disk::Loses => {
                self.write(change);
                return Err(SaveError::Unknown("the disk went away".to_owned()));
            }
        }
        if let Some(event) = event {
            self.events.rcu(|events| events.iter().cloned().chain([event.action.clone()]).collect::<Vec<_>>());
        }
        Ok(())
    }
}

async fn start(store: Arc<Memory>) -> (Sessions, Clock) {
    let clock = Clock::manual(NOW);
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| panic!("no end was expected: {error}")));
    (sessions::start(&supervisor, Arbiter::current(), store, POLICY).await.unwrap(), clock)
}

fn user(id: u128, role: Role) -> User {
    User {
        id: UserId::from_u128(id),
        name: format!("user-{id}").into(),
        display_name: String::new(),
        role,
        password: None,
        projects: None,
        oidc: None,
        disabled_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn session(id: u8) -> Session {
    Session {
        id: SessionId::from_u128(u128::from(id)),
        user: Some(MIA),
        digest: [id; 32],
        former: None,
        seen: Seen::new("a browser", Some(IpAddr::from([192, 0, 2, 1]))),
        created_at: NOW,
        issued_at: NOW,
        seen_at: NOW,
        expires_at: NOW.plus(POLICY.idle),
        ends_at: NOW.plus(POLICY.absolute),
        opened_by: None,
    }
}

fn event(action: &str) -> Event {
    Author::new("ops", NOW).does(action)
}

/// Until the actor that stopped itself is replaced, questions say so.
async fn settled(sessions: &Sessions) {
    let nobody = Which::One(SessionId::from_u128(404));
    while let Err(SessionsError::Actor(_)) = sessions.end(nobody, event("x")).await {
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn every_change_reaches_the_readers_before_it_is_answered_and_has_its_event() {
    let memory = Memory::empty();
    let (sessions, clock) = start(Arc::clone(&memory)).await;
    let people = sessions.snapshot();
    sessions.create_user(user(1, Role::Owner), event("user.create")).await.unwrap();
    sessions.create_user(user(2, Role::Owner), event("user.create")).await.unwrap();
    sessions.open(session(1), Some(NOW), event("session.create")).await.unwrap();
    sessions.open(session(2), Some(NOW), event("session.create")).await.unwrap();
    assert_eq!(people.get().find(&[1; 32]).map(|it| it.user), Some(Some(MIA)));
    sessions.renew(session(1).id, ([1; 32], [3; 32]), (None, None), event("session.refresh")).await.unwrap();
    assert!(people.get().find(&[3; 32]).is_some());
    let demoted = UserChanges { role: Some(Role::Admin), ..UserChanges::default() };
    assert_eq!(sessions.update_user(MIA, demoted, (Some(session(2).id), event("user.update"))).await, Ok(1));
    assert!(people.get().find(&[3; 32]).is_none() && people.get().find(&[2; 32]).is_some());
    clock.advance(POLICY.idle);
    assert_eq!((sessions.sweep().await, sessions.sweep().await), (Ok(1), Ok(0)));
    assert_eq!(sessions.end(Which::Of(Some(MIA)), event("session.revoke")).await, Err(SessionsError::NotFound));
    let events: Vec<_> = memory.events.load().iter().map(ToString::to_string).collect();
    let made = ["user.create", "user.create", "session.create", "session.create"];
    assert_eq!(events, [&made[..], &["session.refresh", "user.update", "session.sweep"]].concat());
}

#[actix::test]
async fn a_change_that_was_not_saved_was_not_made_but_a_guess_counts() {
    let memory = Memory::empty();
    let (sessions, _) = start(Arc::clone(&memory)).await;
    sessions.create_user(user(1, Role::Owner), event("user.create")).await.unwrap();
    let before = sessions.snapshot().get();
    memory.turn(Disk::Fails);
    assert!(matches!(sessions.open(session(1), Some(NOW), event("x")).await, Err(SessionsError::Store(_))));
    assert_eq!(sessions.snapshot().get(), before);
    for guess in 0..7 {
        let verdict = sessions.attempt(Some(MIA), session(1).seen.address, NOW).await.unwrap();
        assert_eq!(verdict == Verdict::Look, guess < 5, "{guess}: {verdict:?}");
    }
}

#[actix::test]
async fn a_new_password_and_the_token_that_goes_on_are_one_change() {
    let memory = Memory::empty();
    let (sessions, _) = start(Arc::clone(&memory)).await;
    sessions.create_user(user(1, Role::Owner), event("user.create")).await.unwrap();
    for id in [1, 2] {
        sessions.open(session(id), Some(NOW), event("session.create")).await.unwrap();
    }
    let people = sessions.snapshot();
    let (before, hash) = (people.get(), PasswordHash("another".into()));
    let renew = || {
        let moved = Some(Some(IpAddr::from([198, 51, 100, 1])));
        sessions.renew(session(1).id, ([1; 32], [3; 32]), (moved, Some(hash.clone())), event("user.password"))
    };
    memory.turn(Disk::Fails);
    assert!(matches!(renew().await, Err(SessionsError::Store(_))));
    assert_eq!(people.get(), before, "the browser keeps its token, and the password is the old one");
    memory.turn(Disk::Works);
    assert_eq!(renew().await, Ok(1), "the other session");
    let after = people.get();
    assert_eq!(after.user(MIA).and_then(|user| user.password.clone()), Some(hash));
    assert_eq!([1, 2, 3].map(|id| after.find(&[id; 32]).is_some()), [false, false, true]);
}

#[actix::test]
async fn a_guess_is_written_whether_or_not_there_is_such_an_account() {
    let memory = Memory::empty();
    let (sessions, _) = start(Arc::clone(&memory)).await;
    sessions.create_user(user(1, Role::Owner), event("user.create")).await.unwrap();
    let mut written = Vec::new();
    for user in [None, Some(MIA), Some(MIA), Some(MIA), Some(MIA), Some(MIA), Some(MIA), None] {
        memory.last.store(Arc::default());
        sessions.attempt(user, session(1).seen.address, NOW).await.unwrap();
        let last = memory.last.load_full();
        written.push((last.failed.is_some(), last.feigned.is_some()));
    }
    let (counted, feigned) = ((true, false), (false, true));
    assert_eq!(
        written,
        [&[feigned][..], &[counted; 5], &[feigned; 2]].concat(),
        "nobody's, five, one that waits, nobody's"
    );
    assert_eq!(memory.stored.load().failures.len(), 5);
}

#[actix::test]
async fn a_crash_loses_nothing_and_readers_never_notice() {
    let (sessions, _) = start(Memory::empty()).await;
    let people = sessions.snapshot();
    sessions.create_user(user(1, Role::Owner), event("user.create")).await.unwrap();
    sessions.open(session(1), Some(NOW), event("session.create")).await.unwrap();
    for _ in 0..5 {
        sessions.attempt(Some(MIA), session(1).seen.address, NOW).await.unwrap();
    }
    sessions.crash().await;
    assert!(people.get().find(&[1; 32]).is_some());
    assert!(matches!(sessions.attempt(Some(MIA), session(1).seen.address, NOW).await, Ok(Verdict::Wait(_))));
    assert_eq!(sessions.end(Which::One(session(1).id), event("session.end")).await, Ok(1));
    assert!(people.get().find(&[1; 32]).is_none(), "the successor publishes to the same readers");
}

#[actix::test]
async fn when_the_truth_is_unknown_the_actor_reads_it_again() {
    let memory = Memory::empty();
    let (sessions, _) = start(Arc::clone(&memory)).await;
    memory.turn(Disk::Loses);
    assert!(matches!(sessions.create_user(user(1, Role::Owner), event("x")).await, Err(SessionsError::Store(_))));
    memory.turn(Disk::Works);
    settled(&sessions).await;
    assert!(sessions.snapshot().get().user(MIA).is_some(), "it had been saved after all");
}

//! People and sessions through the port and a real file: everything comes back as the actor's own table has it.

use std::net::IpAddr;

use farthing_actors::domain::{ProjectId, Role, SessionId, Timestamp, UserId};
use farthing_actors::sessions::{
    Change, Failure, Oidc, PasswordHash, People, Seen, Session, SessionsStore, User, network,
};

use super::SessionsTables;
use crate::store::testing::{NOON, Scratch, deed, trail};

const MIA: UserId = UserId::from_u128(1);

fn user(id: u128, role: Role) -> User {
    User {
        id: UserId::from_u128(id),
        name: format!("user-{id}").into(),
        display_name: "Mia \"K\" Keller".to_owned(),
        role,
        password: Some(PasswordHash("$argon2id$x".into())),
        projects: None,
        oidc: None,
        disabled_at: None,
        created_at: NOON,
        updated_at: NOON,
    }
}

fn session(id: u8, user: Option<UserId>) -> Session {
    Session {
        id: SessionId::from_u128(u128::from(id)),
        user,
        digest: [id; 32],
        former: user.map(|_| ([id + 100; 32], NOON)),
        seen: Seen::new("a browser", Some(IpAddr::from([192, 0, 2, id]))),
        created_at: NOON,
        issued_at: Timestamp(NOON.0 + 1),
        seen_at: Timestamp(NOON.0 + 2),
        expires_at: Timestamp(NOON.0 + 3),
        ends_at: Timestamp(NOON.0 + 4),
        opened_by: user.is_none().then_some([id; 8]),
    }
}

fn changes() -> Vec<Change> {
    let place = network(Some(IpAddr::from([192, 0, 2, 1])), 64);
    let failure = |at: i64, familiar| Failure { user: MIA, network: place, familiar, at: Timestamp(at) };
    let viewer = User {
        projects: Some(vec![ProjectId::from_u128(9)]),
        password: None,
        oidc: Some(Oidc { issuer: "https://id.test".into(), subject: "s".into() }),
        disabled_at: Some(NOON),
        ..user(2, Role::Viewer)
    };
    let none = Change::default;
    vec![
        Change { user: Some(user(1, Role::Owner)), ..none() },
        Change { user: Some(viewer), ..none() },
        Change { failed: Some(failure(5, false)), ..none() },
        Change { failed: Some(failure(6, true)), ..none() },
        Change { session: Some(session(1, Some(MIA))), familiar: Some((MIA, place, NOON)), ..none() },
        Change { session: Some(session(2, None)), ended: vec![SessionId::from_u128(77)], ..none() },
        Change { session: Some(Session { former: None, digest: [50; 32], ..session(1, Some(MIA)) }), ..none() },
        Change { session: Some(session(3, Some(UserId::from_u128(2)))), ..none() },
        Change { forgotten: Some((Timestamp(6), NOON)), ..none() },
        Change { user: Some(User { role: Role::Admin, ..user(1, Role::Owner) }), ended: vec![], ..none() },
        Change { ended: vec![SessionId::from_u128(2)], forgiven: Some((MIA, Some(place))), ..none() },
        Change { removed: Some(UserId::from_u128(2)), ended: vec![SessionId::from_u128(3)], ..none() },
        Change { forgiven: Some((MIA, None)), forgotten: Some((NOON, Timestamp(NOON.0 + 1))), ..none() },
        Change { removed: Some(MIA), ended: vec![SessionId::from_u128(1)], ..none() },
    ]
}

#[test]
fn a_guess_at_nobody_costs_the_disk_what_one_at_somebody_does_and_leaves_nothing() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let tables = SessionsTables { trail: trail(&store), store };
    let save = |change: Change| {
        let length = || std::fs::metadata(scratch.path().join("farthing.db-wal")).unwrap().len();
        let before = length();
        tables.save(&change, None).unwrap();
        length() - before
    };
    save(Change { user: Some(user(1, Role::Owner)), ..Change::default() });
    let place = network(Some(IpAddr::from([192, 0, 2, 1])), 64);
    let guess = |user| Some(Failure { user, network: place, familiar: false, at: NOON });
    let counted = save(Change { failed: guess(MIA), ..Change::default() });
    let kept = tables.load().unwrap();
    for user in [UserId::from_u128(0), MIA] {
        let feigned = save(Change { feigned: guess(user), ..Change::default() });
        assert!(feigned > 0 && feigned == counted, "{feigned} bytes, and {counted}");
        assert_eq!(tables.load().unwrap(), kept);
    }
}

#[test]
fn what_is_read_back_is_what_the_table_says_after_every_change() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let tables = SessionsTables { trail: trail(&store), store };
    let mut people = People::default();
    for (change, step) in changes().into_iter().zip(0..) {
        let event = (step % 2 == 0).then(deed);
        tables.save(&change, event.as_ref()).unwrap();
        people = people.with(change);
        assert_eq!(People::new(tables.load().unwrap()), people, "after change {step}");
    }
    assert_eq!(people, People::default());
}

#[test]
fn a_change_without_its_event_is_none() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let tables = SessionsTables { trail: trail(&store), store };
    scratch.run("CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE (ABORT, 'full'); END").unwrap();
    let change = Change { user: Some(user(1, Role::Owner)), ..Change::default() };
    assert!(tables.save(&change, Some(&deed())).is_err());
    assert_eq!(tables.load().unwrap().users, []);
}

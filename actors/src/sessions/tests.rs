//! What the table must hold: who is let in for how long, whose sessions end with what, and that one owner always remains.

use core::net::IpAddr;
use core::time::Duration;

use proptest::prelude::*;

use super::people::{Change, People};
use super::session::{Judgement, Policy, Seen, Session, network};
use super::user::{PasswordHash, User, UserChanges};
use super::{SessionsError, Which};
use crate::domain::{Binding, ProjectId, Role, SessionId, Timestamp, UserId};

/// In Unix milliseconds, as the other moments here.
const ISSUED: i64 = 1_800_000_000_000;
const POLICY: Policy = Policy {
    idle: Duration::from_secs(1_800),
    absolute: Duration::from_secs(28_800),
    binding: Binding::Network,
    per_user: 10,
};

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
        created_at: Timestamp(ISSUED),
        updated_at: Timestamp(ISSUED),
    }
}

fn seen(agent: &str, address: [u8; 4]) -> Seen {
    Seen::new(agent, Some(IpAddr::from(address)))
}

fn session(id: u8, user: u128, at: i64) -> Session {
    let ends_at = Timestamp(at).plus(POLICY.absolute);
    Session {
        id: SessionId::from_u128(u128::from(id)),
        user: Some(UserId::from_u128(user)),
        digest: [id; 32],
        former: None,
        seen: seen("browser", [192, 0, 2, 1]),
        created_at: Timestamp(at),
        issued_at: Timestamp(at),
        seen_at: Timestamp(at),
        expires_at: POLICY.expires_at(Timestamp(at), ends_at),
        ends_at,
        opened_by: None,
    }
}

fn people(users: &[User]) -> People {
    users.iter().fold(People::default(), |people, user| {
        let change = people.create_user(user.clone()).unwrap();
        people.with(change)
    })
}

fn opened(people: &People, session: Session) -> Change {
    let proved = session.user.and_then(|id| people.user(id)).map(|user| user.updated_at);
    people.open(session, proved, &POLICY).unwrap()
}

fn judged(session: &Session, presented: u8, seconds: i64) -> Judgement {
    session.judge(&[presented; 32], &session.seen.clone(), (&POLICY, Timestamp(ISSUED + seconds * 1_000)))
}

#[test]
fn another_hash_of_the_same_password_ends_nothing_and_undoes_nothing() {
    let hash = |text: &str| PasswordHash(text.into());
    let owner = User { password: Some(hash("from elsewhere")), ..user(1, Role::Owner) };
    let people = people(&[owner]);
    let people = people.with(opened(&people, session(1, 1, ISSUED)));
    let id = UserId::from_u128(1);
    let change = people.rehash(id, &hash("from elsewhere"), hash("ours")).unwrap();
    assert_eq!(change.ended, []);
    let user = change.user.clone().unwrap();
    assert_eq!((user.password, user.updated_at), (Some(hash("ours")), Timestamp(ISSUED)));
    let changed = people.with(change);
    let late = changed.rehash(id, &hash("from elsewhere"), hash("too late"));
    assert_eq!(late.unwrap_err(), SessionsError::NotFound, "a password that was changed meanwhile stays");
}

#[test]
fn what_was_proved_before_a_change_opens_nothing_after_it() {
    let hash = |text: &str| Some(PasswordHash(text.into()));
    let people = people(&[User { password: hash("from elsewhere"), ..user(1, Role::Owner) }]);
    let (id, proved) = (UserId::from_u128(1), Some(Timestamp(ISSUED)));
    let open = |people: &People, proved| people.open(session(1, 1, ISSUED + 5), proved, &POLICY).map(drop);
    let same = people.rehash(id, &hash("from elsewhere").unwrap(), hash("ours").unwrap()).unwrap();
    assert_eq!(open(&people.with(same), proved), Ok(()), "the password is the same");
    let password = UserChanges { password: hash("another"), ..UserChanges::default() };
    let change = people.update_user(id, password, (None, Timestamp(ISSUED + 1))).unwrap();
    let changed = people.with(change);
    assert_eq!(open(&changed, proved), Err(SessionsError::NotFound));
    assert_eq!(open(&changed, None), Err(SessionsError::NotFound));
    assert_eq!(open(&changed, Some(Timestamp(ISSUED + 1))), Ok(()), "the new one is good");
}

#[test]
fn sessions_of_a_management_token_end_with_it_and_nobody_elses() {
    let of_token =
        |id, mark: Option<u8>| Session { user: None, opened_by: mark.map(|byte| [byte; 8]), ..session(id, 1, ISSUED) };
    let sessions = [session(1, 1, ISSUED), of_token(2, Some(7)), of_token(3, Some(8)), of_token(4, None)];
    let people = people(&[user(1, Role::Owner)]);
    let people = sessions.into_iter().fold(people, |people, session| people.with(opened(&people, session)));
    let ended = |admitted: &[u8]| {
        let admitted: Vec<_> = admitted.iter().map(|byte| [*byte; 8]).collect();
        people.end_of_other_tokens(&admitted).ended
    };
    let id = |id| SessionId::from_u128(id);
    assert_eq!(ended(&[7, 8]), [id(4)], "from before marks were kept");
    assert_eq!(ended(&[8]), [id(2), id(4)]);
    assert_eq!(ended(&[9]), [id(2), id(3), id(4)]);
}

#[test]
fn a_token_is_renewed_past_the_half_of_its_time_and_not_before() {
    let session = session(1, 1, ISSUED);
    for (seconds, judgement) in [
        (0, Judgement::Fine { stale: false }),
        (882, Judgement::Fine { stale: false }),
        (900, Judgement::Fine { stale: false }),
        (918, Judgement::Fine { stale: true }),
        (1_799, Judgement::Fine { stale: true }),
        (1_800, Judgement::Over),
    ] {
        assert_eq!(judged(&session, 1, seconds), judgement, "{seconds} s");
    }
}

#[test]
fn a_renewed_token_leaves_the_former_half_a_minute_and_the_session_its_absolute_end() {
    let mut people = people(&[user(1, Role::Owner)]);
    people = people.with(opened(&people, session(1, 1, ISSUED)));
    let id = SessionId::from_u128(1);
    let at = |seconds: i64| Timestamp(ISSUED + seconds * 1_000);
    let change = people.renew(id, ([1; 32], [2; 32]), None, (&POLICY, at(918))).unwrap();
    people = people.with(change);
    let renewed = people.find(&[2; 32]).unwrap().clone();
    assert_eq!((renewed.id, renewed.expires_at), (id, at(918 + 1_800)));
    assert_eq!(people.find(&[1; 32]).map(|session| session.id), Some(id));
    assert_eq!(judged(&renewed, 1, 947), Judgement::Fine { stale: false });
    assert_eq!(judged(&renewed, 1, 948), Judgement::Over);
    assert_eq!(people.renew(id, ([1; 32], [3; 32]), None, (&POLICY, at(940))), Err(SessionsError::NotFound));
    let mut now = 918;
    let mut digest = 2;
    while let Ok(change) = people.renew(id, ([digest; 32], [digest + 1; 32]), None, (&POLICY, at(now))) {
        people = people.with(change);
        (now, digest) = (now + 1_000, digest + 1);
    }
    let last = people.session(id).unwrap();
    assert_eq!(last.expires_at, at(28_800), "it never outlives its absolute end");
    assert_eq!(judged(last, digest, 28_799), Judgement::Fine { stale: false }, "a new token would not last longer");
    assert_eq!(judged(last, digest, 28_800), Judgement::Over);
}

#[test]
fn a_session_is_bound_as_the_policy_says() {
    let session = session(1, 1, ISSUED);
    let (same, near) = (seen("browser", [192, 0, 2, 1]), seen("browser", [192, 0, 2, 77]));
    let (far, other) = (seen("browser", [198, 51, 100, 1]), seen("curl", [192, 0, 2, 1]));
    let fine = Judgement::Fine { stale: false };
    let (elsewhere, stolen) = (Judgement::Elsewhere, Judgement::Stolen);
    for (binding, expected) in [
        (Binding::Off, [fine, fine, fine, fine]),
        (Binding::UserAgent, [fine, fine, fine, stolen]),
        (Binding::Network, [fine, fine, elsewhere, stolen]),
        (Binding::Exact, [fine, stolen, stolen, stolen]),
    ] {
        let policy = Policy { binding, ..POLICY };
        let judge = |seen: &Seen| session.judge(&[1; 32], seen, (&policy, Timestamp(ISSUED)));
        assert_eq!([&same, &near, &far, &other].map(judge), expected, "{binding}");
    }
    let (one, two) = ("2001:db8:1:2::3".parse().ok(), "2001:db8:1:ffff::9".parse().ok());
    assert_eq!(network(one, 48), network(two, 48));
    assert_ne!(network(one, 64), network(two, 64));
}

#[test]
fn the_eleventh_session_is_in_the_place_of_the_first() {
    let mut people = people(&[user(1, Role::Owner), user(2, Role::Admin)]);
    people = people.with(opened(&people, session(99, 2, ISSUED)));
    for id in 1..=11 {
        people = people.with(opened(&people, session(id, 1, ISSUED + i64::from(id))));
    }
    let left: Vec<_> = people.sessions_of(Some(UserId::from_u128(1))).map(|session| session.digest[0]).collect();
    assert_eq!(left, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert!(people.find(&[1; 32]).is_none() && people.find(&[99; 32]).is_some());
}

#[test]
fn what_changes_somebodys_standing_ends_their_sessions_and_only_theirs() {
    let mut people = people(&[user(1, Role::Owner), user(2, Role::Viewer)]);
    for (id, owner) in [(1, 1), (2, 2), (3, 2)] {
        people = people.with(opened(&people, session(id, owner, ISSUED)));
    }
    let id = UserId::from_u128(2);
    let ends = |changes, keep| people.update_user(id, changes, (keep, Timestamp(ISSUED))).unwrap().ended.len();
    let none = UserChanges::default;
    assert_eq!(ends(UserChanges { role: Some(Role::Auditor), ..none() }, None), 2);
    assert_eq!(ends(UserChanges { disabled: Some(true), ..none() }, None), 2);
    assert_eq!(ends(UserChanges { projects: Some(Some(vec![ProjectId::from_u128(1)])), ..none() }, None), 2);
    let password = UserChanges { password: Some(PasswordHash("x".into())), ..none() };
    assert_eq!(ends(password, Some(SessionId::from_u128(3))), 1, "the one it is changed in goes on");
    assert_eq!(ends(UserChanges { role: Some(Role::Viewer), ..none() }, None), 0, "nothing changed");
    assert_eq!(ends(UserChanges { display_name: Some("Mia".into()), ..none() }, None), 0);
    assert_eq!(people.delete_user(id).unwrap().ended.len(), 2);
    assert_eq!(people.end(Which::One(SessionId::from_u128(9))), Err(SessionsError::NotFound));
}

#[test]
fn names_are_plain_and_unique_and_only_viewers_have_projects() {
    let people = people(&[user(1, Role::Owner)]);
    let named = |name: &str| people.create_user(User { name: name.into(), ..user(2, Role::Admin) }).is_ok();
    assert!(named("mia") && named("mia.k@example.test"));
    for name in ["", "Mia", "a b", "user-1", "management", "system", &"x".repeat(65), "é", "a\n"] {
        assert!(!named(name), "{name:?}");
    }
    let projects = Some(vec![ProjectId::from_u128(1)]);
    assert!(people.create_user(User { projects: projects.clone(), ..user(2, Role::Admin) }).is_err());
    assert!(people.create_user(User { projects, ..user(2, Role::Viewer) }).is_ok());
}

#[test]
fn a_sweep_takes_what_is_over() {
    let mut people = people(&[user(1, Role::Owner)]);
    people = people.with(opened(&people, session(1, 1, ISSUED)));
    people = people.with(opened(&people, session(2, 1, ISSUED + 1_000)));
    let change = people.sweep(Timestamp(ISSUED + 1_800_000));
    assert_eq!(change.ended, [SessionId::from_u128(1)]);
    assert_eq!(people.with(change).sessions().count(), 1);
}

#[derive(Debug, Clone)]
enum Act {
    Create(Role),
    Role(u128, Role),
    Disable(u128, bool),
    Delete(u128),
    Open(u128),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let role = || prop::sample::select(Role::ALL);
    let act = prop_oneof![
        role().prop_map(Act::Create),
        (0_u128..6, role()).prop_map(|(id, role)| Act::Role(id, role)),
        (0_u128..6, any::<bool>()).prop_map(|(id, disabled)| Act::Disable(id, disabled)),
        (0_u128..6).prop_map(Act::Delete),
        (0_u128..6).prop_map(Act::Open),
    ];
    prop::collection::vec(act, 1..60)
}

fn decide(people: &People, act: &Act, step: u8) -> Option<Change> {
    let at = Timestamp(ISSUED + i64::from(step));
    let change = |id: &u128, changes| people.update_user(UserId::from_u128(*id), changes, (None, at)).ok();
    match act {
        Act::Create(role) => people.create_user(user(u128::from(step % 6), *role)).ok(),
        Act::Role(id, role) => change(id, UserChanges { role: Some(*role), ..UserChanges::default() }),
        Act::Disable(id, disabled) => change(id, UserChanges { disabled: Some(*disabled), ..UserChanges::default() }),
        Act::Delete(id) => people.delete_user(UserId::from_u128(*id)).ok(),
        Act::Open(id) => {
            let proved = people.user(UserId::from_u128(*id))?.updated_at;
            people.open(session(step, *id, at.0), Some(proved), &POLICY).ok()
        }
    }
}

proptest! {
    // Once there is an owner there always is one, and nobody has a session who is not there or not let in.
    #[test]
    fn an_owner_remains_and_no_session_is_without_its_person(acts in acts()) {
        let mut people = people(&[user(7, Role::Owner)]);
        for (act, step) in acts.iter().zip(0..) {
            if let Some(change) = decide(&people, act, step) {
                people = people.with(change);
            }
            prop_assert!(people.users().any(|user| user.is_acting_owner()));
            for session in people.sessions() {
                let user = session.user.and_then(|id| people.user(id));
                prop_assert!(user.is_some_and(|user| user.disabled_at.is_none()));
                prop_assert_eq!(people.find(&session.digest).map(|found| found.id), Some(session.id));
            }
        }
    }
}

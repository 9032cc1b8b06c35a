//! What the ring must hold: who is charged, who may call, and that no series of changes breaks either.

use proptest::prelude::*;

use super::changes::Change;
use super::error::KeyringError;
use super::messages::Renewal;
use super::ring::{KeyState, Keys, MAX_DEPTH, Project, VirtualKey};
use crate::domain::{
    Allowed, Budget, KeyId, Limits, Money, ProjectId, ResponseCache, Scope, Thresholds, Timestamp, WindowKind,
    window::Zone,
};

fn project(id: u128, parent: Option<u128>) -> Project {
    Project {
        id: ProjectId::from_u128(id),
        name: format!("project {id}"),
        parent: parent.map(ProjectId::from_u128),
        budget: None,
        limits: Limits::default(),
        allowed_models: Allowed::default(),
        response_cache: None,
        deactivated_at: None,
        created_at: Timestamp(1_000),
    }
}

fn key(id: u8, project: u128) -> VirtualKey {
    VirtualKey {
        id: KeyId::from_u128(u128::from(id)),
        project: ProjectId::from_u128(project),
        name: "ci".to_owned(),
        prefix: format!("sk-ft-{id:08}"),
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
        created_at: Timestamp(1_000),
        created_by: None,
    }
}

fn budget(limit: &str) -> Option<Budget> {
    Some(Budget {
        limit_usd: limit.parse().unwrap(),
        window: WindowKind::Day,
        time_zone: Zone::utc(),
        warn_percent: Thresholds::default(),
        mode: Default::default(),
    })
}

fn models(patterns: &[&str]) -> Allowed {
    Allowed(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
}

fn field(refusal: Result<Change, KeyringError>) -> &'static str {
    match refusal {
        Err(KeyringError::Invalid { field, .. }) => field,
        other => panic!("expected a refused field, got {other:?}"),
    }
}

fn conflict(refusal: Result<Change, KeyringError>) -> String {
    match refusal {
        Err(KeyringError::Conflict(reason)) => reason,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

#[test]
fn a_key_is_charged_limited_and_allowed_by_everything_above_it() {
    let root = Project { budget: budget("5"), allowed_models: models(&["gpt-*", "o3"]), ..project(1, None) };
    let limits = Limits { rpm: Some(60), ..Limits::default() };
    let middle = Project { limits, ..project(2, Some(1)) };
    let leaf = Project { allowed_models: models(&["gpt-4o*"]), ..project(3, Some(2)) };
    let ring = Keys::new(vec![leaf, root, middle], vec![key(9, 3), key(8, 1)]).unwrap();

    let found = ring.find(&[9; 32]).unwrap();
    let scopes = [3, 2, 1].map(|id| Scope::Project(ProjectId::from_u128(id)));
    assert_eq!(found.scopes.first(), Some(&Scope::Key(KeyId::from_u128(9))));
    assert_eq!(found.scopes.get(1..), Some(&scopes[..]));
    assert_eq!(*found.limits, [(scopes[1], limits)]);
    assert!(found.budgeted);
    assert!(found.admits("gpt-4o-mini") && !found.admits("gpt-3.5") && !found.admits("o3"));
    assert!(ring.find(&[8; 32]).unwrap().admits("o3"));
    assert_eq!(ring.find(&[7; 32]), None);
}

#[test]
fn a_key_is_active_until_it_expires_or_is_revoked() {
    let expiring = VirtualKey { expires_at: Some(Timestamp(2_000)), ..key(1, 1) };
    let ring = Keys::new(vec![project(1, None)], vec![expiring]).unwrap();
    let state = |ring: &Keys, now| ring.find(&[1; 32]).unwrap().state(Timestamp(now));
    assert_eq!((state(&ring, 1_999), state(&ring, 2_000)), (KeyState::Active, KeyState::Expired));

    let ring = ring.with(ring.revoke_key(KeyId::from_u128(1), Timestamp(1_500)).unwrap());
    assert_eq!((state(&ring, 1_400), state(&ring, 2_000)), (KeyState::Revoked, KeyState::Revoked));
    let again = ring.with(ring.revoke_key(KeyId::from_u128(1), Timestamp(1_900)).unwrap());
    assert_eq!(again, ring, "a second revocation keeps the first moment");
}

#[test]
fn an_update_cannot_undo_a_revocation_or_change_what_identifies_a_key() {
    let ring = Keys::new(vec![project(1, None), project(2, None)], vec![key(1, 1)]).unwrap();
    let ring = ring.with(ring.revoke_key(KeyId::from_u128(1), Timestamp(1_500)).unwrap());
    let stale = VirtualKey { name: "new".to_owned(), digest: [7; 32], prefix: "x".to_owned(), ..key(1, 1) };
    let ring = ring.with(ring.update_key(stale).unwrap());
    let expected = VirtualKey { name: "new".to_owned(), revoked_at: Some(Timestamp(1_500)), ..key(1, 1) };
    assert_eq!(ring.find(&[1; 32]).unwrap().key, expected);
    assert_eq!(ring.find(&[7; 32]), None);
    assert_eq!(field(ring.update_key(key(1, 2))), "project");
}

#[test]
fn names_are_unique_among_projects_only() {
    let ring = Keys::new(vec![project(1, None), project(2, None)], vec![key(1, 1)]).unwrap();
    let namesake = |id| Project { name: "project 1".to_owned(), ..project(id, None) };
    assert_eq!(ring.create_project(namesake(3)), Err(KeyringError::NameTaken));
    assert_eq!(ring.update_project(namesake(2)), Err(KeyringError::NameTaken));
    assert!(ring.update_project(namesake(1)).is_ok());
    assert!(ring.create_key(key(2, 1)).is_ok(), "two keys may be called ci");
    assert!(ring.create_key(VirtualKey { digest: [1; 32], ..key(2, 1) }).is_err());
}

#[test]
fn chains_of_projects_have_an_end_and_a_bounded_length() {
    let depth = u128::try_from(MAX_DEPTH).unwrap();
    let chain = (1..=depth).map(|id| project(id, (id > 1).then(|| id - 1))).collect();
    let ring = Keys::new(chain, vec![]).unwrap();
    assert_eq!(field(ring.create_project(project(99, Some(depth)))), "parent");
    assert!(ring.create_project(project(99, Some(depth - 1))).is_ok());
    assert_eq!(field(ring.create_project(project(99, Some(98)))), "parent");
    assert_eq!(field(ring.create_project(project(99, Some(99)))), "parent");
    assert_eq!(field(ring.update_project(project(1, Some(3)))), "parent");
    let ring = ring.with(ring.create_project(project(50, None)).unwrap());
    assert_eq!(field(ring.update_project(project(1, Some(50)))), "parent", "the whole chain would move down by one");
    assert!(ring.update_project(project(2, Some(50))).is_ok());
}

#[test]
fn what_the_books_name_is_not_deleted() {
    let ring = Keys::new(vec![project(1, None), project(2, Some(1)), project(3, None)], vec![key(1, 2)]).unwrap();
    assert!(conflict(ring.delete_project(ProjectId::from_u128(1))).contains("1 below it"));
    let ring = ring.with(ring.revoke_key(KeyId::from_u128(1), Timestamp(1_500)).unwrap());
    assert!(conflict(ring.delete_project(ProjectId::from_u128(2))).contains("1 keys, 1 of them revoked"));
    let ring = ring.with(ring.delete_project(ProjectId::from_u128(3)).unwrap());
    assert_eq!(ring.delete_project(ProjectId::from_u128(3)), Err(KeyringError::NotFound));
    assert_eq!(ring.projects().count(), 2);
}

#[test]
fn a_wrong_field_is_named() {
    let ring = Keys::new(vec![project(1, None)], vec![]).unwrap();
    let limited = |limits| Project { limits, ..project(2, None) };
    let create = |project| field(ring.create_project(project));
    assert_eq!(create(Project { name: " ".to_owned(), ..project(2, None) }), "name");
    assert_eq!(create(Project { budget: budget("-1"), ..project(2, None) }), "budget.limit_usd");
    assert_eq!(create(limited(Limits { rpm: Some(0), ..Limits::default() })), "limits.rpm");
    assert_eq!(create(limited(Limits { tpm: Some(0), ..Limits::default() })), "limits.tpm");
    assert_eq!(create(limited(Limits { tpm: Some(u64::MAX), ..Limits::default() })), "limits.tpm");
    assert_eq!(create(limited(Limits { concurrency: Some(0), ..Limits::default() })), "limits.concurrency");
    assert_eq!(create(Project { allowed_models: models(&["a*b"]), ..project(2, None) }), "allowed_models");
    for ttl_seconds in [0, u32::MAX] {
        let response_cache = Some(ResponseCache { ttl_seconds });
        assert_eq!(create(Project { response_cache, ..project(2, None) }), "response_cache.ttl_seconds");
    }
    assert_eq!(field(ring.create_key(VirtualKey { expires_at: Some(Timestamp(1_000)), ..key(1, 1) })), "expires_at");
    assert_eq!(field(ring.create_key(key(1, 5))), "project");
    assert!(ring.create_project(Project { budget: budget("0"), ..project(2, None) }).is_ok());
}

#[test]
fn a_deactivated_project_closes_everything_below_it() {
    let ring = Keys::new(vec![project(1, None), project(2, Some(1))], vec![key(1, 1), key(2, 2)]).unwrap();
    let state = |ring: &Keys, id: u8| ring.find(&[id; 32]).unwrap().state(Timestamp(5));
    let off = Project { deactivated_at: Some(Timestamp(4)), ..project(1, None) };
    let closed = ring.with(ring.update_project(off.clone()).unwrap());
    assert_eq!([1, 2].map(|id| state(&closed, id)), [KeyState::Inactive; 2]);
    let open = closed.with(closed.update_project(Project { deactivated_at: None, ..off }).unwrap());
    assert_eq!([1, 2].map(|id| state(&open, id)), [KeyState::Active; 2]);
}

#[test]
fn a_key_names_no_models_that_its_projects_withhold() {
    let root = Project { allowed_models: models(&["gpt-*", "o3"]), ..project(1, None) };
    let ring = Keys::new(vec![root, project(2, Some(1))], vec![key(1, 2)]).unwrap();
    let with = |patterns: &[&str]| VirtualKey { allowed_models: models(patterns), ..key(2, 2) };
    for within in [&["*"][..], &["gpt-4o*", "o3"], &[]] {
        assert!(ring.create_key(with(within)).is_ok(), "{within:?}");
    }
    assert_eq!(field(ring.create_key(with(&["gpt-4o", "claude*"]))), "allowed_models");
    let changed = VirtualKey { allowed_models: models(&["o3*"]), ..key(1, 2) };
    assert_eq!(field(ring.update_key(changed)), "allowed_models");
    assert!(ring.update_key(key(1, 2)).is_ok());
}

#[test]
fn contradictory_records_do_not_load() {
    let circle = vec![project(1, Some(2)), project(2, Some(1))];
    assert!(Keys::new(circle, vec![]).unwrap_err().to_string().contains("circular"));
    assert!(Keys::new(vec![project(1, Some(2))], vec![]).is_err());
    assert!(Keys::new(vec![], vec![key(1, 1)]).unwrap_err().to_string().contains("missing"));
}

#[derive(Debug, Clone)]
enum Verb {
    CreateProject(Project),
    UpdateProject(Project),
    DeleteProject(ProjectId),
    CreateKey(VirtualKey),
    UpdateKey(VirtualKey),
    RevokeKey(KeyId),
    RotateKey(KeyId, u8, Option<i64>),
    RevokeKeys(ProjectId),
}

fn decide(ring: &Keys, verb: Verb) -> Result<Change, KeyringError> {
    match verb {
        Verb::CreateProject(project) => ring.create_project(project),
        Verb::UpdateProject(project) => ring.update_project(project),
        Verb::DeleteProject(id) => ring.delete_project(id),
        Verb::CreateKey(key) => ring.create_key(key),
        Verb::UpdateKey(key) => ring.update_key(key),
        Verb::RevokeKey(id) => ring.revoke_key(id, Timestamp(2_000)),
        Verb::RotateKey(id, digest, until) => {
            let former_until = until.map(Timestamp);
            ring.rotate_key(id, Renewal { prefix: "sk-ft-x".to_owned(), digest: [digest; 32], former_until })
        }
        Verb::RevokeKeys(id) => ring.revoke_keys(id, Timestamp(2_500)),
    }
}

prop_compose! {
    fn any_project()(id in 0_u128..12, parent in proptest::option::of(0_u128..12), name in 0_u8..9, cents in 0_i128..9)
        -> Project {
        let limit_usd = Money::from_picos(cents * 10_000_000_000);
        let budget = (cents > 0).then(|| Budget { limit_usd, window: WindowKind::Day, time_zone: Zone::utc(), warn_percent: Thresholds::default(), mode: Default::default() });
        Project { name: format!("name {name}"), budget, ..project(id, parent) }
    }
}

fn any_verb() -> impl Strategy<Value = Verb> {
    let any_key = (0_u8..6, 0_u128..12).prop_map(|(id, project)| key(id, project));
    prop_oneof![
        4 => any_project().prop_map(Verb::CreateProject),
        4 => any_project().prop_map(Verb::UpdateProject),
        1 => (0_u128..12).prop_map(|id| Verb::DeleteProject(ProjectId::from_u128(id))),
        3 => any_key.clone().prop_map(Verb::CreateKey),
        2 => any_key.prop_map(Verb::UpdateKey),
        1 => (0_u128..6).prop_map(|id| Verb::RevokeKey(KeyId::from_u128(id))),
        3 => (0_u128..6, 0_u8..20, proptest::option::of(0_i64..9))
            .prop_map(|(id, digest, until)| Verb::RotateKey(KeyId::from_u128(id), digest, until)),
        1 => (0_u128..12).prop_map(|id| Verb::RevokeKeys(ProjectId::from_u128(id))),
    ]
}

proptest! {
    /// Every secret that opens a key is one of its own, and none of its own is missing.
    #[test]
    fn a_digest_opens_the_key_that_has_it_and_no_other(verbs in proptest::collection::vec(any_verb(), 0..60)) {
        let mut ring = Keys::default();
        for verb in verbs {
            if let Ok(change) = decide(&ring, verb) {
                ring = ring.with(change);
            }
        }
        for digest in 0_u8..=20 {
            let holders: Vec<_> = ring.keys().filter(|key| key.key.digests().any(|own| *own == [digest; 32])).collect();
            prop_assert!(holders.len() <= 1, "{digest} opens several keys");
            prop_assert_eq!(ring.find(&[digest; 32]), holders.first().copied());
        }
    }

    /// What was changed step by step is what a restart would read back, and reading it back finds no contradiction.
    #[test]
    fn changes_add_up_to_what_a_restart_reads(verbs in proptest::collection::vec(any_verb(), 0..60)) {
        let mut ring = Keys::default();
        for verb in verbs {
            if let Ok(change) = decide(&ring, verb) {
                ring = ring.with(change);
            }
        }
        let projects: Vec<_> = ring.projects().map(|project| Project::clone(project)).collect();
        let keys: Vec<_> = ring.keys().map(|key| key.key.clone()).collect();
        let names: std::collections::HashSet<_> = projects.iter().map(|project| project.name.clone()).collect();
        prop_assert_eq!(names.len(), projects.len());
        let read_back = Keys::new(projects, keys);
        prop_assert_eq!(read_back, Ok(ring));
    }
}

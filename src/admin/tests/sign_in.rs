//! Signing in where it cannot be done: too many wait to be hashed, or the owner of guesses is away. Nothing is counted or opened then. And
//! a new password together with the token that goes on: one change.

use super::*;
use crate::admin::people::{Ranked, UserDraft};
use crate::admin::sign_in::{Shown, SignedIn};
use farthing_actors::domain::Role;
use farthing_actors::sessions::SessionsError;

const PASSWORD: &str = "seven plain words, kept in a row";

/// The floor, with an account.
async fn with_account() -> (Admin, Arc<Ports>, Disk) {
    let (admin, ports, disk) = admin().await;
    let draft = UserDraft {
        name: "mia".to_owned(),
        display_name: String::new(),
        role: Role::Owner,
        password: Some(Secret::new(PASSWORD)),
        password_hash: None,
        projects: None,
    };
    admin.create_user(draft, Ranked { by: &by(), role: Role::Owner }).await.unwrap();
    ports.asked();
    (admin, ports, disk)
}

async fn sign_in(admin: &Admin, name: &str) -> Result<SignedIn, AdminError> {
    admin.sign_in(name, Secret::new(PASSWORD), &by()).await
}

#[actix::test]
async fn a_full_queue_looks_at_nobody_counts_nothing_and_opens_nothing() {
    let (admin, ports, _disk) = with_account().await;
    let before = admin.people();
    let turns: Vec<_> = std::iter::from_fn(|| admin.hashing.turn().ok()).collect();
    for name in ["mia", "nobody"] {
        assert!(matches!(sign_in(&admin, name).await, Err(AdminError::HashingBusy)), "{name}");
    }
    assert_eq!((ports.asked(), admin.people()), (vec![], before));
    drop(turns);
    assert!(sign_in(&admin, "mia").await.is_ok());
}

#[actix::test]
async fn a_queue_without_room_for_the_new_password_does_not_look_at_the_old_one() {
    let (admin, ports, _disk) = with_account().await;
    let SignedIn { session, user, .. } = sign_in(&admin, "mia").await.unwrap();
    let shown = Shown { digest: session.digest, session: session.into(), user };
    ports.asked();
    let mut turns: Vec<_> = std::iter::from_fn(|| admin.hashing.turn().ok()).collect();
    turns.pop();
    let words = (Secret::new(PASSWORD), Some(Secret::new("another row of plain words")));
    let refused = admin.confirm_session(&shown, words, &by()).await;
    assert!(matches!(refused, Err(AdminError::HashingBusy)), "{refused:?}");
    assert!(ports.asked().is_empty(), "one turn is not enough for two, and nothing is counted");
}

#[actix::test]
async fn while_the_owner_of_guesses_is_away_nobody_gets_in_with_the_right_password_either() {
    let (admin, ports, _disk) = with_account().await;
    ports.deadly.store(true, Ordering::Release);
    for name in ["mia", "nobody"] {
        let refused = sign_in(&admin, name).await;
        assert!(matches!(refused, Err(AdminError::People(SessionsError::Actor(_)))), "{name}: {refused:?}");
    }
    assert_eq!(admin.people().sessions().count(), 0);
}

#[actix::test]
async fn a_new_password_is_one_change_with_the_token_that_goes_on() {
    let (admin, ports, _disk) = with_account().await;
    let SignedIn { session, user, .. } = sign_in(&admin, "mia").await.unwrap();
    let shown = Shown { digest: session.digest, session: session.into(), user };
    ports.asked();
    let by = by();
    let confirm = || {
        let words = (Secret::new(PASSWORD), Some(Secret::new("another row of plain words")));
        admin.confirm_session(&shown, words, &by)
    };
    let password = || admin.people().user_by_name("mia").unwrap().password.clone();
    let before = password();
    ports.refusal.store(Arc::new(Some(SaveError::Failed("the disk is full".to_owned()))));
    assert!(matches!(confirm().await, Err(AdminError::People(SessionsError::Store(_)))));
    assert!(admin.people().find(&shown.digest).is_some(), "the browser keeps its token");
    assert_eq!((ports.asked().len(), password()), (2, before.clone()), "the guess, and everything else");
    ports.refusal.store(Arc::default());
    let (token, ended) = confirm().await.unwrap();
    assert!(ended == 0 && password() != before && ports.asked().len() == 2);
    let (_, digest) = admin.parts.security.verify_session(&token, Timestamp(1_000)).unwrap();
    assert_eq!(admin.people().find(&digest).map(|it| it.id), Some(shown.session.id));
}

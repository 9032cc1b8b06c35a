//! The façade as everybody else meets it.

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn parts(master: u8, session: &str) -> SecurityParts {
    SecurityParts {
        master_key: [master; 32],
        former_master_keys: Vec::new(),
        session_secret: Secret::new(session),
        management_token: Secret::new("fedcba9876543210"),
        former_session_secret: None,
        former_management_token: None,
    }
}

fn security(master: u8, session: char) -> Security {
    restored(master, session, 1)
}

/// The same as an old installation that was restored so often.
fn restored(master: u8, session: char, generation: i64) -> Security {
    let parts = parts(master, &session.to_string().repeat(32));
    let kept = KeptKeys::found(&parts.ring().unwrap(), Heritage { virtual_keys: true, audit: true }).unwrap();
    Security::new(parts, &kept, generation).unwrap()
}

const MAKER: Maker = Maker::Management([5; 8]);

#[test]
fn weak_parts_stop_the_start_and_are_named() {
    let kept = KeptKeys::found(&parts(7, "").ring().unwrap(), Heritage::default()).unwrap();
    let refused = Security::new(parts(0, "short"), &kept, 1).unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("MASTER_ENCRYPTION_KEY") && said.contains("SESSION_SECRET") && !said.contains("MANAGEMENT_TOKEN")
    );
}

#[test]
fn every_verb_reaches_its_part() {
    let security = security(7, 's');
    let provider = ProviderId::from_u128(1);
    let sealed = security.seal_provider_key(provider, "api.openai.com", &Secret::new("sk-up")).unwrap();
    assert_eq!(security.open_provider_key(provider, "api.openai.com", &sealed), Ok(Secret::new("sk-up")));
    let minted = security.mint().unwrap();
    assert_eq!(security.digest_presented(minted.secret.expose()), Some(minted.digest));
    assert!(security.is_management_token("fedcba9876543210") && !security.is_management_token("fedcba9876543211"));
    let (token, _) =
        security.issue_token(("ci", MAKER), &["can_view_usage".to_owned()], Duration::from_secs(60), NOW).unwrap();
    assert_eq!(security.verify_token(&token, NOW).unwrap().sub, "ci");
    assert_eq!(format!("{security:?}"), "Security(****)");
}

#[test]
fn a_virtual_key_is_no_management_credential_nor_the_reverse() {
    let security = security(7, 's');
    let minted = security.mint().unwrap();
    assert!(!security.is_management_token(minted.secret.expose()));
    assert_eq!(security.verify_token(minted.secret.expose(), NOW), Err(TokenError::Malformed));
    assert_eq!(security.digest_presented("fedcba9876543210"), None);
}

/// What was made under the former master key goes on: keys, the trail's links, tokens; new things are under the new one.
#[test]
fn another_master_key_changes_nothing_but_what_is_sealed_from_now_on() {
    let security = security(7, 's');
    let provider = ProviderId::from_u128(1);
    let sealed = security.seal_provider_key(provider, "api.openai.com", &Secret::new("sk-up")).unwrap();
    let (minted, link) = (security.mint().unwrap(), security.audit_mac(b"text"));
    let answer = security.seal_answer(b"here", b"the answer").unwrap();
    let before = security.ring().get();
    security.turn_to(KeyRing::new(&[9; 32], &[zeroize::Zeroizing::new([7; 32])]).unwrap());
    assert!(security.ring().load().knows(&before.id().0) && security.ring().load().id() != before.id());
    assert_eq!(security.open_provider_key(provider, "api.openai.com", &sealed), Ok(Secret::new("sk-up")));
    assert_eq!(security.open_answer(b"here", &answer), Ok(b"the answer".to_vec()));
    assert_eq!(security.digest_presented(minted.secret.expose()), Some(minted.digest));
    assert_eq!(security.audit_mac(b"text"), link);
    let sealed = security.seal_provider_key(provider, "api.openai.com", &Secret::new("sk-up")).unwrap();
    let named = VaultError::MasterKey(security.ring().load().id());
    assert_eq!(before.open_provider_key(provider, "api.openai.com", &sealed), Err(named));
}

#[test]
fn what_the_session_secret_before_signed_goes_on_where_it_is_given() {
    let before = security(7, 's');
    let former = Some(Secret::new("s".repeat(32)));
    let former_management_token = Some(Secret::new("0123456789abcdef"));
    let parts = SecurityParts { former_session_secret: former, former_management_token, ..parts(7, &"t".repeat(32)) };
    let kept = KeptKeys::found(&parts.ring().unwrap(), Heritage { virtual_keys: true, audit: true }).unwrap();
    let after = Security::new(parts, &kept, 1).unwrap();
    let token = before.issue_token(("ci", MAKER), &[], Duration::from_secs(60), NOW).unwrap();
    let session = before.issue_session("mia", Role::Owner, (NOW, NOW.plus(Duration::from_secs(60)))).unwrap().token;
    assert!(after.verify_token(&token.0, NOW).is_ok() && after.verify_session(&session, NOW).is_ok());
    let fresh = after.issue_token(("ci", MAKER), &[], Duration::from_secs(60), NOW).unwrap();
    assert_eq!(before.verify_token(&fresh.0, NOW), Err(TokenError::Signature), "new ones are under the new secret");
    for known in ["fedcba9876543210", "0123456789abcdef"] {
        let mark = after.token_mark(known);
        let present = [before.token_mark(known), mark].map(|mark| after.present_mark(mark));
        assert_eq!(present, [Some(mark), Some(mark)]);
    }
    assert_eq!(after.present_mark(before.token_mark("nobody's")), None);
}

#[test]
fn a_restored_installation_knows_no_token_from_before() {
    let (before, after) = (restored(7, 's', 1), restored(7, 's', 2));
    let (token, _) = before.issue_token(("ci", MAKER), &[], Duration::from_secs(60), NOW).unwrap();
    assert_eq!(after.verify_token(&token, NOW), Err(TokenError::Signature));
    let session = before.issue_session("mia", Role::Owner, (NOW, NOW.plus(Duration::from_secs(60)))).unwrap().token;
    assert_eq!(after.verify_session(&session, NOW), Err(SessionError::Signature));
    assert!(after.is_management_token("fedcba9876543210"));
}

#[test]
fn a_new_session_secret_ends_tokens_and_spares_stored_keys() {
    let (before, after) = (security(7, 's'), security(7, 't'));
    let provider = ProviderId::from_u128(1);
    let sealed = before.seal_provider_key(provider, "api.openai.com", &Secret::new("sk-up")).unwrap();
    assert!(after.open_provider_key(provider, "api.openai.com", &sealed).is_ok());
    let (token, _) = before.issue_token(("ci", MAKER), &[], Duration::from_secs(60), NOW).unwrap();
    assert_eq!(after.verify_token(&token, NOW), Err(TokenError::Signature));
}

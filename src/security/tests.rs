//! The façade as everybody else meets it.

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn parts(master: u8, session: &str) -> SecurityParts {
    SecurityParts {
        master_key: [master; 32],
        session_secret: Secret::new(session),
        management_token: Secret::new("fedcba9876543210"),
    }
}

fn security(master: u8, session: char) -> Security {
    Security::new(parts(master, &session.to_string().repeat(32))).unwrap()
}

#[test]
fn weak_parts_stop_the_start_and_are_named() {
    let refused = Security::new(parts(0, "short")).unwrap_err();
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
    let token = security.issue_token("ci", &["can_view_usage".to_owned()], Duration::from_secs(60), NOW).unwrap();
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

#[test]
fn the_check_value_follows_the_master_key_alone() {
    assert_eq!(security(7, 's').check_value(), security(7, 't').check_value());
    assert_ne!(security(7, 's').check_value(), security(8, 's').check_value());
}

#[test]
fn a_new_session_secret_ends_tokens_and_spares_stored_keys() {
    let (before, after) = (security(7, 's'), security(7, 't'));
    let provider = ProviderId::from_u128(1);
    let sealed = before.seal_provider_key(provider, "api.openai.com", &Secret::new("sk-up")).unwrap();
    assert!(after.open_provider_key(provider, "api.openai.com", &sealed).is_ok());
    let token = before.issue_token("ci", &[], Duration::from_secs(60), NOW).unwrap();
    assert_eq!(after.verify_token(&token, NOW), Err(TokenError::Signature));
}

//! Sessions: a round trip, and every way in which a token is not accepted.

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn tokens() -> SessionTokens {
    SessionTokens::new(&Subkeys::of(&[7; 32])).unwrap()
}

fn token() -> String {
    tokens().issue("mia", Role::Owner, NOW).unwrap()
}

#[test]
fn a_session_says_who_and_until_when() {
    let claims = tokens().verify(&token(), NOW).unwrap();
    assert_eq!((claims.username.as_str(), claims.role, claims.v), ("mia", Role::Owner, 1));
    assert_eq!((claims.iat, claims.exp), (1_800_000_000, 1_800_028_800));
    assert!(claims.session_id.len() == 32 && claims.session_id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let another = tokens().verify(&token(), NOW).unwrap();
    assert_ne!(claims.session_id, another.session_id);
}

#[test]
fn a_token_with_any_character_changed_is_refused() {
    let token: Vec<char> = token().chars().collect();
    for at in 0..token.len() {
        for other in ['A', 'B', '.', '=', 'é'].into_iter().filter(|other| *other != token[at]) {
            let mut changed = token.clone();
            changed[at] = other;
            let refused = tokens().verify(&String::from_iter(changed), NOW).unwrap_err();
            assert!(matches!(refused, SessionError::Signature | SessionError::Malformed), "{at} {other}: {refused}");
        }
    }
}

#[test]
fn a_session_ends_after_eight_hours_to_the_second() {
    let token = token();
    let last = Timestamp(NOW.0 + 8 * 60 * 60 * 1_000 - 1);
    assert!(tokens().verify(&token, last).is_ok());
    assert_eq!(tokens().verify(&token, Timestamp(last.0 + 1)), Err(SessionError::Expired));
}

#[test]
fn a_key_of_another_purpose_or_secret_signs_nothing_here() {
    let other = SessionTokens { mac: Subkeys::of(&[7; 32]).mac(Label::TOKENS).unwrap(), kid: tokens().kid };
    for signer in [other, SessionTokens::new(&Subkeys::of(&[8; 32])).unwrap()] {
        let foreign = signer.issue("mia", Role::Owner, NOW).unwrap();
        assert_eq!(tokens().verify(&foreign, NOW), Err(SessionError::Signature));
    }
}

#[test]
fn the_signature_is_checked_before_the_version_and_the_version_before_expiry() {
    let mut claims = tokens().verify(&token(), NOW).unwrap();
    (claims.v, claims.exp) = (2, 0);
    let newer = tokens().sign(&claims).unwrap();
    assert_eq!(tokens().verify(&newer, NOW), Err(SessionError::Version));
    let (payload, _) = newer.split_once('.').unwrap();
    let forged = format!("{payload}.{}", URL_SAFE_NO_PAD.encode([0; 32]));
    assert_eq!(tokens().verify(&forged, NOW), Err(SessionError::Signature));
}

#[test]
fn what_is_too_long_or_no_token_is_malformed() {
    let long = format!("{}.{}", "A".repeat(1_024), URL_SAFE_NO_PAD.encode([0; 32]));
    for text in ["", ".", "a.b", "no token", long.as_str()] {
        assert_eq!(tokens().verify(text, NOW), Err(SessionError::Malformed), "{text:?}");
    }
    assert_eq!(tokens().issue(&"m".repeat(257), Role::Owner, NOW), Err(SessionError::Name));
    let longest = tokens().issue(&"m".repeat(256), Role::Operator, NOW).unwrap();
    assert!(tokens().verify(&longest, NOW).is_ok(), "{}", longest.len());
}

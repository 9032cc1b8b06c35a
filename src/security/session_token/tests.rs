//! Sessions: a round trip, and every way in which a token is not accepted.

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
/// Half an hour later, when a session that nobody uses is over.
const END: Timestamp = Timestamp(1_800_001_800_000);

fn tokens() -> SessionTokens {
    SessionTokens::new(&Subkeys::of(&[7; 32])).unwrap()
}

fn token() -> String {
    tokens().issue("mia", Role::Owner, (NOW, END)).unwrap().token
}

#[test]
fn a_session_says_who_and_until_when() {
    let claims = tokens().verify(&token(), NOW).unwrap();
    assert_eq!((claims.username.as_str(), claims.role, claims.v), ("mia", Role::Owner, 1));
    assert_eq!((claims.iat, claims.exp), (1_800_000_000, 1_800_001_800));
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
fn a_token_with_any_bit_flipped_is_refused() {
    let token = token();
    for bit in 0..token.len() * 8 {
        let mut bytes = token.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        let refused = tokens().verify(&changed, NOW).unwrap_err();
        assert!(matches!(refused, SessionError::Signature | SessionError::Malformed), "bit {bit}: {refused}");
    }
}

#[test]
fn a_token_ends_to_the_second() {
    let token = token();
    assert!(tokens().verify(&token, Timestamp(END.0 - 1)).is_ok());
    assert_eq!(tokens().verify(&token, END), Err(SessionError::Expired));
}

#[test]
fn a_session_is_found_by_a_hash_of_what_its_token_carries() {
    let issued = tokens().issue("mia", Role::Owner, (NOW, END)).unwrap();
    let claims = tokens().verify(&issued.token, NOW).unwrap();
    assert_eq!(tokens().digest(&claims), issued.digest);
    assert_ne!(tokens().issue("mia", Role::Owner, (NOW, END)).unwrap().digest, issued.digest);
}

#[test]
fn a_page_s_word_is_good_for_its_own_session() {
    let (one, two) = (SessionId::from_u128(1), SessionId::from_u128(2));
    let word = tokens().csrf(one);
    assert!(tokens().is_csrf(one, &word) && !tokens().is_csrf(two, &word));
    for wrong in ["", "x", word.get(1..).unwrap(), &format!("{word}A"), &word.to_lowercase()] {
        assert!(!tokens().is_csrf(one, wrong), "{wrong}");
    }
}

#[test]
fn a_key_of_another_purpose_or_secret_signs_nothing_here() {
    let other = SessionTokens { mac: Subkeys::of(&[7; 32]).mac(Label::TOKENS).unwrap(), ..tokens() };
    for signer in [other, SessionTokens::new(&Subkeys::of(&[8; 32])).unwrap()] {
        let foreign = signer.issue("mia", Role::Owner, (NOW, END)).unwrap().token;
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
    assert_eq!(tokens().issue(&"m".repeat(257), Role::Owner, (NOW, END)).unwrap_err(), SessionError::Name);
    let longest = tokens().issue(&"m".repeat(256), Role::Operator, (NOW, END)).unwrap().token;
    assert!(tokens().verify(&longest, NOW).is_ok(), "{}", longest.len());
}

//! Tokens: what is accepted, and every way to forge one that is not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_500);
const MAKER: Maker = Maker::Management([5; 8]);
const HOUR: Duration = Duration::from_secs(3_600);

fn tokens(secret: u8) -> Tokens {
    Tokens::new(&Subkeys::of(&[secret; 32])).unwrap()
}

fn scope() -> Vec<String> {
    vec!["can_view_usage".to_owned(), "can_manage_keys".to_owned()]
}

fn token() -> String {
    tokens(7).issue(("ci", MAKER), &scope(), HOUR, NOW).unwrap().0
}

fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    provider::install();
    let key = EncodingKey::from_secret(&*Subkeys::of(&[7; 32]).derive::<32>(Label::TOKENS).unwrap());
    let tag = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{tag}")
}

fn claims(aud: &str) -> String {
    format!(
        r#"{{"sub":"ci","scope":[],"iat":1,"exp":9999999999,"jti":"00000000000000000000000000000001","aud":"{aud}"}}"#
    )
}

#[test]
fn an_issued_token_says_what_was_granted() {
    let claims = tokens(7).verify(&token(), NOW).unwrap();
    assert_eq!((claims.sub.as_str(), claims.scope), ("ci", scope()));
    assert_eq!((claims.iat, claims.exp), (1_800_000_000, 1_800_003_600));
    assert_eq!((claims.aud.as_str(), claims.jti.to_string().len()), (AUDIENCE, 32));
    assert_ne!(token(), token());
}

#[test]
fn expiry_follows_the_given_clock() {
    let last = Timestamp(1_800_003_599_999);
    assert!(tokens(7).verify(&token(), last).is_ok());
    assert_eq!(tokens(7).verify(&token(), last.plus(Duration::from_millis(1))), Err(TokenError::Expired));
}

#[test]
fn lifetimes_are_bounded() {
    let issue = |lifetime| tokens(7).issue(("ci", MAKER), &[], lifetime, NOW).map(drop);
    assert_eq!(issue(MAX_LIFETIME), Ok(()));
    let too_long = MAX_LIFETIME + Duration::from_millis(1);
    for refused in [Duration::ZERO, Duration::from_millis(999), too_long, Duration::MAX] {
        assert_eq!(issue(refused), Err(TokenError::Lifetime), "{refused:?}");
    }
}

#[test]
fn every_altered_character_is_refused() {
    let good = token();
    for at in 0..good.len() {
        let mut wrong = good.clone().into_bytes();
        wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
        let wrong = String::from_utf8(wrong).unwrap();
        assert!(tokens(7).verify(&wrong, NOW).is_err(), "character {at}");
    }
    assert_eq!(tokens(8).verify(&good, NOW), Err(TokenError::Signature));
}

#[test]
fn unsigned_and_otherwise_signed_tokens_are_refused() {
    let body = URL_SAFE_NO_PAD.encode(claims(AUDIENCE));
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    for unsigned in
        [format!("{none}.{body}."), format!("{none}.{body}"), signed(r#"{"alg":"none"}"#, &claims(AUDIENCE))]
    {
        assert_eq!(tokens(7).verify(&unsigned, NOW), Err(TokenError::Malformed), "{unsigned}");
    }
    for other in ["HS384", "HS512", "RS256", "ES256"] {
        let token = signed(&format!(r#"{{"alg":"{other}"}}"#), &claims(AUDIENCE));
        assert_eq!(tokens(7).verify(&token, NOW), Err(TokenError::Algorithm), "{other}");
    }
}

#[test]
fn tokens_for_others_and_incomplete_ones_are_refused() {
    let header = r#"{"alg":"HS256"}"#;
    assert!(tokens(7).verify(&signed(header, &claims(AUDIENCE)), NOW).is_ok());
    assert_eq!(tokens(7).verify(&signed(header, &claims("farthing-data")), NOW), Err(TokenError::Audience));
    for (present, absent) in
        [("\"exp\":9999999999,", ""), ("\"sub\":\"ci\",", ""), (",\"aud\":\"farthing-management\"", "")]
    {
        let body = claims(AUDIENCE).replace(present, absent);
        assert_ne!(body, claims(AUDIENCE));
        assert_eq!(tokens(7).verify(&signed(header, &body), NOW), Err(TokenError::Malformed), "{body}");
    }
}

#[test]
fn anything_else_is_malformed() {
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    for wrong in ["", ".", "..", "a.b.c", "sk-ft-abcdefgh", &long] {
        assert_eq!(tokens(7).verify(wrong, NOW), Err(TokenError::Malformed));
    }
}

#[test]
fn signatures_are_those_of_rfc_7515() {
    // Appendix A.1: the standard's own key, header, claims and signature.
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(key).unwrap());
    let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                   cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    provider::install();
    provider::install();
    let tag = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    assert_eq!(tag, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

//! ID tokens of an issuer of our own: what is accepted, and every way to be fooled that is not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const ACCOUNT: &str = include_str!("../../../tests/fixtures/vertex/test_only_account.json");
const EXPECTED: Expected<'static> = Expected { issuer: "https://id.example", client_id: "farthing", nonce: "n-1" };

struct Issuer {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
}

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    fn new() -> Self {
        let account: Value = serde_json::from_str(ACCOUNT).unwrap();
        let rsa = PrivateKeyDer::from_pem_slice(account["private_key"].as_str().unwrap().as_bytes()).unwrap();
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self {
            rsa: RsaKeyPair::from_pkcs8(rsa.secret_der()).unwrap(),
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap(),
        }
    }

    fn modulus(&self) -> (Vec<u8>, Vec<u8>) {
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        (n, e)
    }

    fn keys(&self) -> JwkSet {
        let ((n, e), point) = (self.modulus(), self.ec.public_key().as_ref());
        serde_json::from_value(json!({"keys": [
            {"kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": coded(n), "e": coded(e)},
            {"kty": "EC", "kid": "e", "crv": "P-256", "x": coded(&point[1..33]), "y": coded(&point[33..])},
            {"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": coded([7; 32])},
        ]}))
        .unwrap()
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", coded(header.to_string()), coded(claims.to_string()));
        let signature = match header["alg"].as_str().unwrap() {
            "ES256" => self.ec.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
            _ => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", coded(signature))
    }

    fn says(&self, change: &Value) -> String {
        self.signed(&json!({"alg": "RS256", "kid": "r"}), &claims(change))
    }
}

fn claims(change: &Value) -> Value {
    let mut claims = json!({"iss": "https://id.example", "sub": "248289761001", "aud": "farthing", "nonce": "n-1",
                            "iat": 1_800_000_000, "exp": 1_800_000_300, "name": "Mia", "groups": ["ops", "all"],
                            "realm": {"roles": ["auditor"]}, "https://x.example/role": "admin"});
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}

fn refused(token: &str, keys: &JwkSet) -> Option<OidcError> {
    identify(token, keys, EXPECTED, NOW).err()
}

#[test]
fn a_token_of_either_algorithm_says_who_somebody_is() {
    let issuer = Issuer::new();
    for header in [json!({"alg": "RS256", "kid": "r"}), json!({"alg": "ES256", "kid": "e"}), json!({"alg": "RS256"})] {
        let identity = identify(&issuer.signed(&header, &claims(&json!({}))), &issuer.keys(), EXPECTED, NOW).unwrap();
        assert_eq!((identity.subject.as_str(), identity.name.as_deref()), ("248289761001", Some("Mia")), "{header}");
        assert_eq!((identity.says("groups"), identity.says("realm.roles")), (vec!["ops", "all"], vec!["auditor"]));
        assert_eq!((identity.says("https://x.example/role"), identity.says("none")), (vec!["admin"], vec![]));
    }
    for several in [json!({"aud": ["farthing"]}), json!({"aud": ["other", "farthing"], "azp": "farthing"})] {
        assert_eq!(refused(&issuer.says(&several), &issuer.keys()), None, "{several}");
    }
}

#[test]
fn a_token_for_somebody_else_or_another_time_is_refused() {
    let issuer = Issuer::new();
    for (change, why) in [
        (json!({"aud": "other"}), OidcError::Audience),
        (json!({"aud": ["other", "farthing"]}), OidcError::Audience),
        (json!({"azp": "other"}), OidcError::Audience),
        (json!({"iss": "https://id.example/"}), OidcError::Issuer),
        (json!({"nonce": "n-2"}), OidcError::Nonce),
        (json!({"nonce": null}), OidcError::Nonce),
        (json!({"exp": 1_799_999_940}), OidcError::Time),
        (json!({"iat": 1_800_000_061}), OidcError::Time),
        (json!({"nbf": 1_800_000_061}), OidcError::Time),
        (json!({"sub": ""}), OidcError::Malformed),
        (json!({"sub": "x".repeat(256)}), OidcError::Malformed),
        (json!({"exp": "soon"}), OidcError::Malformed),
    ] {
        assert_eq!(refused(&issuer.says(&change), &issuer.keys()), Some(why), "{change}");
    }
    for near in [json!({"exp": 1_799_999_941}), json!({"iat": 1_800_000_060})] {
        assert_eq!(refused(&issuer.says(&near), &issuer.keys()), None, "clocks differ by a minute: {near}");
    }
    for absent in ["iss", "aud", "exp", "sub", "iat"] {
        let mut claims = claims(&json!({}));
        claims.as_object_mut().unwrap().remove(absent);
        let token = issuer.signed(&json!({"alg": "RS256", "kid": "r"}), &claims);
        assert!(refused(&token, &issuer.keys()).is_some(), "without {absent}");
    }
}

#[test]
fn a_signature_is_by_a_published_key_of_its_own_algorithm() {
    let (issuer, claims) = (Issuer::new(), claims(&json!({})));
    let keys = issuer.keys();
    let with = |header: Value| refused(&issuer.signed(&header, &claims), &keys);
    assert_eq!(with(json!({"alg": "RS256", "kid": "new"})), Some(OidcError::UnknownKey));
    assert_eq!(with(json!({"alg": "RS256", "kid": "e"})), Some(OidcError::UnknownKey), "an EC key for RS256");
    assert_eq!(with(json!({"alg": "ES256", "kid": "r"})), Some(OidcError::UnknownKey));
    for algorithm in ["RS384", "PS256", "EdDSA", "ES384"] {
        assert_eq!(with(json!({"alg": algorithm, "kid": "r"})), Some(OidcError::Algorithm), "{algorithm}");
    }
    let stranger = Issuer::new();
    let by_stranger = stranger.signed(&json!({"alg": "ES256", "kid": "e"}), &claims);
    assert_eq!(refused(&by_stranger, &keys), Some(OidcError::Signature));
    let encryption: JwkSet = {
        let mut set = serde_json::to_value(&keys).unwrap();
        set["keys"][0]["use"] = json!("enc");
        serde_json::from_value(set).unwrap()
    };
    let good = issuer.says(&json!({}));
    assert_eq!(refused(&good, &encryption), Some(OidcError::UnknownKey));
    for at in 0..good.len() {
        let mut wrong = good.clone().into_bytes();
        wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
        assert!(refused(&String::from_utf8(wrong).unwrap(), &keys).is_some(), "character {at}");
    }
}

#[test]
fn an_unsigned_token_and_one_signed_with_the_public_key_are_refused() {
    let issuer = Issuer::new();
    let (keys, body) = (issuer.keys(), coded(claims(&json!({})).to_string()));
    for algorithm in ["none", "None", "NONE", ""] {
        let header = coded(json!({"alg": algorithm, "kid": "r"}).to_string());
        for unsigned in [format!("{header}.{body}."), format!("{header}.{body}"), format!("{header}.{body}.AA")] {
            assert!(refused(&unsigned, &keys).is_some(), "{unsigned}");
        }
    }
    let (n, e) = issuer.modulus();
    let point = issuer.ec.public_key().as_ref().to_vec();
    let jwk = serde_json::to_vec(&keys.keys[0]).unwrap();
    for public in [n.clone(), [n, e].concat(), point, issuer.rsa.public().as_ref().to_vec(), jwk] {
        for kid in ["r", "e"] {
            let message = format!("{}.{body}", coded(json!({"alg": "HS256", "kid": kid}).to_string()));
            let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public), message.as_bytes());
            assert_eq!(refused(&format!("{message}.{}", coded(tag)), &keys), Some(OidcError::Algorithm));
        }
    }
    let long = format!("{}.{body}.AA", "a".repeat(MAX_TOKEN_BYTES));
    for wrong in ["", ".", "..", "a.b.c", &long] {
        assert_eq!(refused(wrong, &keys), Some(OidcError::Malformed));
    }
}

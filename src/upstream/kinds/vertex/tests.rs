//! Accounts, their assertions and the sites they are used at. The account was made for tests and opens nothing.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use farthing_actors::domain::{Secret, Timestamp};
use rustls::SignatureScheme::RSA_PKCS1_SHA256;
use rustls::crypto::ring::default_provider;
use serde_json::{Value, json};

use super::*;
use crate::dialect::Endpoint;
use crate::upstream::guard::Address;
use crate::upstream::{Delivery, UpstreamRequest};

const ACCOUNT: &str = include_str!("../../../../tests/fixtures/vertex/test_only_account.json");
const PUBLIC: &[u8] = include_bytes!("../../../../tests/fixtures/vertex/test_only_public.der");

fn read(text: &str) -> Result<Account, AccountError> {
    Account::read(&Secret::new(text), false)
}

fn changed(name: &str, value: Value) -> String {
    let mut account: Value = serde_json::from_str(ACCOUNT).unwrap();
    account[name] = value;
    account.to_string()
}

#[test]
fn an_assertion_is_signed_so_that_the_public_key_says_so() {
    let form = read(ACCOUNT).unwrap().form(Timestamp(1_700_000_000_999)).unwrap();
    let (grant, jwt) = form.split_once("&assertion=").unwrap();
    assert_eq!(grant, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let algorithms = default_provider().signature_verification_algorithms.mapping;
    let rs256 = algorithms.iter().find(|(scheme, _)| *scheme == RSA_PKCS1_SHA256).unwrap().1[0];
    rs256.verify_signature(PUBLIC, message.as_bytes(), &decoded(signature)).unwrap();
    assert!(rs256.verify_signature(PUBLIC, b"another", &decoded(signature)).is_err());
    let told: Vec<Value> = message.split('.').map(|part| serde_json::from_slice(&decoded(part)).unwrap()).collect();
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "test-only-1"});
    let claims = json!({"iss": "farthing@test-only.iam.gserviceaccount.com", "aud": "https://oauth2.googleapis.com/token",
        "scope": "https://www.googleapis.com/auth/cloud-platform", "iat": 1_700_000_000, "exp": 1_700_003_600});
    assert_eq!(told, [header, claims]);
}

#[test]
fn an_account_is_read_as_json_and_as_base64_in_lines() {
    let base64 = STANDARD.encode(ACCOUNT);
    let lines: Vec<_> = base64.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    assert_eq!(read(&lines.join("\n")).unwrap().project(), "test-only");
    assert_eq!(read(&format!("\n{ACCOUNT}\n")).unwrap().token_uri(), "https://oauth2.googleapis.com/token");
    assert_eq!(read(&changed("token_uri", Value::Null)).unwrap().token_uri(), "https://oauth2.googleapis.com/token");
}

#[test]
fn what_is_wrong_with_an_account_is_named_without_a_word_of_it() {
    let small = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
    for (text, part) in [
        ("AIzaSyNoAccount".to_owned(), "must be the JSON"),
        ("{\"type\":".to_owned(), "must be the JSON"),
        ("{}".to_owned(), "without type"),
        (changed("type", json!("authorized_user")), "type service_account"),
        (changed("client_email", json!("")), "without client_email"),
        (changed("private_key", Value::Null), "without private_key"),
        (changed("private_key", json!("s3cret")), "private_key is no RSA key"),
        (changed("private_key", json!(small)), "private_key is no RSA key"),
        (changed("project_id", json!("a/../b")), "project_id"),
        (changed("token_uri", json!("https://127.0.0.1/token")), "token_uri is refused"),
        (changed("token_uri", json!("http://oauth2.googleapis.com/token")), "token_uri is refused"),
    ] {
        let error = read(&text).err().unwrap().to_string();
        assert!(error.contains(part) && !error.contains("s3cret"), "{error}");
    }
    assert!(Account::read(&Secret::new(changed("token_uri", json!("http://127.0.0.1:1/token"))), true).is_ok());
}

#[test]
fn a_site_is_told_by_the_path_or_by_the_host() {
    let site = |url: &str| Site::of(&Address::parse(url, true).unwrap(), "mine").map(|site| path(&site));
    for (url, told) in [
        (
            "https://us-east5-aiplatform.googleapis.com",
            "us-east5-aiplatform.googleapis.com/v1/projects/mine/locations/us-east5",
        ),
        ("https://aiplatform.googleapis.com/v1/", "aiplatform.googleapis.com/v1/projects/mine/locations/global"),
        ("https://aiplatform.eu.rep.googleapis.com", "aiplatform.eu.rep.googleapis.com/v1/projects/mine/locations/eu"),
        (
            "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l",
            "us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l",
        ),
    ] {
        assert_eq!(site(url).unwrap(), format!("https://{told}/publishers/google/models/m:generateContent"));
    }
    for (url, error) in [
        ("https://vertex.example.com", SiteError::NoLocation),
        ("https://aiplatform.googleapis.com.example.com", SiteError::NoLocation),
        ("https://aiplatform.googleapis.com/v1/models", SiteError::Path),
        ("https://aiplatform.googleapis.com/v1/projects/p", SiteError::Path),
        ("https://aiplatform.googleapis.com/v1/projects/../locations/l", SiteError::Path),
        ("https://aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/1", SiteError::Path),
    ] {
        assert_eq!(site(url).unwrap_err(), error, "{url}");
    }
}

fn path(site: &Site) -> String {
    site.uri(&request(Dialect::Gemini, "m", Delivery::Whole)).unwrap()
}

fn request(dialect: Dialect, model: &str, delivery: Delivery) -> UpstreamRequest<'_> {
    UpstreamRequest {
        body: Bytes::new(),
        content_type: "application/json",
        endpoint: Endpoint::Conversation,
        dialect,
        model,
        delivery,
        headers: &[],
    }
}

#[test]
fn a_models_name_tells_its_dialect_and_the_dialect_its_path() {
    let site = Site::of(&Address::parse("https://h.org/v1/projects/p/locations/l", false).unwrap(), "").unwrap();
    let uri = |dialect, model, delivery| site.uri(&request(dialect, model, delivery));
    for (model, delivery, told) in [
        ("gemini-3-pro", Delivery::Events, "google/models/gemini-3-pro:streamGenerateContent?alt=sse"),
        ("gemini-3-pro", Delivery::Array, "google/models/gemini-3-pro:streamGenerateContent"),
        ("../x?y", Delivery::Whole, "google/models/..%2Fx%3Fy:generateContent"),
        ("claude-haiku-4-5@20251001", Delivery::Whole, "anthropic/models/claude-haiku-4-5@20251001:rawPredict"),
        ("claude-haiku-4-5@20251001", Delivery::Events, "anthropic/models/claude-haiku-4-5@20251001:streamRawPredict"),
    ] {
        let expected = format!("https://h.org/v1/projects/p/locations/l/publishers/{told}");
        assert_eq!(uri(dialects(model)[0], model, delivery), Some(expected));
    }
    assert_eq!(uri(Dialect::OpenaiChat, "m", Delivery::Whole), None);
}

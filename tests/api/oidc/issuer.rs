//! An identity provider of our own on loopback: its document, its keys, and codes that become tokens once, for whoever has the
//! verifier. Owns what a token says. Refuses codes it did not give.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farthing_actors::domain::Clock;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Our name there.
pub(crate) const CLIENT: &str = "farthing";

/// A code that was given, and what it stands for; taken away when it is used.
#[derive(Clone)]
struct Grant {
    code: String,
    challenge: String,
    claims: Value,
}

pub(crate) struct Issuer {
    pub(crate) address: String,
    grants: Arc<ArcSwap<Vec<Grant>>>,
}

/// What a query says of `name`.
pub(crate) fn parameter(location: &str, name: &str) -> String {
    let pairs = location.split_once('?').unwrap().1.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name).unwrap().1.to_owned()
}

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let grants = Arc::<ArcSwap<Vec<Grant>>>::default();
        let (own, granted) = (address.clone(), Arc::clone(&grants));
        std::thread::spawn(move || {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let request = request(&mut stream);
                let (status, body) = match request.split(' ').nth(1).unwrap() {
                    "/.well-known/openid-configuration" => (200, document(&own)),
                    "/keys" => (200, published(&key)),
                    _ => token(&key, &granted, &request),
                };
                let (body, stream) = (body.to_string(), stream.get_mut());
                let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n");
                write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        Self { address, grants }
    }

    /// What somebody who signs in there comes back with: a code, for a token that says what is usual and `change`.
    pub(crate) fn grant(&self, location: &str, change: &Value) -> String {
        let second = Clock::system().now().0 / 1_000;
        let mut claims = json!({"iss": self.address, "sub": "7", "aud": CLIENT, "nonce": parameter(location, "nonce"),
                                "iat": second, "exp": second + 300, "preferred_username": "Mia",
                                "groups": ["gateway-ops"]});
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let challenge = parameter(location, "code_challenge");
        let code = format!("code-{}", coded(Sha256::digest(claims.to_string())));
        let grant = Grant { code: code.clone(), challenge, claims };
        self.grants.rcu(|grants| grants.iter().cloned().chain([grant.clone()]).collect::<Vec<_>>());
        code
    }
}

fn document(own: &str) -> Value {
    json!({"issuer": own, "authorization_endpoint": format!("{own}/authorize"), "token_endpoint": format!("{own}/token"),
           "jwks_uri": format!("{own}/keys")})
}

fn published(key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    json!({"keys": [{"kty": "EC", "kid": "k", "crv": "P-256", "x": coded(&point[1..33]), "y": coded(&point[33..])}]})
}

/// The token of a code that was not used yet, if the verifier is the challenge's.
fn token(key: &EcdsaKeyPair, grants: &ArcSwap<Vec<Grant>>, request: &str) -> (u16, Value) {
    let form = format!("?{}", request.split("\r\n\r\n").nth(1).unwrap());
    let (code, verifier) = (parameter(&form, "code"), parameter(&form, "code_verifier"));
    let before = grants.rcu(|grants| grants.iter().filter(|grant| grant.code != code).cloned().collect::<Vec<_>>());
    let challenge = coded(Sha256::digest(verifier));
    match before.iter().find(|grant| grant.code == code && grant.challenge == challenge) {
        Some(grant) => {
            let body = format!(
                "{}.{}",
                coded(json!({"alg": "ES256", "kid": "k"}).to_string()),
                coded(grant.claims.to_string())
            );
            let signature = key.sign(&SystemRandom::new(), body.as_bytes()).unwrap();
            (
                200,
                json!({"access_token": "a", "token_type": "Bearer", "id_token": format!("{body}.{}", coded(signature))}),
            )
        }
        None => (400, json!({"error": "invalid_grant"})),
    }
}

fn request(stream: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")).map_or("0", str::trim);
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

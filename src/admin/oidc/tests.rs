//! The whole way through a small provider of our own, over real sockets: what it is asked, and what of its answers is believed.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use farthing_actors::domain::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::security::{Heritage, KeptKeys, SecurityParts};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const BACK: &str = "https://gateway.example/sign-in/oidc/callback";

/// A provider that says what it is told to say.
struct Provider {
    issuer: String,
    said: Arc<ArcSwap<Said>>,
    /// The heads and bodies of what it was asked.
    asked: Arc<ArcSwap<Vec<String>>>,
}

#[derive(Clone, Default)]
struct Said {
    claims: Value,
    kid: &'static str,
}

struct Key {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { pair, kid }
    }

    fn published(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({"keys": [{"kty": "EC", "kid": self.kid, "crv": "P-256", "x": coded(&point[1..33]), "y": coded(&point[33..])}]})
    }

    fn signed(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": self.kid});
        let message = format!("{}.{}", coded(header.to_string()), coded(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", coded(signature))
    }
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (said, asked) = (Arc::<ArcSwap<Said>>::default(), Arc::<ArcSwap<Vec<String>>>::default());
        let (own, saying, asking) = (issuer.clone(), Arc::clone(&said), Arc::clone(&asked));
        std::thread::spawn(move || {
            let keys = [Key::new("old"), Key::new("new")];
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let request = request(&mut stream);
                asking.rcu(|asked| asked.iter().cloned().chain([request.clone()]).collect::<Vec<_>>());
                let said = saying.load();
                let key = keys.iter().find(|key| key.kid == said.kid).unwrap();
                let answer = match request.split(' ').nth(1).unwrap() {
                    "/.well-known/openid-configuration" => json!({
                        "issuer": own, "authorization_endpoint": format!("{own}/authorize"),
                        "token_endpoint": format!("{own}/token"), "jwks_uri": format!("{own}/keys"),
                    }),
                    "/keys" => key.published(),
                    _ => json!({"access_token": "a", "token_type": "Bearer", "id_token": key.signed(&said.claims)}),
                };
                let (answer, stream) = (answer.to_string(), stream.get_mut());
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
                write!(stream, "{head}content-length: {}\r\n\r\n{answer}", answer.len()).unwrap();
            }
        });
        let provider = Self { issuer, said, asked };
        provider.says("old", json!({}));
        provider
    }

    fn says(&self, kid: &'static str, claims: Value) {
        self.said.store(Arc::new(Said { claims, kid }));
    }

    fn asked_for(&self, path: &str) -> Vec<String> {
        self.asked.load().iter().filter(|request| request.split(' ').nth(1) == Some(path)).cloned().collect()
    }

    fn claims(&self, nonce: &str, now: Timestamp) -> Value {
        let second = now.0 / 1_000;
        json!({"iss": self.issuer, "sub": "7", "aud": "farthing", "nonce": nonce, "iat": second, "exp": second + 300,
               "name": "Mia", "groups": ["gateway-ops"]})
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

fn oidc(provider: &Provider, secret: Option<&str>) -> (Oidc, Clock) {
    let clock = Clock::manual(NOW);
    let terms = OidcTerms {
        issuer: provider.issuer.clone(),
        client_id: "farthing".to_owned(),
        client_secret: secret.map(Secret::new),
        scopes: "openid profile".to_owned(),
        role_claim: "groups".to_owned(),
        role_of: Box::new(|groups| groups.contains(&"gateway-ops").then_some(Role::Operator)),
        label: "Sign in".to_owned(),
    };
    (Oidc::new(terms, Arc::new(security()), clock.clone()), clock)
}

fn security() -> Security {
    let parts = SecurityParts {
        master_key: [7; 32],
        former_master_keys: Vec::new(),
        former_session_secret: None,
        former_management_token: None,
        session_secret: Secret::new("k3Jm9QxW2pLr8VnT5bYc7ZdF4gHs6AeU"),
        management_token: Secret::new("Zx9cVb7nMq5wEr3tYu1iOp2aSd4fGh6j"),
    };
    let kept = KeptKeys::found(&parts.ring().unwrap(), Heritage::default()).unwrap();
    Security::new(parts, &kept, 1).unwrap()
}

fn parameter(begun: &Begun, name: &str) -> String {
    let pairs = begun.location.split_once('?').unwrap().1.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name).unwrap().1.to_owned()
}

/// Each state is taken once.
async fn ended(oidc: &Oidc, begun: &Begun) -> Result<Arrived, SignInError> {
    oidc.end(&begun.cookie, ("code", &parameter(begun, "state")), BACK).await
}

#[actix::test]
async fn whoever_the_provider_knows_arrives_with_their_role() {
    let provider = Provider::start();
    let (oidc, _) = oidc(&provider, Some("s3 cret"));
    let begun = oidc.begin(BACK).await.unwrap();
    assert!(begun.location.starts_with(&format!("{}/authorize?", provider.issuer)), "{}", begun.location);
    provider.says("old", provider.claims(&parameter(&begun, "nonce"), NOW));
    let arrived = ended(&oidc, &begun).await.unwrap();
    assert_eq!((arrived.issuer.as_str(), arrived.role), (provider.issuer.as_str(), Role::Operator));
    assert_eq!((arrived.identity.subject.as_str(), arrived.identity.name.as_deref()), ("7", Some("Mia")));

    let asked = provider.asked_for("/token");
    let form = asked.first().unwrap().split("\r\n\r\n").nth(1).unwrap();
    let verifier = form.split('&').find_map(|pair| pair.strip_prefix("code_verifier=")).unwrap();
    assert_eq!(coded(Sha256::digest(verifier)), parameter(&begun, "code_challenge"));
    assert!(form.starts_with("grant_type=authorization_code&code=code&"), "{form}");
    let basic = format!("basic {}", STANDARD.encode("farthing:s3%20cret").to_ascii_lowercase());
    assert!(asked[0].to_ascii_lowercase().contains(&basic), "{asked:?}");
    assert_eq!(provider.asked_for("/keys").len(), 1, "what is known is kept");
}

#[actix::test]
async fn an_answer_to_another_sign_in_or_without_a_role_lets_nobody_in() {
    let provider = Provider::start();
    let (oidc, clock) = oidc(&provider, None);
    let (begun, other) = (oidc.begin(BACK).await.unwrap(), oidc.begin(BACK).await.unwrap());
    let state = parameter(&other, "state");
    assert_eq!(oidc.end(&begun.cookie, ("code", &state), BACK).await, Err(SignInError::Flow(FlowError::State)));
    assert_eq!(oidc.end("", ("code", &state), BACK).await, Err(SignInError::Flow(FlowError::NotBegun)));
    assert!(provider.asked_for("/token").is_empty(), "the provider is not even asked");

    provider.says("old", provider.claims(&parameter(&other, "nonce"), NOW));
    assert_eq!(ended(&oidc, &begun).await, Err(SignInError::Token(OidcError::Nonce)));
    assert_eq!(ended(&oidc, &begun).await, Err(SignInError::Flow(FlowError::State)), "each state is taken once");
    let begun = oidc.begin(BACK).await.unwrap();
    let mut stranger = provider.claims(&parameter(&begun, "nonce"), NOW);
    stranger["groups"] = json!("everybody");
    provider.says("old", stranger);
    assert_eq!(ended(&oidc, &begun).await, Err(SignInError::NoRole));
    clock.advance(Duration::from_secs(600));
    assert_eq!(ended(&oidc, &begun).await, Err(SignInError::Flow(FlowError::TooLate)));
}

#[actix::test]
async fn a_new_key_is_looked_for_once_a_minute_and_the_document_once_an_hour() {
    let provider = Provider::start();
    let (oidc, clock) = oidc(&provider, None);
    for _ in 0..3 {
        let begun = oidc.begin(BACK).await.unwrap();
        provider.says("new", provider.claims(&parameter(&begun, "nonce"), NOW));
        assert_eq!(ended(&oidc, &begun).await, Err(SignInError::Token(OidcError::UnknownKey)));
    }
    assert_eq!(provider.asked_for("/keys").len(), 1, "that was a moment ago");
    clock.advance(Duration::from_secs(60));
    let begun = oidc.begin(BACK).await.unwrap();
    provider.says("new", provider.claims(&parameter(&begun, "nonce"), NOW));
    assert!(ended(&oidc, &begun).await.is_ok());
    assert_eq!(provider.asked_for("/keys").len(), 2);
    clock.advance(Duration::from_secs(3_600));
    oidc.begin(BACK).await.unwrap();
    assert_eq!(provider.asked_for("/.well-known/openid-configuration").len(), 3);
}

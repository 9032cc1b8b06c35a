//! Gemini and Claude at Google Vertex AI: an assertion for a token, one token for all, and two dialects in its envelopes.
//! One upstream is token endpoint and model endpoint. The account was made for these tests and opens nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use farthing_support::http::Sent;
use farthing_support::poll::PATIENCE;
use farthing_support::scene::{cost, prices};
use farthing_support::{Answer, Gate, Picos, Reply, Scene, Seen, Tokens};
use rustls::SignatureScheme::RSA_PKCS1_SHA256;
use rustls::crypto::ring::default_provider;
use serde_json::{Value, json};

use crate::scene;

const ACCOUNT: &str = include_str!("../fixtures/vertex/test_only_account.json");
const PUBLIC: &[u8] = include_bytes!("../fixtures/vertex/test_only_public.der");
const CLAUDE: &str = "claude-haiku-4-5@20251001";
const SITE: &str = "/v1/projects/p-1/locations/us-east5/publishers";
const TOKENS: Tokens = Tokens { prompt: 20, cached: 5, completion: 9, reasoning: 2 };

/// Google: gives tokens by number, and lets in with the last one, unless that was withdrawn.
#[derive(Clone)]
struct Google {
    given: Arc<AtomicUsize>,
    withdrawn: Arc<AtomicUsize>,
    lifetime: Arc<AtomicI64>,
    gate: Gate,
}

impl Google {
    fn answer(&self, seen: &Seen) -> Reply {
        if seen.path == "/token" {
            let token = format!("ya29.{}", self.given.fetch_add(1, SeqCst) + 1);
            let lifetime = self.lifetime.load(SeqCst);
            let granted = json!({"access_token": token, "expires_in": lifetime, "token_type": "Bearer"});
            return Reply::status(200, &granted).behind(&self.gate);
        }
        let given = self.given.load(SeqCst);
        let bearer = seen.header("authorization").unwrap_or_default();
        if bearer == format!("Bearer ya29.{given}") && given > self.withdrawn.load(SeqCst) {
            Reply::chat(TOKENS)
        } else {
            Reply::status(401, &json!({"error": {"code": 401, "message": "no", "status": "UNAUTHENTICATED"}}))
        }
    }
}

fn account(scene: &Scene) -> Value {
    let mut account: Value = serde_json::from_str(ACCOUNT).unwrap();
    account["token_uri"] = format!("{}/token", origin(scene)).into();
    account
}

fn origin(scene: &Scene) -> String {
    scene.upstream.base_url().replace("/v1", "")
}

fn provider(scene: &Scene, api_key: &str) -> Value {
    let base_url = format!("{}{}", origin(scene), SITE.replace("/publishers", ""));
    json!({"name": "google", "kind": "vertex", "base_url": base_url, "api_key": api_key, "allow_private_network": true})
}

fn at_google() -> Scene {
    let scene = scene();
    scene.gateway.create("/api/providers", &provider(&scene, &STANDARD.encode(account(&scene).to_string())));
    for (name, upstream_model) in [("gemini", "gemini-3-pro"), ("claude", CLAUDE)] {
        let model = json!({"name": name, "provider": "google", "upstream_model": upstream_model, "prices": prices()});
        scene.gateway.create("/api/models", &model);
    }
    scene
}

fn google(scene: &Scene) -> Google {
    let gate = Gate::default();
    gate.open();
    gated(scene, gate)
}

/// Gives tokens once `gate` is open.
fn gated(scene: &Scene, gate: Gate) -> Google {
    let lifetime = Arc::new(AtomicI64::new(3599));
    let google = Google { given: Arc::default(), withdrawn: Arc::default(), lifetime, gate };
    let answering = google.clone();
    scene.upstream.answer_with(move |seen| answering.answer(seen));
    google
}

/// Calls of models, and exchanges, as the upstream saw them.
fn seen(scene: &Scene) -> (Vec<Seen>, Vec<Seen>) {
    scene.upstream.journal().into_iter().partition(|seen| seen.path != "/token")
}

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "max_tokens": 50, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

fn chat(scene: &Scene, model: &str) -> Answer {
    scene.application().post("/v1/chat/completions", &ask(model, false))
}

fn charged(scene: &Scene, answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let row = scene.recorded(answer);
    assert_eq!((&row["usage_source"], Picos::of(&row["cost_usd"])), (&json!("provider"), cost(TOKENS)), "{row}");
}

/// The claims of an assertion whose signature the public key confirms.
fn claims(exchange: &Seen) -> Value {
    let form = exchange.text();
    let jwt = form.strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=").unwrap();
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut algorithms = default_provider().signature_verification_algorithms.mapping.iter();
    let rs256 = algorithms.find(|(scheme, _)| *scheme == RSA_PKCS1_SHA256).unwrap().1[0];
    rs256.verify_signature(PUBLIC, message.as_bytes(), &signature).expect("the account's signature");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(message.split_once('.').unwrap().1).unwrap()).unwrap()
}

#[test]
fn calls_that_come_together_cause_one_signed_exchange_and_are_charged() {
    let scene = at_google();
    let google = gated(&scene, Gate::default());
    let body = ask("gemini", false).to_string();
    let send = |_| scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).unwrap();
    let sent: Vec<Sent> = (0..8).map(send).collect();
    scene.upstream.wait_for("the exchange", PATIENCE, |journal| (!journal.is_empty()).then_some(()));
    google.gate.open();
    sent.into_iter().map(|sent| sent.finish().unwrap()).for_each(|answer| charged(&scene, &answer));

    let (calls, exchanges) = seen(&scene);
    assert_eq!((calls.len(), exchanges.len()), (8, 1));
    let claims = claims(&exchanges[0]);
    let (issued, expires) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!((&claims["iss"], expires - issued), (&account(&scene)["client_email"], 3600));
    assert_eq!(claims["aud"], account(&scene)["token_uri"]);
    assert!(calls.iter().all(|call| call.path == format!("{SITE}/google/models/gemini-3-pro:generateContent")));
}

#[test]
fn both_dialects_are_worded_for_vertex_whole_and_streamed() {
    let scene = at_google();
    google(&scene);
    let client = scene.application().with("anthropic-beta", "one-1").with("anthropic-version", "2023-06-01");
    let gemini = |method: &str| {
        let call =
            |kind: &str, more: Value| json!({kind: {"id": "c1", "name": "f", "args": {"id": 1}, "response": more}});
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [call("functionCall", Value::Null)]},
            {"role": "user", "parts": [call("functionResponse", json!({"id": 2}))]}]});
        client.post(&format!("/v1beta/models/gemini:{method}"), &body)
    };
    let streamed = "streamGenerateContent?alt=sse";
    for (answer, path) in [
        (client.post("/v1/messages", &ask("claude", false)), format!("anthropic/models/{CLAUDE}:rawPredict")),
        (client.post("/v1/messages", &ask("claude", true)), format!("anthropic/models/{CLAUDE}:streamRawPredict")),
        (
            client.post("/v1/chat/completions", &ask("claude", true)),
            format!("anthropic/models/{CLAUDE}:streamRawPredict"),
        ),
        (gemini("generateContent"), "google/models/gemini-3-pro:generateContent".to_owned()),
        (gemini(streamed), format!("google/models/gemini-3-pro:{streamed}")),
        (gemini("streamGenerateContent"), "google/models/gemini-3-pro:streamGenerateContent".to_owned()),
        (client.post("/v1/chat/completions", &ask("gemini", true)), format!("google/models/gemini-3-pro:{streamed}")),
    ] {
        charged(&scene, &answer);
        assert!(answer.text().contains("word0 "), "{path}: {}", answer.text());
        let call = scene.upstream.journal().into_iter().find(|seen| seen.path == format!("{SITE}/{path}"));
        let call = call.unwrap_or_else(|| panic!("{path} was not called"));
        let body = call.json();
        assert_eq!((body.get("model"), call.header("anthropic-version")), (None, None), "{body}");
        if path.starts_with("anthropic") {
            assert_eq!((&body["anthropic_version"], &body["max_tokens"]), (&json!("vertex-2023-10-16"), &json!(50)));
            assert_eq!(body["stream"] == true, path.ends_with("streamRawPredict"), "{body}");
        }
    }
    let (calls, exchanges) = seen(&scene);
    assert_eq!((calls.len(), exchanges.len(), calls[0].header("anthropic-beta")), (7, 1, Some("one-1")));
    let parts = |n: usize| calls[3].json()["contents"][n]["parts"][0].clone();
    assert_eq!(parts(1)["functionCall"], json!({"name": "f", "args": {"id": 1}, "response": null}));
    assert_eq!(parts(2)["functionResponse"]["response"], json!({"id": 2}), "arguments and results keep their ids");
    assert_eq!(parts(2)["functionResponse"].get("id"), None);
}

#[test]
fn a_token_is_renewed_before_its_end_and_once_when_it_is_withdrawn() {
    let scene = at_google();
    let google = google(&scene);
    google.lifetime.store(30, SeqCst);
    charged(&scene, &chat(&scene, "gemini"));
    google.lifetime.store(3599, SeqCst);
    charged(&scene, &chat(&scene, "claude"));
    assert_eq!((seen(&scene).1.len(), google.given.load(SeqCst)), (2, 2), "half a minute is too short to keep a token");

    google.withdrawn.store(2, SeqCst);
    charged(&scene, &chat(&scene, "gemini"));
    let (calls, exchanges) = seen(&scene);
    assert_eq!((calls.len(), exchanges.len()), (4, 3), "one call was refused, and made again with a new token");

    google.withdrawn.store(usize::MAX, SeqCst);
    let refused = chat(&scene, "gemini");
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (502, &json!("upstream_error")),
        "{}",
        refused.text()
    );
    let (calls, exchanges) = seen(&scene);
    assert_eq!((calls.len(), exchanges.len()), (6, 4), "a new token that is refused is not asked for again");
}

#[test]
fn a_failing_exchange_is_never_the_clients_fault_and_shows_nothing() {
    let scene = at_google();
    let failing: [(Reply, &str); 4] = [
        (Reply::status(400, &json!({"error": "invalid_grant", "error_description": "s3cret"})), "400 (invalid_grant)"),
        (Reply::status(401, &json!({"error": "S3cret s3cret"})), "refused the account: 401"),
        (Reply::raw(200, b"<html>s3cret"), "gave no access token"),
        (Reply::raw(503, b"s3cret"), "token endpoint answered 503"),
    ];
    for (reply, logged) in failing {
        scene.upstream.expect(reply);
        let answer = chat(&scene, "gemini");
        assert_eq!(answer.status, 502, "{}", answer.text());
        assert!(!answer.text().contains("s3cret") && !answer.text().contains("token endpoint"), "{}", answer.text());
        assert!(scene.gateway.logs().contains(logged), "{logged}");
        assert_eq!(Picos::of(&scene.recorded(&answer)["cost_usd"]), Picos(0));
    }
    google(&scene);
    charged(&scene, &chat(&scene, "gemini"));
    let (logs, account) = (scene.gateway.logs(), account(&scene));
    let key = account["private_key"].as_str().unwrap().lines().nth(5).unwrap();
    let assertion = scene.upstream.journal()[0].text();
    let signature = assertion.rsplit('.').next().unwrap();
    for secret in ["s3cret", "ya29.", key, signature] {
        assert!(!logs.contains(secret), "the log holds {secret}");
    }
}

#[test]
fn an_account_and_an_address_of_no_use_are_refused_when_they_are_given() {
    let scene = scene();
    let mut keyless = account(&scene);
    keyless["private_key"] = "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n".into();
    let good = provider(&scene, &account(&scene).to_string());
    for (field, value) in [
        ("api_key", "AIzaSy-s3cret".to_owned()),
        ("api_key", keyless.to_string()),
        ("api_key", account(&scene).to_string().replace("service_account", "authorized_user")),
        ("base_url", origin(&scene)),
    ] {
        let mut provider = good.clone();
        provider[field] = value.into();
        let refused = scene.gateway.operator().post("/api/providers", &provider);
        assert_eq!(
            (refused.status, &refused.json()["error"]["details"]["field"]),
            (400, &json!(field)),
            "{}",
            refused.text()
        );
        assert!(!refused.text().contains("s3cret"), "{}", refused.text());
    }
    let made = scene.gateway.create("/api/providers", &good);
    assert_eq!(made["api_key"], "****");
    let embedding = json!({"name": "embedding", "provider": "google", "upstream_model": "gemini-embedding-001", "prices": prices()});
    scene.gateway.create("/api/models", &embedding);
    let id = made["id"].as_str().unwrap();
    let keyless =
        scene.gateway.operator().send("PATCH", &format!("/api/providers/{id}"), br#"{"api_key":null}"#).unwrap();
    assert_eq!((keyless.status, chat(&scene, "embedding").status), (200, 502), "without an account nothing is called");
    let refused = scene.application().post("/v1/embeddings", &json!({"model": "embedding", "input": "hi"}));
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("no provider of this model has this call"), "{}", refused.text());
}

#[test]
fn an_account_is_tried_by_a_token_and_an_empty_request_that_is_refused() {
    let scene = at_google();
    let known = scene.gateway.list("/api/providers").into_iter().find(|known| known["name"] == "google").unwrap();
    let path = format!("/api/providers/{}/test", known["id"].as_str().unwrap());
    let tried = || scene.gateway.operator().post(&path, &json!({})).json();
    let empty = json!({"error": {"code": 400, "message": "contents are required", "status": "INVALID_ARGUMENT"}});
    scene.upstream.expect(Reply::status(200, &json!({"access_token": "ya29.1", "expires_in": 3599})));
    scene.upstream.expect(Reply::status(400, &empty));
    let told = tried();
    assert_eq!((&told["ok"], &told["checked"]), (&json!(true), &json!("empty_request")), "{told}");
    let (calls, tokens) = seen(&scene);
    assert_eq!((calls.len(), tokens.len()), (1, 1));
    assert!(calls[0].path.starts_with(SITE) && calls[0].header("authorization") == Some("Bearer ya29.1"));

    // Something else that answers is not taken for Google, nor is an account that Google refuses.
    scene.upstream.expect(Reply::raw(404, b"<html>no such page</html>"));
    assert_eq!(tried()["error"]["kind"], "not_found");
    let other = json!({"api_key": STANDARD.encode(account(&scene).to_string())});
    let path_of_provider = path.trim_end_matches("/test");
    scene.gateway.operator().send("PATCH", path_of_provider, other.to_string().as_bytes()).unwrap();
    scene.upstream.expect(Reply::status(400, &json!({"error": "invalid_grant"})));
    assert_eq!(tried()["error"]["kind"], "misconfigured");
}

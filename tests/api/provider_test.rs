//! Trying a provider: it is asked what costs nothing, says what is wrong, and never shows its key.

use std::time::Duration;

use farthing_support::scene::PROVIDER_KEY;
use farthing_support::{Reply, Scene, Upstream};
use serde_json::{Value, json};

use crate::scene;

fn id(scene: &Scene, name: &str) -> String {
    let known = scene.gateway.list("/api/providers").into_iter().find(|known| known["name"] == name).unwrap();
    known["id"].as_str().unwrap().to_owned()
}

fn tried(scene: &Scene, name: &str) -> Value {
    let answer = scene.gateway.operator().post(&format!("/api/providers/{}/test", id(scene, name)), &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.text().contains(PROVIDER_KEY), "{}", answer.text());
    answer.json()
}

fn fault(told: &Value) -> (Option<&str>, Option<u64>) {
    assert_eq!(told["ok"], false, "{told}");
    (told["error"]["kind"].as_str(), told["error"]["http_status"].as_u64())
}

fn list(names: &[&str]) -> Reply {
    Reply::status(
        200,
        &json!({"object": "list", "data": names.iter().map(|name| json!({"id": name})).collect::<Vec<_>>()}),
    )
}

fn cli(scene: &Scene, arguments: &[&str]) -> (bool, String) {
    let url = format!("http://{}", scene.gateway.address());
    let done = scene.gateway.command(&[arguments, &["--url", &url]].concat());
    let text = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn every_kind_is_asked_what_makes_no_token_with_its_own_key() {
    let scene = scene();
    let asked = [
        ("openai", "GET", "/v1/models", "authorization"),
        ("anthropic", "GET", "/v1/models?limit=1000", "x-api-key"),
        ("gemini", "GET", "/v1beta/models?pageSize=1000", "x-goog-api-key"),
        ("deepseek", "GET", "/v1/models", "authorization"),
        ("xai", "GET", "/v1/models", "authorization"),
        ("ollama", "GET", "/v1/models", "authorization"),
        ("mistral", "GET", "/v1/models", "authorization"),
        ("groq", "GET", "/v1/models", "authorization"),
        ("moonshot", "GET", "/v1/models", "authorization"),
        ("azure", "GET", "/v1/models", "api-key"),
        ("openai_compatible", "GET", "/v1/models", "authorization"),
        ("openrouter", "GET", "/v1/key", "authorization"),
        ("bedrock", "POST", "/v1/model/farthing-check/invoke", "authorization"),
    ];
    for (kind, method, path, header) in asked {
        let upstream = Upstream::start();
        let name = format!("a {kind}");
        scene.gateway.add_provider_of(&name, kind, &upstream);
        let (reply, checked) = match kind {
            "gemini" => {
                (Reply::status(200, &json!({"models": [{"name": "models/a"}, {"name": "models/b"}]})), "models")
            }
            "openrouter" => (Reply::status(200, &json!({"data": {"label": "x"}})), "key"),
            "bedrock" => (Reply::status(400, &json!({"message": "max_tokens: Field required"})), "empty_request"),
            _ => (list(&["a", "b"]), "models"),
        };
        upstream.expect(reply);
        let told = tried(&scene, &name);
        assert_eq!((&told["ok"], &told["checked"]), (&json!(true), &json!(checked)), "{kind}: {told}");
        assert_eq!(told.get("models").cloned(), (checked == "models").then(|| json!(2)), "{kind}");
        let seen = upstream.only();
        assert_eq!((seen.method.as_str(), seen.path.as_str()), (method, path), "{kind}");
        assert!(seen.header(header).unwrap().contains(PROVIDER_KEY), "{kind}");
        assert_eq!(seen.header("anthropic-version").is_some(), kind == "anthropic", "{kind}");
    }
    scene.gateway.create("/api/providers", &json!({"name": "toy", "kind": "sandbox"}));
    assert_eq!((&tried(&scene, "toy")["ok"], &tried(&scene, "toy")["checked"]), (&json!(true), &json!("built_in")));
    assert!(scene.gateway.list("/api/requests").is_empty(), "nothing of it is in the books");
}

#[test]
fn what_is_wrong_is_said_without_the_key() {
    let scene = scene();
    let cases = [
        (Reply::error(401, &format!("Incorrect API key provided: {PROVIDER_KEY}")), ("key_refused", Some(401)), ""),
        (Reply::error(400, &format!("no such header: Bearer {PROVIDER_KEY}")), ("refused", Some(400)), ""),
        (Reply::error(404, "no such place"), ("not_found", Some(404)), "no such place"),
        (Reply::error(429, "slow down"), ("busy", Some(429)), "slow down"),
        (Reply::error(500, "broken"), ("unwell", Some(500)), "broken"),
        (Reply::raw(200, b"<html>welcome</html>"), ("unreadable", None), "base_url"),
        (Reply::status(302, &json!({})).header("location", "http://127.0.0.1:1/"), ("refused", Some(302)), ""),
    ];
    for (reply, (kind, status), words) in cases {
        scene.upstream.expect(reply);
        let told = tried(&scene, "openai");
        assert_eq!(fault(&told), (Some(kind), status), "{told}");
        assert!(told["error"]["message"].as_str().unwrap().contains(words), "{told}");
    }
    assert!(!scene.gateway.logs().contains(PROVIDER_KEY));
    // Circuits hear nothing of it, however often it fails.
    assert_eq!(scene.gateway.list("/api/providers")[0]["breaker"]["state"], "closed");

    scene.upstream.expect(list(&["a"]));
    let (fine, text) = cli(&scene, &["provider", "test", "openai"]);
    assert!(fine && text.contains("models"), "{text}");
    scene.upstream.expect(Reply::error(403, "no"));
    let (fine, text) = cli(&scene, &["provider", "test", "openai"]);
    assert!(!fine && text.contains("openai does not work: the provider answered 403"), "{text}");
}

#[test]
fn who_is_not_there_or_says_nothing_is_told_in_time() {
    let scene = scene();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let body = |name: &str, url: &str, private: bool| json!({"name": name, "kind": "openai_compatible", "base_url": url, "api_key": PROVIDER_KEY, "allow_private_network": private});
    scene.gateway.create("/api/providers", &body("gone", &format!("http://{nobody}/v1"), true));
    assert_eq!(fault(&tried(&scene, "gone")), (Some("unreachable"), None));
    scene.upstream.expect(Reply::silence());
    let told = tried(&scene, "openai");
    assert_eq!(fault(&told), (Some("timeout"), None), "{told}");
    let took = Duration::from_millis(told["latency_ms"].as_u64().unwrap());
    assert!((Duration::from_secs(10)..Duration::from_secs(20)).contains(&took), "{took:?}");
    let unknown = scene.gateway.operator().post("/api/providers/prv_00000000000000000000000000000001/test", &json!({}));
    assert_eq!(unknown.status, 404, "{}", unknown.text());
    assert_eq!(
        scene.gateway.anonymous().post(&format!("/api/providers/{}/test", id(&scene, "openai")), &json!({})).status,
        401
    );
}

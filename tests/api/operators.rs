//! The management API: who may call it, the shapes it takes and gives, and how it refuses.

use farthing_support::scene::{MODEL, PROJECT, prices};
use farthing_support::{Answer, Scene, TestGateway};
use serde_json::{Value, json};

use crate::{BINARY, scene};

fn refusal(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    let error = answer.json()["error"].clone();
    for field in ["code", "message", "request_id"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {error}");
    }
    error
}

fn bodies(scene: &Scene) -> [(&'static str, Value); 4] {
    [
        (
            "/api/providers",
            json!({"name": "p2", "kind": "openai", "base_url": scene.upstream.base_url(), "api_key": "sk-x-0123456789abcdef", "allow_private_network": true}),
        ),
        ("/api/models", json!({"name": "m2", "provider": "openai", "upstream_model": "m2", "prices": prices()})),
        ("/api/projects", json!({"name": "j2"})),
        ("/api/keys", json!({"project": PROJECT, "name": "k2"})),
    ]
}

#[test]
fn nothing_under_api_opens_without_the_token() {
    // More wrong tokens than an address may send.
    let scene = Scene::around(TestGateway::builder(BINARY).set("FARTHING__SERVER__FAILURES_PER_MINUTE", "0").start());
    let strangers = [
        scene.gateway.anonymous(),
        scene.gateway.anonymous().bearer("wrong"),
        scene.gateway.anonymous().bearer(""),
        scene.application(),
    ];
    for stranger in strangers {
        for path in [
            "/api/providers",
            "/api/models",
            "/api/projects",
            "/api/keys",
            "/api/requests",
            "/api/usage/summary",
            "/api/usage/series",
            "/api/usage/breakdown?by=key",
            "/api/usage/latency",
            "/api/usage/export",
            "/api/ledger/verify",
            "/api/cache",
            "/api/shadow",
            "/api/no-such-path",
        ] {
            refusal(&stranger.get(path), 401);
        }
        for (path, body) in bodies(&scene) {
            refusal(&stranger.post(path, &body), 401);
        }
    }
}

#[test]
fn an_unknown_field_is_400_and_named() {
    let scene = scene();
    for (path, mut body) in bodies(&scene) {
        body["surprise"] = json!(1);
        let error = refusal(&scene.gateway.operator().post(path, &body), 400);
        assert!(error.to_string().contains("surprise"), "{path}: {error}");
    }
    let mut nested = bodies(&scene)[1].1.clone();
    nested["prices"]["surprise_cost_per_m"] = json!("1");
    refusal(&scene.gateway.operator().post("/api/models", &nested), 400);
}

#[test]
fn a_made_object_is_shown_as_it_was_made() {
    let scene = scene();
    let provider = scene.gateway.list("/api/providers").remove(0);
    assert!(provider["id"].as_str().unwrap().starts_with("prv_"));
    for (field, value) in [
        ("name", json!("openai")),
        ("kind", json!("openai")),
        ("base_url", json!(scene.upstream.base_url())),
        ("enabled", json!(true)),
    ] {
        assert_eq!(provider[field], value, "{provider}");
    }
    assert_eq!(provider["breaker"]["state"], "closed", "{provider}");
    let model = scene.gateway.list("/api/models").remove(0);
    assert!(model["id"].as_str().unwrap().starts_with("mdl_"));
    assert_eq!(
        (&model["name"], &model["provider"], &model["upstream_model"]),
        (&json!(MODEL), &json!("openai"), &json!(MODEL))
    );
    for (name, rate) in prices().as_object().unwrap() {
        let same = farthing_support::Picos::of(&model["prices"][name]) == farthing_support::Picos::of(rate);
        assert!(same, "{name}: {model}");
    }
    let project = scene.gateway.list("/api/projects").into_iter().find(|project| project["name"] == PROJECT).unwrap();
    assert!(project["id"].as_str().unwrap().starts_with("prj_"));
    let key = scene.gateway.list("/api/keys").remove(0);
    assert_eq!((&key["id"], &key["project"]), (&json!(scene.key.id), &json!(PROJECT)));
    assert!(scene.key.secret.starts_with(key["prefix"].as_str().unwrap()), "{key}");
    assert!(key.get("key").is_none_or(Value::is_null), "the secret is shown once: {key}");
}

#[test]
fn one_object_is_read_by_its_id() {
    let scene = scene();
    for path in ["/api/providers", "/api/models", "/api/projects", "/api/keys"] {
        let listed = scene.gateway.list(path).remove(0);
        let one = scene.gateway.operator().get(&format!("{path}/{}", listed["id"].as_str().unwrap()));
        assert_eq!((one.status, &one.json()["id"]), (200, &listed["id"]));
    }
    for (path, prefix) in [
        ("/api/providers", "prv_"),
        ("/api/models", "mdl_"),
        ("/api/projects", "prj_"),
        ("/api/keys", "key_"),
        ("/api/requests", "req_"),
    ] {
        refusal(&scene.gateway.operator().get(&format!("{path}/{prefix}018f3c5a7d2e7b1c9a4e5f60718293a4")), 404);
    }
}

#[test]
fn wrong_values_are_refused_with_the_field() {
    let scene = scene();
    let budget =
        |limit: &str| json!({"name": "j3", "budget": {"limit_usd": limit, "window": "total", "time_zone": "UTC"}});
    let cases = [
        ("/api/projects", budget("many"), "limit_usd"),
        ("/api/projects", budget("-1"), "limit_usd"),
        (
            "/api/projects",
            json!({"name": "j3", "budget": {"limit_usd": "1", "window": "fortnight", "time_zone": "UTC"}}),
            "window",
        ),
        (
            "/api/projects",
            json!({"name": "j3", "budget": {"limit_usd": "1", "window": "day", "time_zone": "Mars/Crater"}}),
            "time_zone",
        ),
        ("/api/projects", json!({}), "name"),
        (
            "/api/providers",
            json!({"name": "p3", "kind": "no-such-kind", "base_url": "http://127.0.0.1:9/v1", "api_key": "x"}),
            "kind",
        ),
        (
            "/api/providers",
            json!({"name": "p3", "kind": "openai", "base_url": "not a url", "api_key": "sk-x-0123456789abcdef"}),
            "base_url",
        ),
        ("/api/keys", json!({"name": "k3"}), "project"),
        (
            "/api/models",
            json!({"name": "m3", "provider": "openai", "upstream_model": "m", "prices": {"input_cost_per_m": "-1", "output_cost_per_m": "1"}}),
            "input_cost_per_m",
        ),
    ];
    for (path, body, field) in cases {
        let error = refusal(&scene.gateway.operator().post(path, &body), 400);
        assert!(error.to_string().contains(field), "{path} {body} should name {field}: {error}");
    }
}

#[test]
fn a_name_that_is_taken_or_missing_is_told() {
    let scene = scene();
    for (path, body) in [("/api/projects", json!({"name": PROJECT})), ("/api/providers", bodies(&scene)[0].1.clone())] {
        let first = scene.gateway.operator().post(path, &body);
        let second = scene.gateway.operator().post(path, &body);
        refusal(&second, 409);
        assert!(first.status == 201 || first.status == 409);
    }
    for (path, body) in [
        ("/api/keys", json!({"project": "nobody", "name": "k"})),
        ("/api/models", json!({"name": "m", "provider": "nobody", "upstream_model": "m", "prices": prices()})),
    ] {
        let answer = scene.gateway.operator().post(path, &body);
        assert!(answer.status == 400 || answer.status == 404, "{}", answer.text());
        refusal(&answer, answer.status);
    }
}

#[test]
fn a_private_address_needs_permission() {
    let scene = scene();
    let mut body = bodies(&scene)[0].1.clone();
    body["allow_private_network"] = json!(false);
    let error = refusal(&scene.gateway.operator().post("/api/providers", &body), 400);
    assert!(error.to_string().contains("allow_private_network"), "{error}");
}

#[test]
fn health_needs_no_key_and_tells_no_secret() {
    let scene = scene();
    for path in ["/health", "/live", "/ready"] {
        let answer = scene.gateway.anonymous().get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text().contains("sk-"), "{path}");
    }
}

#[test]
fn lists_come_in_pages_that_miss_and_repeat_nothing() {
    let scene = scene();
    for n in 0..7 {
        scene.gateway.add_key(PROJECT, &json!({"name": format!("k{n}")}));
    }
    let mut ids: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = scene.gateway.operator().get(&format!("/api/keys?limit=3{cursor}")).json();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= 3);
        ids.extend(data.iter().map(|key| key["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((ids.len(), unique.len()), (8, 8), "{ids:?}");
}

#[test]
fn a_provider_whose_usual_variable_is_set_is_registered_once_and_then_left_alone() {
    let builder = TestGateway::builder(env!("CARGO_BIN_EXE_farthing"));
    let mut gateway =
        builder.set("GROQ_API_KEY", "gsk-of-the-environment-1234").set("OLLAMA_HOST", "127.0.0.1").start();
    let mut providers = gateway.list("/api/providers");
    providers.sort_by_key(|provider| provider["name"].to_string());
    let told = providers.iter().map(|it| (&it["name"], &it["kind"], &it["base_url"])).collect::<Vec<_>>();
    let (groq, ollama) = (json!("groq"), json!("ollama"));
    let expected = [
        (&groq, &groq, &json!("https://api.groq.com/openai/v1")),
        (&ollama, &ollama, &json!("http://127.0.0.1:11434/v1")),
    ];
    assert_eq!(told, expected);
    assert!(!gateway.logs().contains("gsk-of-the-environment"), "a key in the log");

    let path = format!("/api/providers/{}", providers[0]["id"].as_str().unwrap());
    let changed = gateway.operator().send("PATCH", &path, br#"{"enabled": false}"#).unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert!(gateway.stop().success());
    gateway.restart();
    let providers = gateway.list("/api/providers");
    let groq = providers.iter().find(|provider| provider["name"] == "groq").unwrap();
    assert_eq!((providers.len(), &groq["enabled"]), (2, &json!(false)));
}

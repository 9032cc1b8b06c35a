//! How the gateway is, for operators and for Prometheus: true, and without a secret.

use farthing_support::scene::{MODEL, PROJECT, ask};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

fn shown(scene: &Scene, path: &str) -> Value {
    let answer = scene.gateway.operator().get(path);
    assert_eq!(answer.status, 200, "{}", answer.text());
    for secret in [scene.gateway.management_token(), scene.key.secret.as_str()] {
        assert!(!answer.text().contains(secret), "{path} tells a secret");
    }
    answer.json()
}

/// The value of a metric with exactly these labels.
fn metric(text: &str, sample: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ').map(str::to_owned))
}

#[test]
fn operators_see_actors_settings_and_the_log() {
    let scene = scene();
    let health = shown(&scene, "/api/system/health");
    assert_eq!((&health["status"], &health["ledger"], &health["missing"]), (&json!("ok"), &json!("ok"), &json!([])));
    assert_eq!((&health["tls"], &health["encryption"]["older"]), (&json!(null), &json!(0)));
    let key_id = health["encryption"]["key_id"].clone();
    assert_eq!(shown(&scene, "/api/system/secrets")["key_id"], key_id);
    let actors = shown(&scene, "/api/system/actors");
    let ledger = actors["data"].as_array().unwrap().iter().find(|actor| actor["name"] == "ledger").unwrap().clone();
    assert_eq!((&ledger["alive"], &ledger["restarts"]), (&json!(true), &json!(0)));

    let settings = shown(&scene, "/api/system/settings");
    let setting = |key: &str| settings["data"].as_array().unwrap().iter().find(|it| it["key"] == key).unwrap().clone();
    assert_eq!(setting("data_dir")["source"], "environment");
    assert_eq!(
        (&setting("server.workers")["source"], &setting("server.workers")["value"]),
        (&json!("default"), &json!(null))
    );
    let token = setting("MANAGEMENT_TOKEN");
    assert_eq!((&token["value"], &token["secret"]), (&json!("****"), &json!(true)));

    let logs = shown(&scene, "/api/system/logs?limit=1000");
    let lines = logs["data"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["message"] == "request answered" && line["route"] == "/api/system/health"));
    assert!(lines.iter().any(|line| line["message"] == "listening"));
    let warnings = shown(&scene, "/api/system/logs?level=warn");
    assert!(warnings["data"].as_array().unwrap().iter().all(|line| line["level"] != "info"), "{warnings}");
    assert_eq!(scene.gateway.operator().get("/api/system/logs?limit=1001").status, 400);
    let figures = shown(&scene, "/api/system/metrics");
    assert!(figures["resident_bytes"].as_u64().unwrap() > 1_000_000 && figures["open_files"].as_u64().unwrap() > 5);
}

#[test]
fn health_says_how_old_the_last_backup_is_and_whether_it_is_whole() {
    let scene = scene();
    let backup = || shown(&scene, "/api/system/health")["backup"].clone();
    assert_eq!((&backup()["state"], &backup()["age_s"]), (&json!("none"), &json!(null)));
    let made = scene.gateway.create("/api/system/backups", &json!({}));
    let told = backup();
    for (field, expected) in [("state", json!("ok")), ("last_id", made["id"].clone()), ("fault", json!(null))] {
        assert_eq!(told[field], expected, "{field}: {told}");
    }
    assert!(told["age_s"].as_u64().unwrap() < 600 && told["verified_at"] == made["created_at"], "{told}");
    let id = made["id"].as_str().unwrap();
    let file = scene.gateway.data_dir().join(format!("backups/{id}.db"));
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let verify = || scene.gateway.operator().post(&format!("/api/system/backups/{id}/verify"), &json!({})).status;
    assert_eq!(verify(), 200);
    let told = backup();
    assert_eq!((&told["state"], &told["verified_at"]), (&json!("faulty"), &json!(null)), "{told}");
    assert!(told["fault"].as_str().unwrap().contains("altered or cut short"), "{told}");
    std::fs::write(&file, &whole).unwrap();
    assert_eq!((verify(), &backup()["state"]), (200, &json!("ok")));
}

#[test]
fn a_backup_that_cannot_say_what_it_is_is_told_and_a_folder_that_cannot_be_read_is_no_empty_one() {
    let scene = scene();
    let health = || shown(&scene, "/api/system/health")["backup"].clone();
    let made = [(); 2].map(|()| scene.gateway.create("/api/system/backups", &json!({}))["id"].clone());
    let (good, broken) = (&made[0], made[1].as_str().unwrap());
    let folder = scene.gateway.data_dir().join("backups");
    std::fs::write(folder.join(format!("{broken}.json")), "{").unwrap();
    let told = health();
    assert_eq!((&told["state"], &told["last_id"]), (&json!("faulty"), good), "{told}");
    assert!(told["fault"].as_str().unwrap().starts_with(&format!("{broken}: its manifest cannot be read")), "{told}");
    let listed = shown(&scene, "/api/system/backups");
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["id"]), (1, good), "{listed}");
    assert_eq!((&listed["unreadable"][0]["id"], &listed["unreadable"][0]["ok"]), (&made[1], &json!(false)), "{listed}");
    let asked = scene.gateway.operator().get(&format!("/api/system/backups/{broken}"));
    assert_eq!((asked.status, &asked.json()["error"]["code"]), (409, &json!("conflict")), "{}", asked.text());
    let said = |arguments: &[&str]| {
        let output = scene.gateway.command(arguments);
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (code, text) = said(&["backup", "list"]);
    assert!(code == Some(0) && text.contains(&format!("{broken} is NOT what it was")), "{text}");
    assert_eq!(said(&["backup", "verify", broken]).0, Some(3));
    assert_eq!(
        scene.gateway.operator().send("DELETE", &format!("/api/system/backups/{broken}"), b"").unwrap().status,
        204
    );
    assert_eq!(health()["state"], "ok");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(health()["state"], "none");
    std::fs::write(&folder, "a file where the folder was").unwrap();
    let told = health();
    assert_eq!((&told["state"], told["fault"].as_str().is_some()), (&json!("unknown"), true), "{told}");
    assert_eq!(scene.gateway.operator().get("/api/system/backups").status, 503);
    assert_eq!(said(&["backup", "list"]).0, Some(1));
}

#[test]
fn prometheus_needs_no_key_and_counts_what_happened() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(10, 10)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    scene.gateway.requests(PROJECT, 1);
    assert_eq!(scene.gateway.anonymous().get("/api/keys").status, 401);
    let read = || {
        let answer = scene.gateway.anonymous().get("/metrics");
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
        answer.text()
    };
    let wrong = json!({"username": "nobody", "password": "not a password of anybody"});
    assert_eq!(scene.gateway.anonymous().post("/api/session", &wrong).status, 401);
    let text = read();
    assert_eq!(metric(&text, r#"farthing_requests_total{status="401"}"#).as_deref(), Some("2"));
    assert_eq!(metric(&text, "farthing_sign_in_failures_total").as_deref(), Some("1"));
    assert_eq!(metric(&text, "farthing_in_flight").as_deref(), Some("0"));
    assert_eq!(metric(&text, r#"farthing_actor_alive{actor="ledger"}"#).as_deref(), Some("1"));
    let breaker = format!(r#"farthing_breaker_state{{provider="openai",model="{MODEL}"}}"#);
    assert_eq!(metric(&text, &breaker).as_deref(), Some("0"));
    assert_eq!(metric(&text, r#"farthing_estimated_ratio{provider="openai"}"#).as_deref(), Some("0.000000"));
    let recorded = |text: &str| metric(text, r#"farthing_audit_events_total{result="success"}"#).unwrap();
    let (before, _) = (recorded(&text), scene.gateway.add_project("another", None));
    assert!(recorded(&read()).parse::<u64>().unwrap() > before.parse().unwrap(), "a change is an event");
    assert!(metric(&text, "process_resident_memory_bytes").unwrap().parse::<u64>().unwrap() > 1_000_000);
    for secret in [&scene.key.secret, &scene.key.id, PROJECT] {
        assert!(!text.contains(secret), "{secret} in the metrics");
    }
}

#[test]
fn the_description_is_openapi_and_the_page_has_no_script() {
    let scene = scene();
    let document = shown(&scene, "/api/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/projects/{id}"]["patch"]["responses"]["412"].is_object());
    let page = scene.gateway.operator().get("/api/docs");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("/api/projects/{id}") && !page.text().contains("<script"));
    assert_eq!(scene.gateway.anonymous().get("/api/docs").status, 401);
}

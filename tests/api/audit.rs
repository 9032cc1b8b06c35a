//! Who did what: every change, read and refusal of the management API is on record, once, and the record proves itself.

use std::collections::BTreeMap;
use std::fs;

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{MODEL, PROJECT, prices};
use farthing_support::{Client, Scene, TestGateway};
use serde_json::{Value, json};

use crate::{BINARY, scene};

fn events(scene: &Scene, query: &str) -> Vec<Value> {
    scene.gateway.list(&format!("/api/audit?{}", query.trim_start_matches('&')))
}

fn count(scene: &Scene, query: &str) -> usize {
    events(scene, query).len()
}

#[test]
fn every_change_is_on_record_with_who_and_from_where() {
    let scene = scene();
    let before = count(&scene, "&result=success");
    let operator = scene.gateway.operator().with("user-agent", "curl/8\t(X11)");
    let project = scene.gateway.list("/api/projects")[0]["id"].as_str().unwrap().to_owned();
    let body = json!({"budget": {"limit_usd": "9.00", "window": "total"}, "name": PROJECT}).to_string();
    let answer = operator.send("PATCH", &format!("/api/projects/{project}"), body.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let event = &events(&scene, "&action=project.update")[0];
    let told = ["actor", "client_ip", "result", "project_id"].map(|field| event[field].as_str().unwrap_or("-"));
    assert_eq!(told, ["management", "127.0.0.1", "success", &project]);
    assert_eq!(event["request_id"].as_str(), answer.header("x-farthing-request-id"));
    assert_eq!(event["user_agent"], "curl/8 (X11)", "control characters are gone");
    let details = &event["details"];
    let told = ["http_method", "endpoint", "changed", "object"].map(|name| details[name].as_str().unwrap_or("-"));
    assert_eq!(told, ["PATCH", "/api/projects/{id}", "name budget", &project]);
    assert!(count(&scene, "&result=success") > before);
    let one = scene.gateway.operator().get(&format!("/api/audit/{}", event["id"].as_str().unwrap()));
    assert_eq!(one.json(), *event);
}

/// What the file has once it has `wanted`.
fn filed(scene: &Scene, wanted: &str) -> String {
    let path = scene.gateway.data_dir().join("audit.log");
    let there = || fs::read_to_string(&path).ok().filter(|text| text.contains(wanted));
    until("the file has the event", PATIENCE, there).0
}

#[test]
fn an_address_is_kept_without_its_last_part_and_a_token_without_any_if_so_set() {
    let builder = TestGateway::builder(BINARY)
        .set("FARTHING__AUDIT__MASK_IP", "true")
        .set("FARTHING__AUDIT__HIDE_TOKENS", "true")
        .set("FARTHING__SERVER__BEHIND_PROXY", "true")
        .set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.0/8");
    let scene = Scene::around(builder.start());
    let mut secrets = Vec::new();
    for (address, masked) in [("203.0.113.77", "203.0.113.0"), ("2001:db8:7:8::4d", "2001:db8:7::")] {
        let operator = scene.gateway.operator().with("x-forwarded-for", address);
        let made = operator.post("/api/keys", &json!({"project": PROJECT, "name": masked}));
        assert_eq!(made.status, 201, "{}", made.text());
        let event = &events(&scene, "&action=key.create")[0];
        assert_eq!(
            (&event["client_ip"], &event["details"]["token_id"]),
            (&json!(masked), &json!("********")),
            "{event}"
        );
        secrets.push(made.json()["key"].as_str().unwrap().to_owned());
    }
    let text = filed(&scene, "2001:db8:7::");
    let begins = |secret: &String| secret.split_at(11).0.to_owned();
    let addresses = ["203.0.113.77", "2001:db8:7:8"].map(str::to_owned);
    for told in addresses.into_iter().chain(secrets.iter().map(begins)) {
        assert!(!text.contains(&told), "{told}: {text}");
    }
}

/// One of everything that changes something; each is recorded once, and nothing else that has its result.
#[test]
fn each_kind_of_change_is_one_event() {
    let scene = scene();
    let operator = scene.gateway.operator();
    let id = |path: &str| scene.gateway.list(path)[0]["id"].as_str().unwrap().to_owned();
    let (provider, model) = (id("/api/providers"), id("/api/models"));
    let (project, key) = (id("/api/projects"), id("/api/keys"));
    let group = json!({"name": "any", "strategy": "ordered", "targets": [{"model": MODEL}]});
    let moved = json!({"name": MODEL, "provider": "openai", "upstream_model": MODEL, "weight": 2, "prices": prices()});
    let adjustment = json!({"account": PROJECT, "amount_usd": "0.01", "reason": "a test"});
    let changes = [
        ("PATCH", format!("/api/providers/{provider}"), json!({"enabled": true}), "provider.update"),
        ("PUT", format!("/api/providers/{provider}/breaker"), json!({"state": "auto"}), "breaker.force"),
        ("PUT", format!("/api/models/{model}"), moved, "model.update"),
        ("POST", "/api/groups".to_owned(), group, "group.create"),
        ("DELETE", "/api/groups/any".to_owned(), Value::Null, "group.delete"),
        ("PATCH", format!("/api/keys/{key}"), json!({"name": "new"}), "key.update"),
        ("POST", format!("/api/keys/{key}/rotate"), Value::Null, "key.rotate"),
        ("POST", format!("/api/keys/{key}/runs/night/kill"), Value::Null, "run.kill"),
        ("POST", "/api/tokens".to_owned(), json!({"name": "ci", "scopes": ["usage:read"]}), "token.create"),
        ("POST", "/api/feed/tickets".to_owned(), Value::Null, "ticket.create"),
        ("POST", "/api/ledger/adjustments".to_owned(), adjustment, "ledger.adjust"),
        ("POST", format!("/api/projects/{project}/revoke-keys"), Value::Null, "project.revoke_keys"),
        ("PATCH", format!("/api/projects/{project}"), json!({"active": false}), "project.deactivate"),
        ("DELETE", format!("/api/models/{model}"), Value::Null, "model.delete"),
        ("DELETE", format!("/api/providers/{provider}"), Value::Null, "provider.delete"),
    ];
    for (method, path, body, action) in changes {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = operator.send(method, &path, body.as_bytes()).unwrap();
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
        let request = answer.header("x-farthing-request-id").unwrap();
        let recorded = events(&scene, &format!("&request_id={request}"));
        let told: Vec<_> = recorded.iter().map(|event| event["action"].as_str().unwrap()).collect();
        // What is not in the database is on record before it is tried, too.
        let twice = ["ledger.adjust", "breaker.force"].contains(&action);
        let expected = if twice { vec![action, action] } else { vec![action] };
        assert_eq!(told, expected, "{method} {path}");
        let results: Vec<_> = recorded.iter().map(|event| event["result"].as_str().unwrap()).collect();
        assert_eq!(results, ["success", "attempted"][..expected.len()], "{method} {path}");
    }
}

#[test]
fn reads_and_refusals_are_on_record_and_a_flood_is_told_by_number() {
    // Else the flood is turned away before it is looked at.
    let scene = Scene::around(TestGateway::builder(BINARY).set("FARTHING__SERVER__FAILURES_PER_MINUTE", "0").start());
    scene.gateway.operator().get("/api/usage/summary");
    assert_eq!(count(&scene, "&action=usage.summary&result=success"), 1);
    let unknown = scene.gateway.operator().post("/api/projects", &json!({"nmae": "x"}));
    assert_eq!(unknown.status, 400);
    let refused = events(&scene, "&action=project.create&result=refused");
    assert_eq!((refused.len(), &refused[0]["details"]["status"]), (1, &json!("400")));
    // Fewer than what has an address turned away.
    for _ in 0..9 {
        assert_eq!(scene.gateway.anonymous().bearer("sk-wrong").get("/api/keys").status, 401);
        assert_eq!(scene.gateway.application("sk-ft-wrong").post("/v1/chat/completions", &json!({})).status, 401);
    }
    // Reading the trail writes everything that waits.
    let refused = |action: &str| {
        let told = events(&scene, &format!("&action={action}&result=refused&actor=anonymous"));
        let number = |event: &Value| event["details"]["repeated"].as_str().map_or(1, |times| times.parse().unwrap());
        (told.len(), told.iter().map(number).sum::<u32>())
    };
    let ((listed, all), (kept_out, calls)) = (refused("key.list"), refused("key.refused"));
    assert_eq!((all, calls), (9, 9));
    assert!(listed <= 3 && kept_out <= 3, "{listed} and {kept_out} events for 18 refusals");
}

#[test]
fn no_secret_is_in_the_trail_or_its_file() {
    let scene = scene();
    let secret = scene.key.secret.clone();
    let token = scene.gateway.management_token().to_owned();
    let made = events(&scene, "&action=key.create");
    let shown = made[0]["details"]["token_id"].as_str().unwrap().to_owned();
    assert!(shown.contains("****") && secret.starts_with(shown.split("****").next().unwrap()), "{shown}");
    let path = scene.gateway.data_dir().join("audit.log");
    let text = until("the file has the events", PATIENCE, || {
        fs::read_to_string(&path).ok().filter(|text| text.contains("key.create"))
    });
    for canary in [secret.as_str(), token.as_str(), farthing_support::scene::PROVIDER_KEY] {
        assert!(!text.0.contains(canary) && !json!(made).to_string().contains(canary));
    }
}

#[test]
fn the_trail_proves_itself_online_offline_and_from_its_file() {
    let scene = scene();
    let verdict = scene.gateway.operator().get("/api/audit/verify").json();
    assert_eq!((&verdict["ok"], &verdict["file"]["ok"]), (&json!(true), &json!(true)), "{verdict}");
    let said = |arguments: &[&str]| {
        let output = scene.gateway.command(arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = said(&["audit", "verify"]);
    assert!(code == Some(0) && text.starts_with("the audit trail is whole: "), "{text}");
    let path = scene.gateway.data_dir().join("audit.log");
    let file = path.to_str().unwrap();
    until("the file has the events", PATIENCE, || {
        fs::read_to_string(&path).ok().filter(|text| text.lines().count() > 3)
    });
    assert_eq!(said(&["audit", "verify", "--file", file]).0, Some(0));
    let (code, exported) = said(&["audit", "export"]);
    assert!(code == Some(0) && exported.lines().count() > 3, "{exported}");
    fs::write(&path, fs::read_to_string(&path).unwrap().replacen("management", "somebody", 1)).unwrap();
    let (code, text) = said(&["audit", "verify", "--file", file]);
    assert!(code == Some(3) && text.starts_with("the audit trail was ALTERED"), "{text}");
}

#[test]
fn without_its_trail_nothing_is_changed() {
    let folder = tempfolder();
    let gateway = TestGateway::builder(BINARY)
        .set("FARTHING__AUDIT__STORE_IN_DB", "false")
        .set("AUDIT_LOG_FILE", folder.join("missing").join("audit.log").to_str().unwrap())
        .set("AUDIT_CREATE_DIR", "false")
        .start();
    let make = |name: &str| gateway.operator().post("/api/projects", &json!({"name": name}));
    // The first event finds out that the file cannot be written.
    let refused = until("the trail is known to fail", PATIENCE, || {
        let answer = make(&format!("p{}", gateway.list("/api/projects").len()));
        (answer.status == 503).then_some(answer)
    });
    assert!(
        refused.0.text().contains("ledger_unavailable") || refused.0.text().contains("audit"),
        "{}",
        refused.0.text()
    );
    let before = gateway.list("/api/projects").len();
    assert_eq!(make("later").status, 503);
    assert_eq!(gateway.list("/api/projects").len(), before, "no change");
    fs::create_dir_all(folder.join("missing")).unwrap();
    until("the file is there", PATIENCE, || (make("back").status == 201).then_some(()));
    fs::remove_dir_all(&folder).ok();
}

fn tempfolder() -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("farthing-audit-{}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn a_token_needs_its_scope_and_its_name_is_on_record() {
    let scene = scene();
    let token = |scope: &str| -> Client {
        let made = scene.gateway.create("/api/tokens", &json!({"name": "grafana", "scopes": [scope]}));
        scene.gateway.anonymous().bearer(made["token"].as_str().unwrap())
    };
    assert_eq!(token("audit:read").get("/api/audit").status, 200);
    assert_eq!(token("usage:read").get("/api/audit").status, 403);
    let mut results = BTreeMap::new();
    for event in events(&scene, "&actor=grafana&action=audit.list") {
        *results.entry(event["result"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(results, BTreeMap::from([("refused".to_owned(), 1), ("success".to_owned(), 1)]));
}

//! Virtual keys over their lives: rotated with overlap, closed with their project, held to paths and values, revoked together.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use farthing_support::gateway::openai_error;
use farthing_support::scene::{MODEL, PROJECT, ask};
use farthing_support::{Answer, Client, Dialect, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

const CHAT: &str = "/v1/chat/completions";

fn call(scene: &Scene, secret: &str) -> Answer {
    scene.gateway.application(secret).post(CHAT, &ask(&json!({})))
}

fn code(answer: &Answer, status: u16) -> String {
    openai_error(answer, status)["code"].as_str().unwrap().to_owned()
}

fn rotate(scene: &Scene, id: &str, body: &str) -> Value {
    let path = format!("/api/keys/{id}/rotate");
    let answer = scene.gateway.operator().send("POST", &path, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn project_id(scene: &Scene, name: &str) -> String {
    let projects = scene.gateway.list("/api/projects");
    projects.iter().find(|project| project["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
}

fn set_active(scene: &Scene, name: &str, active: bool) -> Value {
    let path = format!("/api/projects/{}", project_id(scene, name));
    let answer =
        scene.gateway.operator().send("PATCH", &path, json!({"active": active}).to_string().as_bytes()).unwrap();
    assert_eq!((answer.status, &answer.json()["active"]), (200, &json!(active)), "{}", answer.text());
    answer.json()
}

#[test]
fn a_rotated_key_has_two_secrets_until_the_overlap_is_over() {
    let mut scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let key = scene.gateway.add_key(PROJECT, &json!({}));
    let rotated = rotate(&scene, &key.id, "");
    assert!(rotated["former_valid_until"].is_string(), "a day, unless said otherwise: {rotated}");
    let second = rotated["key"].as_str().unwrap().to_owned();
    for secret in [&key.secret, &second] {
        assert_eq!(call(&scene, secret).status, 200);
    }
    let third = rotate(&scene, &key.id, r#"{"overlap_hours":720}"#)["key"].as_str().unwrap().to_owned();
    assert_eq!(code(&call(&scene, &key.secret), 401), "invalid_api_key", "only the last one goes on");
    assert_eq!(call(&scene, &second).status, 200);

    // Half a month cannot be waited for: the end is moved instead, while nobody runs.
    assert!(scene.gateway.stop().success());
    let database = scene.gateway.data_dir().join("farthing.db");
    let mut connection = SqliteConnection::establish(&database.to_string_lossy()).unwrap();
    let over = "UPDATE virtual_keys SET former_until = created_at WHERE former_until IS NOT NULL";
    assert_eq!(sql_query(over).execute(&mut connection), Ok(1));
    scene.gateway.restart();
    assert_eq!(code(&call(&scene, &second), 401), "key_expired");
    assert_eq!(call(&scene, &third).status, 200);

    let fourth = rotate(&scene, &key.id, r#"{"overlap_hours":0}"#);
    assert_eq!(fourth["former_valid_until"], Value::Null);
    assert_eq!(code(&call(&scene, &third), 401), "invalid_api_key", "without an overlap it ends at once");
    let fifth = rotate(&scene, &key.id, "null")["key"].as_str().unwrap().to_owned();
    let revoked = scene.gateway.operator().post(&format!("/api/keys/{}/revoke", key.id), &json!({}));
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    for secret in [fourth["key"].as_str().unwrap(), &fifth] {
        assert_eq!(code(&call(&scene, secret), 401), "key_revoked");
    }
    let operator = scene.gateway.operator();
    let path = format!("/api/keys/{}/rotate", scene.key.id);
    assert_eq!(
        operator.post(&path, &json!({"overlap_hours": 721})).json()["error"]["details"]["field"],
        "overlap_hours"
    );
}

#[test]
fn a_deactivated_project_is_closed_at_once_to_everything_it_would_answer() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(10, 5)));
    scene.gateway.create("/api/projects", &json!({"name": "below", "parent": PROJECT}));
    let below = scene.gateway.add_key("below", &json!({}));
    let caching = scene.application().with("cache-control", "max-age=3600");
    let again = scene.application().with("idempotency-key", "k");
    for client in [&caching, &caching, &again, &again, &scene.gateway.application(&below.secret)] {
        assert_eq!(client.post(CHAT, &ask(&json!({}))).status, 200);
    }
    let mut kept = KeptAlive::new(&scene, &scene.key.secret);
    assert_eq!(kept.ask().0, 200);
    let calls = scene.upstream.calls();

    let closed = set_active(&scene, PROJECT, false);
    assert!(closed["deactivated_at"].is_string(), "{closed}");
    let (status, body) = kept.ask();
    assert_eq!((status, &body["error"]["code"]), (403, &json!("project_inactive")), "{body}");
    for client in [&caching, &again, &scene.gateway.application(&below.secret)] {
        assert_eq!(code(&client.post(CHAT, &ask(&json!({}))), 403), "project_inactive");
        assert_eq!(client.get("/v1/models").status, 403);
    }
    for dialect in [Dialect::Chat, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini] {
        let answer = scene.application().post(&dialect.path(MODEL, false), &json!({"model": MODEL}));
        assert_eq!(answer.status, 403);
        assert!(dialect.error_message(&answer.json()).contains("deactivated"), "{}", answer.text());
    }
    assert_eq!(scene.upstream.calls(), calls);
    let states = scene.gateway.list("/api/keys");
    assert!(states.iter().all(|key| key["state"] == "inactive"), "{states:?}");

    let opened = set_active(&scene, PROJECT, true);
    assert_eq!(opened["deactivated_at"], Value::Null);
    // A refusal closes the connection, because the body behind it was not read.
    assert_eq!(KeptAlive::new(&scene, &scene.key.secret).ask().0, 200);
    assert_eq!(again.post(CHAT, &ask(&json!({}))).status, 200);
    let told: Vec<_> = scene.gateway.list("/api/audit?action=project.deactivate");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_body_that_is_long_on_its_way_does_not_outlive_its_key() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let body = ask(&json!({})).to_string();
    let mut late = KeptAlive::new(&scene, &scene.key.secret);
    late.begin(body.len());
    let (first, rest) = body.split_at(1);
    late.part(first);
    // The head has been looked at when another request, sent later, is answered: then the key is taken back.
    assert_eq!(call(&scene, &scene.key.secret).status, 200);
    let revoked = scene.gateway.operator().post(&format!("/api/keys/{}/revoke", scene.key.id), &json!({}));
    assert_eq!(revoked.status, 200);
    late.part(rest);
    let (status, answer) = late.answer();
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("key_revoked")), "{answer}");
}

#[test]
fn the_keys_of_a_project_are_revoked_together_and_counted() {
    let scene = scene();
    let keys: Vec<_> = (0..3).map(|_| scene.gateway.add_key(PROJECT, &json!({}))).collect();
    let path = format!("/api/projects/{}/revoke-keys", project_id(&scene, PROJECT));
    let operator = scene.gateway.operator();
    operator.post(&format!("/api/keys/{}/revoke", keys[0].id), &json!({}));
    let done = operator.post(&path, &json!({})).json();
    assert_eq!(done, json!({"revoked": 3, "already_revoked": 1, "total": 4}));
    assert_eq!(operator.post(&path, &json!({})).json(), json!({"revoked": 0, "already_revoked": 4, "total": 4}));
    for key in keys.iter().chain([&scene.key]) {
        assert_eq!(code(&call(&scene, &key.secret), 401), "key_revoked");
    }
}

#[test]
fn a_key_ends_after_ninety_days_unless_its_maker_says_otherwise() {
    let scene = scene();
    let made = |extra: Value| {
        let mut body = json!({"project": PROJECT, "name": "x"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        scene.gateway.operator().post("/api/keys", &body)
    };
    let days = |answer: &Answer| {
        let time = |name: &str| answer.json()[name].as_str().map(|text| text.get(..10).unwrap().to_owned());
        (time("created_at").unwrap(), time("expires_at"))
    };
    let (from, to) = days(&made(json!({})));
    let between = format!("SELECT CAST(julianday('{}') - julianday('{from}') AS INTEGER) AS days", to.unwrap());
    let mut memory = SqliteConnection::establish(":memory:").unwrap();
    assert_eq!(diesel::dsl::sql::<diesel::sql_types::Integer>(&between).get_result::<i32>(&mut memory), Ok(90));
    assert_eq!(days(&made(json!({"expires_in_days": null}))).1, None);
    assert_eq!(made(json!({"expires_in_days": 3_651})).json()["error"]["details"]["field"], "expires_in_days");
    assert_eq!(made(json!({})).json()["created_by"], "management");
}

fn upload(fields: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| {
        let file = if *name == "file" { "; filename=\"a.wav\"" } else { "" };
        format!("--xYz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    fields.iter().map(part).collect::<String>() + "--xYz--\r\n"
}

#[test]
fn a_key_calls_only_its_paths_with_only_its_values_in_every_content_type() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let allowed = json!({"model": ["gpt-4o*"], "max_tokens": ["?", "1?"], "language": ["de"]});
    let limits =
        json!({"allowed_endpoints": ["/v1/chat/*", "/v1/audio/*", "/v1/messages"], "allowed_parameters": allowed});
    let key = scene.gateway.add_key(PROJECT, &limits);
    let shown = scene.gateway.operator().get(&format!("/api/keys/{}", key.id)).json();
    assert_eq!((&shown["allowed_parameters"], &shown["allowed_endpoints"][0]), (&allowed, &json!("/v1/chat/*")));
    let client = scene.gateway.application(&key.secret);
    assert_eq!(client.post(CHAT, &ask(&json!({"max_tokens": 19}))).status, 200);
    let error = openai_error(&client.post(CHAT, &ask(&json!({"max_tokens": 200}))), 403);
    assert_eq!((&error["code"], &error["param"]), (&json!("parameter_not_allowed"), &json!("max_tokens")), "{error}");
    let odd = client.with("content-type", "text/plain").post(CHAT, &ask(&json!({"maxTokens": 200})));
    assert_eq!(code(&odd, 403), "parameter_not_allowed");
    let form = client.with("content-type", "multipart/form-data; boundary=xYz");
    let sound = upload(&[("model", "gpt-4o-transcribe"), ("language", "en"), ("file", "RIFF")]);
    assert_eq!(openai_error(&form.post_bytes("/v1/audio/transcriptions", sound.as_bytes()), 403)["param"], "language");
    let message = json!({"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]});
    let refused = client.post("/v1/messages", &message);
    assert_eq!(refused.status, 403);
    assert!(Dialect::Anthropic.error_message(&refused.json()).contains("model"), "{}", refused.text());
    for path in ["/v1/embeddings", "/v1/%63hat/completions", "/v1/completions", "/v1/no-such-path"] {
        let answer = client.post(path, &ask(&json!({})));
        assert_eq!(code(&answer, 403), "endpoint_not_allowed", "{path}");
        assert!(answer.text().contains("/v1/chat/*"), "it says what is allowed: {}", answer.text());
    }
    assert_eq!(scene.upstream.calls(), 1);

    let path = format!("/api/keys/{}", key.id);
    let free = json!({"allowed_endpoints": null, "allowed_parameters": null}).to_string();
    assert_eq!(scene.gateway.operator().send("PATCH", &path, free.as_bytes()).unwrap().status, 200);
    assert_eq!(client.get("/v1/models").status, 200);
    assert_eq!(client.post(CHAT, &ask(&json!({"max_tokens": 200}))).status, 200);
    for (field, value) in [("allowed_endpoints", json!(["v1/chat"])), ("allowed_parameters", json!({"": ["*"]}))] {
        let body = json!({"project": PROJECT, "name": "x", field: value});
        let refused: Client = scene.gateway.operator();
        assert_eq!(refused.post("/api/keys", &body).json()["error"]["details"]["field"], field);
    }
}

/// One connection for many requests.
struct KeptAlive {
    stream: BufReader<TcpStream>,
    secret: String,
}

impl KeptAlive {
    fn new(scene: &Scene, secret: &str) -> Self {
        let stream = BufReader::new(TcpStream::connect(scene.gateway.address()).unwrap());
        Self { stream, secret: secret.to_owned() }
    }

    fn begin(&mut self, length: usize) {
        let secret = &self.secret;
        self.part(&format!(
            "POST {CHAT} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {secret}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        ));
    }

    fn part(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn ask(&mut self) -> (u16, Value) {
        let body = ask(&json!({})).to_string();
        self.begin(body.len());
        self.part(&body);
        self.answer()
    }

    fn answer(&mut self) -> (u16, Value) {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the connection stays open: {head:?}");
            if line.trim().is_empty() {
                break;
            }
            head.push(line.to_ascii_lowercase());
        }
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.iter().find_map(|line| line.strip_prefix("content-length:")).unwrap().trim();
        let mut body = vec![0; length.parse().unwrap()];
        self.stream.read_exact(&mut body).unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

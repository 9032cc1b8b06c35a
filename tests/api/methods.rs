//! Methods as HTTP has them: HEAD wherever GET is, with the same head and for the same callers, and `Allow` wherever another is refused.

use std::io::{Read, Write};
use std::net::TcpStream;

use farthing::web::routes::table;
use farthing_support::TestGateway;
use serde_json::json;

use crate::{BINARY, scene};

/// The status, the head in small letters, and the body of an answer.
type Raw = (u16, String, String);

fn ask(gateway: &TestGateway, method: &str, path: &str, authorization: &str) -> Raw {
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    let credential =
        if authorization.is_empty() { String::new() } else { format!("Authorization: Bearer {authorization}\r\n") };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{credential}Content-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(" ").nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn head_is_get_without_a_body_for_the_same_callers() {
    let scene = scene();
    let (gateway, token, key) = (&scene.gateway, scene.gateway.management_token(), scene.key.secret.as_str());
    for (path, caller) in [
        ("/health", ""),
        ("/live", ""),
        ("/ready", ""),
        ("/sign-in", ""),
        ("/metrics", token),
        ("/api/projects", token),
        ("/api/openapi.json", token),
        ("/api/ledger/verify", token),
        ("/v1/models", key),
    ] {
        let (status, head, body) = ask(gateway, "GET", path, caller);
        assert!(status == 200 && !body.is_empty(), "{path}: {status} {head}");
        let (status, bare, body) = ask(gateway, "HEAD", path, caller);
        assert_eq!((status, body.as_str()), (200, ""), "{path}: {bare}");
        for name in ["content-type", "transfer-encoding", "cache-control", "etag"] {
            assert_eq!(header(&bare, name), header(&head, name), "{path}: {name}");
        }
        assert!(header(&bare, "content-length") != Some("0"), "{path}: the length is that of what GET gives: {bare}");
    }
    for (path, caller) in [("/api/projects", ""), ("/api/projects", key), ("/v1/models", ""), ("/v1/models", token)] {
        assert_eq!(ask(gateway, "HEAD", path, caller).0, ask(gateway, "GET", path, caller).0, "{path}");
        assert_ne!(ask(gateway, "HEAD", path, caller).0, 200, "{path}");
    }
    // A question changes nothing, so nothing of it is on record as a change.
    let actions = gateway.list("/api/audit");
    assert!(!actions.iter().any(|event| event["action"].as_str().unwrap().contains("update")), "{actions:?}");
}

#[test]
fn no_model_is_called_by_head_and_every_405_says_what_goes() {
    let scene = scene();
    let (token, key) = (scene.gateway.management_token(), scene.key.secret.as_str());
    let lines = table();
    for line in &lines {
        let path = line.path;
        if path.contains('{') {
            continue;
        }
        let caller = if path.starts_with("/v1") { key } else { token };
        let (status, head, _) = ask(&scene.gateway, "TRACE", path, caller);
        assert_eq!(status, 405, "{path}: {head}");
        let allowed: Vec<_> = header(&head, "allow").unwrap_or_else(|| panic!("{path}: {head}")).split(", ").collect();
        let here = lines.iter().filter(|other| other.path == path).map(|other| other.method.as_str());
        for method in here {
            assert!(allowed.contains(&method.to_lowercase().as_str()), "{method} {path}: {allowed:?}");
            assert_eq!(
                allowed.contains(&"head"),
                allowed.contains(&"get") && path != "/ws/feed",
                "{path}: {allowed:?}"
            );
        }
    }
    for path in ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings"] {
        let (status, head, body) = ask(&scene.gateway, "HEAD", path, key);
        assert_eq!((status, header(&head, "allow"), body.as_str()), (405, Some("post"), ""), "{path}: {head}");
    }
    assert_eq!(scene.upstream.calls(), 0);
}

#[test]
fn what_is_missing_or_of_the_wrong_type_is_named_in_bodies_and_queries() {
    let gateway = TestGateway::builder(BINARY).start();
    let operator = gateway.operator();
    let told = |answer: farthing_support::Answer| {
        assert_eq!(answer.status, 400, "{}", answer.text());
        let error = answer.json()["error"].clone();
        (error["code"].clone(), error["details"]["field"].clone(), error["message"].as_str().unwrap().to_owned())
    };
    for (path, body, field) in [
        ("/api/projects", json!({}), "name"),
        ("/api/projects", json!({"name": "p", "budget": {"window": "day", "time_zone": "UTC"}}), "budget.limit_usd"),
        ("/api/users", json!({"name": "mia"}), "role"),
        ("/api/tokens", json!({}), ""),
        ("/api/keys", json!({"name": "k"}), "project"),
    ] {
        let (code, named, message) = told(operator.post(path, &body));
        assert_eq!(code, "missing_field", "{path} {body}: {message}");
        assert!(field.is_empty() || (named == field && message.starts_with(field)), "{path} {body}: {named} {message}");
    }
    for limit in ["abc", "-1", "", "1.5", "99999999999"] {
        let (code, named, message) = told(operator.get(&format!("/api/projects?limit={limit}")));
        assert_eq!((code, named), (json!("invalid_value"), json!("limit")), "{limit}: {message}");
        assert!(message.contains("expected a whole number") && !message.contains("deserialize"), "{limit}: {message}");
    }
    let (code, named, message) = told(operator.get("/api/projects?limmit=5"));
    assert_eq!((code, named), (json!("invalid_value"), json!("limmit")), "{message}");
    assert_eq!(operator.get("/api/projects?limit=5&cursor=").status, 400);
    assert_eq!(operator.get("/api/projects?limit=5").status, 200);
}

//! The live feed from outside: from which pages it opens, by which tickets, what each listener is told, how many there may be, and
//! when a socket is closed.

#![expect(clippy::disallowed_methods, reason = "how long it takes from outside is what is asked here")]

use std::time::{Duration, Instant};

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Key, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::dashboard::Socket;
use crate::people::person::{Person, account};
use crate::{BINARY, scene};

const FEED: &str = "/ws/feed";

fn open(scene: &Scene, person: &Person) -> (u16, Socket) {
    Socket::open(&scene.gateway, &listening(person))
}

/// What their browser sends.
fn listening(person: &Person) -> [(&str, &str); 3] {
    [("cookie", &person.cookie), ("origin", &person.origin), ("user-agent", crate::people::person::BROWSER)]
}

fn listener(scene: &Scene, name: &str, fields: &Value) -> Person {
    account(scene, name, fields);
    Person::sign_in(scene, name)
}

/// A call with this key; its record.
fn call(scene: &Scene, key: &Key) -> String {
    scene.upstream.expect(Reply::chat(Tokens::plain(10, 20)));
    let answer = scene.gateway.application(&key.secret).post("/v1/chat/completions", &ask(&json!({})));
    assert_eq!(answer.status, 200, "{}", answer.text());
    scene.recorded(&answer)["id"].as_str().unwrap().to_owned()
}

#[test]
fn it_opens_to_our_own_pages_alone() {
    let scene = scene();
    let person = listener(&scene, "mia", &json!({"role": "viewer"}));
    let address = scene.gateway.address();
    let (host, port) = (address.ip(), address.port());
    let status = |origin: Option<&str>| {
        let mut headers = vec![("cookie", &*person.cookie), ("user-agent", crate::people::person::BROWSER)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        Socket::open(&scene.gateway, &headers).0
    };
    assert_eq!(status(Some(&person.origin)), 101);
    assert_eq!(status(None), 403, "a browser says from where it comes");
    for foreign in [
        "null".to_owned(),
        String::new(),
        "http://evil.test".to_owned(),
        format!("https://{address}"),
        format!("http://{host}"),
        format!("http://{host}:{}", port ^ 1),
        format!("http://{address}.evil.test"),
        format!("http://{address}0"),
        format!("http://1{address}"),
        format!("http://evil.test#{address}"),
        format!("http://{address}/"),
        format!("http://localhost:{port}"),
    ] {
        assert_eq!(status(Some(&foreign)), 403, "{foreign}");
    }
}

#[test]
fn listed_sites_may_open_it_and_then_no_other() {
    let builder = TestGateway::builder(BINARY)
        .set("FARTHING__WEBSOCKET__ALLOWED_ORIGINS", "https://ops.example")
        .set("FARTHING__SERVER__PUBLIC_ORIGIN", "http://farthing.example");
    let scene = Scene::around(builder.start());
    let token = format!("Bearer {}", scene.gateway.management_token());
    let own = format!("http://{}", scene.gateway.address());
    for (origin, expected) in [
        ("https://ops.example", 101),
        ("http://farthing.example", 101),
        (&*own, 403),
        ("https://ops.example:8443", 403),
        ("http://ops.example", 403),
        ("https://ops.example.evil.test", 403),
        ("https://xops.example", 403),
        ("null", 403),
    ] {
        let (status, _) = Socket::open(&scene.gateway, &[("authorization", &token), ("origin", origin)]);
        assert_eq!(status, expected, "{origin}");
    }
}

#[test]
fn a_ticket_opens_one_socket_for_whoever_asked_for_it() {
    let scene = scene();
    let gateway = &scene.gateway;
    let ticket = |answer: farthing_support::Answer| {
        assert_eq!(answer.status, 201, "{}", answer.text());
        let made = answer.json();
        assert_eq!(made["expires_in"], 30);
        made["ticket"].as_str().unwrap().to_owned()
    };
    let by = |ticket: &str| Socket::open_at(gateway, &format!("{FEED}?ticket={ticket}"), &[]);
    let person = listener(&scene, "vic", &json!({"role": "viewer", "projects": [PROJECT]}));
    let made = gateway.create("/api/tokens", &json!({"name": "ci", "scopes": ["usage:read"]}));
    let scoped = gateway.anonymous().bearer(made["token"].as_str().unwrap());
    let asked = json!({});
    let tickets = [
        ticket(gateway.operator().post("/api/feed/tickets", &asked)),
        ticket(scoped.post("/api/feed/tickets", &asked)),
        ticket(person.post("/api/feed/tickets", &asked)),
    ];
    for made in &tickets {
        let (status, mut socket) = by(made);
        assert_eq!(status, 101);
        let id = call(&scene, &scene.key);
        assert_eq!(socket.event("usage")["project_id"], gateway.request(&id)["project_id"]);
        assert_eq!(by(made).0, 401, "it was used");
        assert!(!gateway.logs().contains(made), "and is written nowhere");
    }
    let fresh = ticket(person.post("/api/feed/tickets", &asked));
    let evil = [("origin", "http://evil.test")];
    assert_eq!(Socket::open_at(gateway, &format!("{FEED}?ticket={fresh}"), &evil).0, 403);
    assert_eq!(by(&format!("{fresh}A")).0, 401);
    assert_eq!(gateway.anonymous().post("/api/feed/tickets", &asked).status, 401);
    assert_eq!(scene.application().post("/api/feed/tickets", &asked).status, 401);
    assert_eq!(person.send("DELETE", "/api/session", &asked).status, 204);
    assert_eq!(by(&fresh).0, 401, "its session is over");
}

#[test]
fn each_listener_is_told_what_it_may_see() {
    let scene = scene();
    scene.gateway.add_project("other", None);
    let foreign = scene.gateway.add_key("other", &json!({}));
    let own = listener(&scene, "own", &json!({"role": "viewer", "projects": [PROJECT]}));
    let viewer = listener(&scene, "all", &json!({"role": "viewer"}));
    let (_, mut own) = open(&scene, &own);
    let (_, mut viewer) = open(&scene, &viewer);
    let calls: Vec<String> = [&foreign, &scene.key, &foreign, &scene.key].map(|key| call(&scene, key)).into();
    let told = |socket: &mut Socket, count| -> Vec<Value> {
        (0..count).map(|_| socket.event("usage")["request_id"].clone()).collect()
    };
    assert_eq!(told(&mut viewer, 4), calls);
    let provider = scene.gateway.list("/api/providers")[0]["id"].as_str().unwrap().to_owned();
    for state in ["open", "auto"] {
        let body = json!({"state": state});
        let forced = scene.gateway.operator().send(
            "PUT",
            &format!("/api/providers/{provider}/breaker"),
            body.to_string().as_bytes(),
        );
        assert_eq!(forced.unwrap().status, 200);
    }
    assert_eq!(viewer.event("breaker")["state"], "open");
    let last = call(&scene, &scene.key);
    let mut heard = Vec::new();
    while heard.last() != Some(&json!(last)) {
        let (kind, bytes) = own.next();
        if kind == 1 {
            let event: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(event["type"], "usage", "{event}");
            heard.push(event["request_id"].clone());
        }
    }
    assert_eq!(
        heard,
        [&calls[1], &calls[3], &last].map(|id| json!(id)),
        "nothing of another project, and nothing of providers"
    );
    scene.gateway.create("/api/projects", &json!({"name": "below", "parent": PROJECT}));
    assert_eq!(own.close_code(), 1012, "it sees one more project now");
}

#[test]
fn a_session_listens_so_often_at_once_and_again_when_one_is_closed() {
    let scene = scene();
    let person = listener(&scene, "mia", &json!({"role": "viewer"}));
    let mut sockets: Vec<_> = (0..5).map(|_| open(&scene, &person)).collect();
    assert!(sockets.iter().all(|(status, _)| *status == 101));
    assert_eq!(open(&scene, &person).0, 429);
    let other = listener(&scene, "bob", &json!({"role": "viewer"}));
    assert_eq!(open(&scene, &other).0, 101, "somebody else's are counted apart");
    drop(sockets.pop());
    until("a place is free again", PATIENCE, || (open(&scene, &person).0 == 101).then_some(()));
}

#[test]
fn a_socket_is_closed_when_its_session_or_token_ends() {
    let scene = scene();
    let operator = scene.gateway.operator();
    let send = |method: &str, path: &str, body: Value| {
        let answer = operator.send(method, path, body.to_string().as_bytes()).unwrap();
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    };
    let closed = |mut socket: Socket, what: &str| {
        let begin = Instant::now();
        assert_eq!(socket.close_code(), 4401, "{what}");
        println!("{what}: closed after {} ms", begin.elapsed().as_millis());
        assert!(begin.elapsed() < Duration::from_secs(6), "{what}: 2 s, and room for a busy machine");
    };
    let id = account(&scene, "role", &json!({"role": "operator"}));
    let person = Person::sign_in(&scene, "role");
    let ticket = person.post("/api/feed/tickets", &json!({})).json()["ticket"].as_str().unwrap().to_owned();
    let (_, socket) = Socket::open_at(&scene.gateway, &format!("{FEED}?ticket={ticket}"), &[]);
    assert_eq!(person.send("DELETE", "/api/session", &json!({})).status, 204);
    closed(socket, "a sign-out, by a ticket");

    let (_, socket) = open(&scene, &Person::sign_in(&scene, "role"));
    send("PATCH", &format!("/api/users/{id}"), json!({"disabled": true}));
    closed(socket, "an account disabled");

    let made = scene.gateway.create("/api/tokens", &json!({"name": "ci", "scopes": ["usage:read"]}));
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let (status, socket) = Socket::open(&scene.gateway, &[("authorization", &bearer)]);
    assert_eq!(status, 101);
    send("DELETE", &format!("/api/tokens/{}", made["id"].as_str().unwrap()), json!({}));
    closed(socket, "a token revoked");
}

#[test]
fn a_reader_that_stands_still_hears_how_much_it_missed_and_is_sent_away() {
    let scene = scene();
    let token = format!("Bearer {}", scene.gateway.management_token());
    let (_, mut slow) = Socket::open(&scene.gateway, &[("authorization", &token)]);
    let (_, mut gone) = Socket::open(&scene.gateway, &[("authorization", &token)]);
    let (_, mut quick) = Socket::open(&scene.gateway, &[("authorization", &token)]);
    scene.upstream.always(Reply::chat(Tokens::plain(10, 20)));
    for _ in 0..400 {
        assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
        quick.event("usage");
    }
    let mut before = 0;
    let missed = loop {
        let (kind, bytes) = slow.next();
        let event: Value = if kind == 1 { serde_json::from_slice(&bytes).unwrap() } else { continue };
        match &event["missed"] {
            Value::Null => before += 1,
            missed => break missed.as_u64().unwrap(),
        }
    };
    println!("{before} events were on their way, {missed} were dropped");
    assert_eq!(before + missed + 256, 400, "what waits is bounded, and what is lost is counted");
    assert!(before < 100, "what is on its way is bounded");
    scene.chat(&ask(&json!({})));
    for _ in 0..257 {
        slow.event("usage");
    }
    gone.wait_at_most(Duration::from_secs(90));
    // Long enough to be sent away, and only then read.
    let mut lagged = false;
    let code = loop {
        if quick_enough(&scene) {
            let (kind, bytes) = gone.next();
            match kind {
                8 => break u16::from_be_bytes([bytes[0], bytes[1]]),
                1 => lagged |= bytes.starts_with(b"{\"type\":\"lagged\""),
                _ => {}
            }
        }
    };
    assert_eq!((code, lagged), (1013, true));
}

/// Waits until one listener is gone: the gateway has sent it away.
fn quick_enough(scene: &Scene) -> bool {
    let figures = scene.gateway.anonymous().get("/metrics").text();
    let listeners = figures.lines().find_map(|line| line.strip_prefix("farthing_feed_listeners "));
    let gone = listeners.and_then(|count| count.parse::<u32>().ok()).unwrap() < 3;
    if !gone {
        std::thread::park_timeout(Duration::from_millis(200));
    }
    gone
}

#[test]
fn a_client_that_talks_too_much_is_sent_away() {
    let scene = scene();
    let token = format!("Bearer {}", scene.gateway.management_token());
    for (kind, frames, code) in [(9, 101, 1008), (10, 101, 1008)] {
        let (_, mut socket) = Socket::open(&scene.gateway, &[("authorization", &token)]);
        for _ in 0..frames {
            socket.send_short(kind);
        }
        assert_eq!(socket.close_code(), code, "kind {kind}");
    }
}

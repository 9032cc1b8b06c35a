//! Sessions from outside: nothing but a token that was given, unaltered, to this browser, and that nobody ended, is let in;
//! changes come from our own pages; and whoever ends a session hears what ended.

#![expect(clippy::disallowed_methods, reason = "how long it takes from outside is what is asked here")]

use std::time::{Duration, Instant};

use farthing_support::{Client, Scene, TestGateway};
use serde_json::json;

use super::person::{BROWSER, PASSWORD, Person, account, cookie, origin};
use crate::dashboard::Socket;
use crate::{BINARY, scene};

/// The product's promise.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

fn mia(scene: &Scene) -> (String, Person) {
    let id = account(scene, "mia", &json!({"role": "admin"}));
    (id, Person::sign_in(scene, "mia"))
}

/// A gateway that believes a proxy on this machine about addresses.
fn behind_a_proxy() -> Scene {
    Scene::around(
        TestGateway::builder(BINARY)
            .set("FARTHING__SERVER__BEHIND_PROXY", "true")
            .set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.0/8")
            .start(),
    )
}

/// A way for a session to end: what it is called, and how it goes.
type Way<'a, T> = (&'static str, Box<dyn Fn(&Person) -> T + 'a>);

#[test]
fn signing_in_tells_who_one_is_and_a_token_is_in_the_cookie_alone() {
    let scene = scene();
    let (id, mia) = mia(&scene);
    let session = mia.session();
    assert_eq!(session["user"], json!({"id": id, "name": "mia", "role": "admin"}));
    assert!(session["session"]["id"].as_str().unwrap().starts_with("ses_"));
    let token = mia.cookie.split_once('=').unwrap().1.to_owned();
    assert!(!session.to_string().contains(&token) && !scene.gateway.logs().contains(&token));
    let listed = mia.get("/api/sessions").json();
    assert_eq!(listed["data"][0]["current"], json!(true));
    assert_eq!(listed["data"][0]["user_agent"], json!(BROWSER));
    assert!(!listed.to_string().contains(&token));
    let by_token = json!({"management_token": scene.gateway.management_token()});
    let answer = scene.gateway.anonymous().post("/api/session", &by_token);
    assert_eq!(answer.json()["user"], json!({"id": null, "name": "management", "role": "owner"}));
    assert_eq!(scene.gateway.operator().get("/api/session").json()["session"], json!(null));
    let form = format!("username=mia&password={}", PASSWORD.replace(' ', "+").replace(',', "%2C"));
    let entered = scene.gateway.anonymous().post_bytes("/sign-in", form.as_bytes());
    assert_eq!((entered.status, entered.header("location")), (303, Some("/")), "{}", entered.text());
}

#[test]
fn a_token_that_was_altered_anywhere_is_refused() {
    let scene = scene();
    let (_, mia) = mia(&scene);
    let (name, token) = mia.cookie.split_once('=').unwrap();
    let mut tried = 0;
    for bit in 0..token.len() * 8 {
        let mut bytes = token.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)) {
            continue;
        }
        let answer = mia.browser.with("cookie", &format!("{name}={text}")).get("/api/session");
        assert_eq!(answer.status, 401, "bit {bit}: {text}");
        tried += 1;
    }
    assert!(tried > 1_000, "{tried}");
    let scoped = scene.gateway.create("/api/tokens", &json!({"name": "ci", "scopes": ["can_view_usage"]}));
    for other in [scoped["token"].as_str().unwrap(), scene.gateway.management_token(), &scene.key.secret, "a.b", ""] {
        assert_eq!(mia.browser.with("cookie", &format!("{name}={other}")).get("/api/session").status, 401, "{other}");
    }
    assert_eq!(scene.gateway.anonymous().bearer(token).get("/api/session").status, 401, "a session is no bearer");
    assert_eq!(mia.get("/api/session").status, 200);
}

#[test]
fn a_sign_in_adopts_no_session_that_was_there_before() {
    let scene = scene();
    let (_, mia) = mia(&scene);
    let planted = Person::with(&scene, mia.client(), "mia");
    assert_ne!(planted.cookie, mia.cookie);
    assert_ne!(planted.csrf, mia.csrf);
}

#[test]
fn a_token_is_dead_once_its_session_is_ended_however_that_was() {
    let scene = scene();
    let operator = scene.gateway.operator();
    let id = account(&scene, "mia", &json!({"role": "admin"}));
    let path = format!("/api/users/{id}");
    let ways: [Way<'_, u16>; 6] = [
        ("sign-out", Box::new(|mia| mia.send("DELETE", "/api/session", &json!({})).status)),
        ("the form", Box::new(|mia| mia.client().with("origin", &mia.origin).post_bytes("/sign-out", b"").status)),
        ("a password", Box::new(|_| operator.post(&format!("{path}/password"), &json!({"password": PASSWORD})).status)),
        ("a role", Box::new(|_| operator.send("PATCH", &path, br#"{"role":"operator"}"#).unwrap().status)),
        ("revocation", Box::new(|_| operator.send("DELETE", &format!("/api/sessions?user={id}"), b"").unwrap().status)),
        ("keeping out", Box::new(|_| operator.send("PATCH", &path, br#"{"disabled":true}"#).unwrap().status)),
    ];
    for (way, end) in ways {
        let mia = Person::sign_in(&scene, "mia");
        assert_eq!(mia.get("/api/projects").status, 200, "{way}");
        assert!(matches!(end(&mia), 200 | 204 | 303), "{way}");
        assert_eq!(mia.get("/api/projects").status, 401, "{way}");
        assert_eq!(mia.page("/").header("location"), Some("/sign-in"), "{way}");
    }
    let kept_out = scene.gateway.anonymous().post("/api/session", &json!({"username": "mia", "password": PASSWORD}));
    assert_eq!(kept_out.status, 401);
}

#[test]
fn a_new_password_ends_the_other_sessions_and_not_this_one() {
    let scene = scene();
    let (_, mut mia) = mia(&scene);
    let other = Person::sign_in(&scene, "mia");
    let body = |password: &str, new: &str| json!({"password": password, "new_password": new});
    assert_eq!(mia.post("/api/session/password", &body("wrong", "another row of plain words")).status, 401);
    assert_eq!(mia.post("/api/session/password", &body(PASSWORD, "too short")).status, 400);
    let changed = mia.post("/api/session/password", &body(PASSWORD, "another row of plain words"));
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(changed.json()["sessions_ended"], json!(1));
    mia.cookie = cookie(&changed).unwrap();
    assert_eq!(mia.get("/api/session").status, 200);
    assert_eq!(other.get("/api/session").status, 401);
}

#[test]
fn a_session_stays_with_its_browser_and_its_network() {
    let scene = behind_a_proxy();
    account(&scene, "mia", &json!({"role": "admin"}));
    let from = |address: &str, agent: &str| {
        scene.gateway.anonymous().with("x-forwarded-for", address).with("user-agent", agent)
    };
    let mut mia = Person::with(&scene, from("192.0.2.1", BROWSER), "mia");
    let there = |mia: &Person| Person {
        browser: from("198.51.100.9", BROWSER),
        cookie: mia.cookie.clone(),
        csrf: mia.csrf.clone(),
        origin: mia.origin.clone(),
    };
    let body = json!({"name": "made"});
    let near = Person { browser: from("192.0.2.200", BROWSER), ..there(&mia) };
    assert_eq!(near.post("/api/projects", &json!({"unknown": 1})).status, 400, "the same network");
    let moved = there(&mia);
    assert_eq!(moved.get("/api/projects").status, 200);
    let refused = moved.post("/api/projects", &body);
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (403, &json!("reauthentication_required")));
    assert_eq!(moved.post("/api/session/password", &json!({"password": "wrong"})).status, 401);
    let confirmed = moved.post("/api/session/password", &json!({"password": PASSWORD}));
    assert_eq!(confirmed.status, 200, "{}", confirmed.text());
    assert_eq!(mia.get("/api/session").status, 401, "the token from before is dead at once");
    mia.cookie = cookie(&confirmed).unwrap();
    assert_eq!(there(&mia).post("/api/projects", &body).status, 201);
    let stolen = Person { browser: from("198.51.100.9", "curl/8"), ..there(&mia) };
    assert_eq!(stolen.get("/api/session").status, 401);
    assert_eq!(there(&mia).get("/api/session").status, 401, "and the session has ended");
    let events = scene.gateway.list("/api/audit?action=session.*");
    for action in ["session.create", "session.confirm", "session.hijack"] {
        let event = events.iter().find(|event| event["action"] == action);
        assert_eq!(event.unwrap_or_else(|| panic!("{action}: {events:?}"))["actor"], json!("user:mia"));
    }
}

#[test]
fn changes_by_a_session_come_from_our_own_pages() {
    let scene = scene();
    let (_, mia) = mia(&scene);
    let other = Person::sign_in(&scene, "mia");
    let own = origin(&scene);
    let (word, foreign) = (("x-farthing-csrf", mia.csrf.as_str()), ("origin", "http://evil.test"));
    let body = br#"{"name":"forged"}"#;
    for headers in [
        &[][..],
        &[("origin", own.as_str())],
        &[word],
        &[word, foreign],
        &[word, ("origin", "null")],
        &[word, ("origin", &own), ("sec-fetch-site", "cross-site")],
        &[word, ("origin", &own), ("sec-fetch-site", "none")],
        &[("x-farthing-csrf", &other.csrf), ("origin", &own)],
        &[("x-farthing-csrf", ""), ("origin", &own)],
    ] {
        let client = headers.iter().fold(mia.client(), |client, (name, value)| client.with(name, value));
        for (method, path) in [("POST", "/api/projects"), ("DELETE", "/api/session"), ("POST", "/api/session/password")]
        {
            assert_eq!(client.send(method, path, body).unwrap().status, 403, "{method} {path} {headers:?}");
        }
    }
    let cross = scene.gateway.anonymous().with("origin", "http://evil.test");
    let credentials = json!({"username": "mia", "password": PASSWORD});
    assert_eq!(cross.post("/api/session", &credentials).status, 403, "nor does another site sign somebody in");
    assert!(scene.gateway.list("/api/projects").iter().all(|project| project["name"] != "forged"));
    assert_eq!(mia.post("/api/projects", &json!({"name": "own"})).status, 201);
}

#[test]
fn whoever_ends_sessions_hears_how_many_and_there_are_ten() {
    let scene = scene();
    let (id, first) = mia(&scene);
    let ten: Vec<_> = (0..10).map(|_| Person::sign_in(&scene, "mia")).collect();
    assert_eq!(first.get("/api/session").status, 401, "the eleventh is in the place of the first");
    let listed = scene.gateway.list(&format!("/api/sessions?user={id}"));
    assert_eq!(listed.len(), 10);
    let one = format!("/api/sessions/{}", listed[0]["id"].as_str().unwrap());
    let end = |path: &str| scene.gateway.operator().send("DELETE", path, b"").unwrap();
    assert_eq!((end(&one).json(), end(&one).status), (json!({"revoked": 1}), 404));
    let all = format!("/api/sessions?user={id}");
    assert_eq!((end(&all).json(), end(&all).status), (json!({"revoked": 9}), 404));
    assert!(ten.iter().all(|person| person.get("/api/session").status == 401));
    account(&scene, "vic", &json!({"role": "viewer"}));
    let (viewer, mia) = (Person::sign_in(&scene, "vic"), Person::sign_in(&scene, "mia"));
    let foreign = format!("/api/sessions/{}", mia.session()["session"]["id"].as_str().unwrap());
    assert_eq!(viewer.send("DELETE", &foreign, &json!({})).status, 404);
    assert_eq!(viewer.get("/api/sessions").json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(mia.get("/api/session").status, 200);
}

#[test]
fn sessions_outlive_the_process_and_the_dead_stay_dead() {
    let mut scene = scene();
    let (_, alive) = mia(&scene);
    let dead = Person::sign_in(&scene, "mia");
    assert_eq!(dead.send("DELETE", "/api/session", &json!({})).status, 204);
    scene.gateway.kill_9();
    scene.gateway.restart();
    let again = |person: &Person| {
        let browser = scene.gateway.anonymous().with("user-agent", BROWSER);
        browser.with("cookie", &person.cookie).get("/api/session").status
    };
    assert_eq!((again(&alive), again(&dead)), (200, 401));
}

#[test]
fn a_listener_whose_session_ends_is_told_so_at_once() {
    let scene = scene();
    let id = account(&scene, "mia", &json!({"role": "admin"}));
    let operator = scene.gateway.operator();
    let listen = |person: &Person| {
        let headers = [("cookie", &*person.cookie), ("origin", &*person.origin), ("user-agent", BROWSER)];
        let (status, socket) = Socket::open(&scene.gateway, &headers);
        assert_eq!(status, 101);
        socket
    };
    let ends: [Way<'_, ()>; 3] = [
        ("sign-out", Box::new(|mia| assert_eq!(mia.send("DELETE", "/api/session", &json!({})).status, 204))),
        ("revocation", Box::new(|_| revoke(&operator, &id))),
        ("a role", Box::new(|_| demote(&operator, &id))),
    ];
    for (way, end) in ends {
        let mia = Person::sign_in(&scene, "mia");
        let mut socket = listen(&mia);
        end(&mia);
        let ended = Instant::now();
        assert_eq!(socket.close_code(), 4401, "{way}");
        println!("{way}: closed after {:?}", ended.elapsed());
        assert!(ended.elapsed() <= CLOSED_WITHIN, "{way}: {:?}", ended.elapsed());
    }
}

fn revoke(operator: &Client, id: &str) {
    assert_eq!(operator.send("DELETE", &format!("/api/sessions?user={id}"), b"").unwrap().status, 200);
}

fn demote(operator: &Client, id: &str) {
    assert_eq!(operator.send("PATCH", &format!("/api/users/{id}"), br#"{"role":"viewer"}"#).unwrap().status, 200);
}

#[test]
fn a_change_by_a_session_is_json_or_says_nothing() {
    let scene = scene();
    let (id, mia) = mia(&scene);
    let page = mia.client().with("origin", &mia.origin).with("x-farthing-csrf", &mia.csrf);
    let body = br#"{"name":"forged"}"#;
    let account = format!("/api/users/{id}");
    let changes = [
        ("POST", "/api/projects"),
        ("PATCH", &account),
        ("PUT", "/api/groups/none"),
        ("DELETE", "/api/session"),
        ("POST", "/api/session/password"),
        ("POST", "/api/system/backups"),
    ];
    let form = "multipart/form-data; boundary=x";
    for kind in ["text/plain", "text/plain;charset=application/json", "application/x-www-form-urlencoded", form, ""] {
        for (method, path) in changes {
            let refused = page.with("content-type", kind).send(method, path, body).unwrap();
            let told = (refused.status, refused.json()["error"]["code"].clone());
            assert_eq!(told, (415, json!("media_type_unsupported")), "{method} {path} {kind:?}: {}", refused.text());
        }
    }
    let typed = |client: &Client, kind: &str, path: &str, body: &[u8]| {
        client.with("content-type", kind).send("POST", path, body).unwrap().status
    };
    assert_eq!(mia.get("/api/session").status, 200, "nor did it end");
    assert!(scene.gateway.list("/api/projects").iter().all(|project| project["name"] != "forged"));
    assert_eq!(typed(&page, "application/json; charset=utf-8", "/api/projects", br#"{"name":"own"}"#), 201);
    assert_eq!(typed(&page, "text/plain", "/api/feed/tickets", b""), 201, "nothing has no type");
    let program = scene.gateway.operator();
    assert_eq!(typed(&program, "application/x-www-form-urlencoded", "/api/projects", br#"{"name":"curl"}"#), 201);
}

//! The edge: headers of every answer, other sites' pages, proxies that are believed, and a door for operators.

use farthing_support::scene::ask;
use farthing_support::{Client, Reply, Scene, TestGateway, Tokens};
use serde_json::json;

use crate::{BINARY, scene};

const APP: &str = "https://app.example";

fn preflight(client: &Client, path: &str, origin: &str) -> farthing_support::Answer {
    let asking = client.with("origin", origin).with("access-control-request-method", "POST");
    let asking = asking.with("access-control-request-headers", "authorization, content-type");
    asking.send("OPTIONS", path, b"").unwrap()
}

#[test]
fn what_is_not_for_programs_is_closed_to_caches_frames_and_guesses() {
    let scene = scene();
    for path in ["/api/keys", "/sign-in", "/live", "/nothing", "/ready"] {
        let answer = scene.gateway.anonymous().get(path);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("vary", "Authorization, Cookie"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path} {name}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(answer.header("permissions-policy").is_some());
        assert_eq!(answer.header("strict-transport-security"), None, "{path}: nobody came by TLS");
    }
    let models = scene.application().get("/v1/models");
    assert_eq!((models.header("x-content-type-options"), models.header("vary")), (Some("nosniff"), None));
}

#[test]
fn no_other_site_may_call_unless_it_is_listed_to_the_letter() {
    let closed = scene();
    for origin in [APP, "null", "http://127.0.0.1"] {
        let refused = preflight(&closed.gateway.anonymous(), "/v1/chat/completions", origin);
        assert_eq!(refused.header("access-control-allow-origin"), None, "{origin}");
        assert_ne!(refused.status, 204);
    }
    let builder = TestGateway::builder(BINARY).set("FARTHING__SERVER__CORS_ORIGINS", APP);
    let scene = Scene::around(builder.start());
    let anonymous = scene.gateway.anonymous();
    for path in ["/v1/chat/completions", "/v1/messages", "/v1beta/models/m:generateContent"] {
        let allowed = preflight(&anonymous, path, APP);
        assert_eq!(allowed.status, 204, "{path}: {}", allowed.text());
        assert_eq!(allowed.header("access-control-allow-origin"), Some(APP));
        assert_eq!(allowed.header("access-control-allow-headers"), Some("authorization, content-type"));
        assert_eq!(allowed.header("access-control-allow-credentials"), None, "no cookies");
    }
    for (path, origin) in [
        ("/v1/chat/completions", "https://app.example.evil"),
        ("/v1/chat/completions", "https://APP.example"),
        ("/v1/chat/completions", "http://app.example"),
        ("/api/keys", APP),
        ("/sign-in", APP),
    ] {
        let refused = preflight(&anonymous, path, origin);
        assert_eq!(refused.header("access-control-allow-origin"), None, "{path} {origin}");
    }
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    let answer = scene.application().with("origin", APP).post("/v1/chat/completions", &ask(&json!({})));
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(APP)));
    assert!(answer.header("access-control-expose-headers").is_some_and(|names| names.contains("x-farthing-cost")));
    assert_eq!(answer.header("vary"), Some("Origin"));
    let refused = anonymous.with("origin", APP).post("/v1/chat/completions", &ask(&json!({})));
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some(APP)), "the page reads why");
}

#[test]
fn only_a_trusted_proxy_says_that_the_browser_came_by_tls() {
    let builder = TestGateway::builder(BINARY).set("FARTHING__SERVER__BEHIND_PROXY", "true");
    let trusting = builder.set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.1").start();
    let told = trusting.anonymous().with("x-forwarded-proto", "https").get("/live");
    assert!(told.header("strict-transport-security").is_some());
    assert_eq!(trusting.anonymous().get("/live").header("strict-transport-security"), None);
    let stranger = scene().gateway.anonymous().with("x-forwarded-proto", "https").get("/live");
    assert_eq!(stranger.header("strict-transport-security"), None);
}

#[test]
fn operators_with_a_door_of_their_own_are_served_there_alone() {
    let gateway = TestGateway::builder(BINARY).set("FARTHING__SERVER__ADMIN_LISTEN", "127.0.0.1:0").start();
    let file = std::fs::read_to_string(gateway.data_dir().join("admin_address")).unwrap();
    let (door, elsewhere) = (gateway.operator(), gateway.application(gateway.management_token()));
    assert_ne!(file, gateway.address().to_string());
    for path in ["/api/keys", "/sign-in", "/ws/feed", "/"] {
        assert_eq!(elsewhere.get(path).status, 404, "{path}");
        assert_ne!(door.get(path).status, 404, "{path}");
    }
    assert_eq!((door.get("/api/keys").status, door.get("/ready").status), (200, 200));
    assert_eq!((door.get("/v1/models").status, gateway.anonymous().get("/v1/models").status), (404, 401));
}

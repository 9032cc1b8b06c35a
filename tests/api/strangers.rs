//! Strangers: an address that tries too much is turned away before anything it presents is looked at, and whoever was good
//! a moment ago, or comes from elsewhere, is not.

use std::time::Duration;

use farthing_support::gateway::openai_error;
use farthing_support::poll::until;
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Answer, Client, Reply, Scene, TestGateway, Tokens};
use serde_json::json;

use crate::{BINARY, scene};

/// The default of `server.failures_per_minute`.
const FAILURES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it says to wait.
fn wait(answer: &Answer) -> u64 {
    answer.header("retry-after").and_then(|wait| wait.parse().ok()).unwrap_or_default()
}

fn sign_in(client: &Client, token: &str) -> Answer {
    let coded = token.replace('+', "%2B").replace('=', "%3D");
    client.post_bytes("/sign-in", format!("token={coded}").as_bytes())
}

/// Presents something wrong, at one door after another, until it is turned away; how often it was looked at.
fn exhaust(client: &Client) -> usize {
    let tried = (0..100).map(|round| match round % 4 {
        0 => client.bearer("wrong").get("/v1/models"),
        1 => client.with("x-api-key", "sk-ft-wrong").post("/v1/messages", &json!({})),
        2 => client.bearer("wrong").get("/api/providers"),
        _ => sign_in(client, "wrong"),
    });
    let refused = tried.take_while(|answer| answer.status != 429);
    refused.inspect(|answer| assert_eq!(answer.status, 401, "{}", answer.text())).count()
}

#[test]
fn too_many_wrong_ones_are_turned_away_unseen_and_known_ones_are_not() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "it is known now");
    let fresh = scene.gateway.add_key(PROJECT, &json!({}));
    let anonymous = scene.gateway.anonymous();
    let looked_at = exhaust(&anonymous);
    assert!((FAILURES..FAILURES + 10).contains(&looked_at), "{looked_at}");

    let fresh = scene.gateway.application(&fresh.secret);
    let turned_away = openai_error(&fresh.get("/v1/models"), 429);
    assert_eq!(turned_away["code"], "address_limited", "{turned_away}");
    let gemini = anonymous.with("x-goog-api-key", "wrong").get("/v1beta/models").json();
    assert_eq!(gemini["error"]["status"], "RESOURCE_EXHAUSTED", "{gemini}");
    let refused = [
        anonymous.bearer("wrong").get("/api/providers"),
        sign_in(&anonymous, "wrong"),
        anonymous.bearer("wrong").get("/ws/feed"),
    ];
    for answer in &refused {
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert!((1..=3).contains(&wait(answer)), "{:?}", answer.headers);
    }
    assert!(refused[1].text().contains("Too many sign-ins"), "{}", refused[1].text());

    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "known");
    assert_eq!(scene.gateway.operator().get("/api/providers").status, 200, "known");
    for path in ["/live", "/ready", "/health", "/sign-in"] {
        assert_eq!(anonymous.get(path).status, 200, "{path}");
    }
    assert_eq!(anonymous.get("/v1/models").status, 401, "who presents nothing has tried nothing");
    let let_in = || (fresh.get("/v1/models").status == 200).then_some(());
    let (_, took) = until("whoever waits is looked at", PATIENCE, let_in);
    println!("looked at {looked_at} wrong ones; a new one was let in {took:?} later");
}

#[test]
fn behind_a_trusted_proxy_each_client_has_its_own() {
    let gateway = TestGateway::builder(BINARY)
        .set("FARTHING__SERVER__BEHIND_PROXY", "true")
        .set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.1")
        .start();
    let scene = Scene::around(gateway);
    let from = |address: &str| scene.gateway.anonymous().with("x-forwarded-for", address);
    assert!((FAILURES..FAILURES + 10).contains(&exhaust(&from("2001:db8:0:1::1"))));
    assert_eq!(sign_in(&from("2001:db8:0:1:ffff::2"), "wrong").status, 429, "the same /64");
    assert_eq!(exhaust(&from("198.51.100.1, 2001:db8:0:1::1")), 0, "a client's own invention");
    let guesses = (0..1_000).map(|count| from(&format!("203.0.{}.{}", 113 + count / 250, count % 250)));
    let refused = guesses.filter(|client| client.bearer("wrong").get("/v1/models").status != 401).count();
    assert_eq!(refused, 0, "each has tried once");
    let owner = || Some(sign_in(&from("2001:db8:0:2::1"), scene.gateway.management_token()));
    let (answer, took) = until("the owner, from elsewhere, is answered", PATIENCE, owner);
    println!("the owner, from elsewhere, was answered after {took:?}");
    assert_eq!(answer.status, 303);
    assert_eq!(from("192.0.2.9").bearer(&scene.key.secret).get("/v1/models").status, 200);
    // The audit trail tells who was limited, and not their network.
    let recorded = |address: &str| scene.gateway.list(&format!("/api/audit?action=session.create&client_ip={address}"));
    assert_eq!(recorded("2001:db8:0:2::1")[0]["result"], "success");
    assert_eq!(recorded("2001:db8:0:1:ffff::2")[0]["result"], "refused");
    assert!(recorded("198.51.100.1").is_empty(), "nobody was there");
}

#[test]
fn requests_of_one_address_can_be_limited() {
    let rate = 20_u32;
    let gateway = TestGateway::builder(BINARY)
        .set("FARTHING__SERVER__ADDRESS_REQUESTS_PER_SECOND", &rate.to_string())
        .set("FARTHING__SERVER__BEHIND_PROXY", "true")
        .set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.1")
        .start();
    let one = gateway.anonymous().with("x-forwarded-for", "198.51.100.1");
    let many = || Some((0..200).map(|_| one.get("/live")).collect::<Vec<_>>());
    let (answers, took) = until("all are answered", PATIENCE, many);
    let most = f64::from(rate) * (1.0 + took.as_secs_f64()) + 1.0;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 429 && wait(answer) == 1).count();
    println!("{served} of 200 served in {:?}", took);
    assert_eq!(served + refused, 200);
    assert!(served > 0 && f64::from(u32::try_from(served).unwrap()) <= most, "{served} in {:?}", took);
    until("it is given back", PATIENCE, || (one.get("/live").status == 200).then_some(()));
    assert_eq!(one.with("x-forwarded-for", "198.51.100.2").get("/live").status, 200, "others have their own");
}

#[test]
fn operators_call_from_where_they_may_be_and_applications_from_anywhere() {
    let builder = TestGateway::builder(BINARY)
        .set("FARTHING__SERVER__BEHIND_PROXY", "true")
        .set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.1")
        .set("FARTHING__MANAGEMENT__ALLOWED_ADDRESSES", "127.0.0.1, 10.0.0.0/8");
    let scene = Scene::around(builder.start());
    let away = |client: Client| client.with("x-forwarded-for", "192.0.2.1");
    let within = scene.gateway.operator().with("x-forwarded-for", "10.9.8.7");
    assert_eq!(within.get("/api/providers").status, 200);
    for path in ["/api/providers", "/api/no-such-path", "/", "/sign-in", "/ws/feed", "/static/x/y", "/no-such-path"] {
        for client in [scene.gateway.operator(), scene.gateway.anonymous(), scene.application()] {
            let answer = away(client).get(path);
            assert_eq!(
                (answer.status, &answer.json()["error"]["code"]),
                (403, &json!("address_not_allowed")),
                "{path}"
            );
        }
    }
    assert_eq!(sign_in(&away(scene.gateway.anonymous()), scene.gateway.management_token()).status, 403);
    assert_eq!(away(scene.application()).get("/v1/models").status, 200);
    assert_eq!(away(scene.gateway.anonymous()).get("/ready").status, 200);
}

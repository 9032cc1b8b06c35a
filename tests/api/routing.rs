//! Routing: which deployment answers, what happens when it does not, and what the client is told.

use farthing_support::gateway::openai_error;
use farthing_support::scene::{MODEL, ask, cost, prices};
use farthing_support::{Dialect, Picos, Reply, Tokens, Upstream};
use serde_json::{Value, json};

use crate::scene;
use crate::streams::{events, open};

#[test]
fn a_failing_deployment_falls_back_to_the_next_before_the_first_byte() {
    for stream in [false, true] {
        let (scene, second) = (scene(), Upstream::start());
        scene.gateway.add_provider("spare", &second);
        let spare = json!({
            "name": MODEL, "provider": "spare", "upstream_model": "spare-model", "priority": 1, "prices": prices(),
        });
        scene.gateway.create("/api/models", &spare);
        scene.upstream.expect(Reply::error(500, "out of order"));
        second.expect(Reply::chat(Tokens::plain(7, 3)));

        let answer = scene.chat(&ask(&json!({"stream": stream})));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-farthing-provider"), Some("spare"));
        assert_eq!(answer.header("x-farthing-attempts"), Some("2"));
        assert_eq!(second.only().json()["model"], "spare-model");
        let row = scene.recorded(&answer);
        assert_eq!(
            (&row["provider"], &row["attempts"], &row["status"]),
            (&json!("spare"), &json!(2), &json!("ok")),
            "{row}"
        );
        assert_eq!(Picos::of(&row["cost_usd"]), cost(Tokens::plain(7, 3)));
        drop(scene);
    }
}

#[test]
fn an_unreachable_deployment_falls_back_too() {
    let (scene, gone) = (scene(), Upstream::start());
    let url = gone.base_url();
    drop(gone);
    let nowhere = json!({
        "name": "nowhere", "kind": "openai", "base_url": url, "api_key": "sk-none", "allow_private_network": true,
    });
    scene.gateway.create("/api/providers", &nowhere);
    scene.gateway.create(
        "/api/models",
        &json!({"name": "two", "provider": "nowhere", "upstream_model": "a", "priority": 0, "prices": prices()}),
    );
    scene.gateway.create(
        "/api/models",
        &json!({"name": "two", "provider": "openai", "upstream_model": "b", "priority": 1, "prices": prices()}),
    );
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    let answer = scene.chat(&ask(&json!({"model": "two"})));
    assert_eq!((answer.status, answer.header("x-farthing-provider")), (200, Some("openai")), "{}", answer.text());
}

#[test]
fn the_clients_own_fault_is_passed_on_and_not_tried_elsewhere() {
    let (scene, second) = (scene(), Upstream::start());
    scene.gateway.add_provider("spare", &second);
    scene.gateway.create(
        "/api/models",
        &json!({"name": MODEL, "provider": "spare", "upstream_model": "b", "priority": 1, "prices": prices()}),
    );
    let told = json!({"error": {"message": "Unsupported value: 'temperature'", "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value"}});
    scene.upstream.expect(Reply::status(400, &told));

    let answer = scene.chat(&ask(&json!({"temperature": 9})));
    let error = openai_error(&answer, 400);
    assert_eq!((&error["message"], &error["code"]), (&told["error"]["message"], &told["error"]["code"]));
    let row = scene.recorded(&answer);
    assert_eq!((&row["status"], &row["http_status"]), (&json!("upstream_error"), &json!(400)), "{row}");
    assert_eq!(Picos::of(&row["cost_usd"]), Picos(0), "an error answer costs nothing");
}

#[test]
fn a_providers_own_trouble_is_told_without_its_words() {
    let secret = "internal-host-17 says no";
    // An answer that cannot be read may be one that the provider bills; an error is not.
    let troubles = [
        (Reply::error(500, secret), false),
        (Reply::error(401, secret), false),
        (Reply::error(403, secret), false),
        (Reply::raw(200, b"<html>internal-host-17 says no</html>").header("content-type", "text/html"), true),
        (Reply::raw(200, b"{\"half\":"), true),
        (Reply::raw(302, b"").header("location", "http://127.0.0.1:9/elsewhere"), false),
    ];
    for (trouble, billed) in troubles {
        let scene = scene();
        scene.upstream.always(trouble.clone());
        let answer = scene.chat(&ask(&json!({})));
        assert!((502..=504).contains(&answer.status), "{trouble:?}: {} {}", answer.status, answer.text());
        let error = openai_error(&answer, answer.status);
        assert!(!error.to_string().contains("internal-host-17"), "{error}");
        let row = scene.recorded(&answer);
        assert_eq!(row["status"], "upstream_error", "{row}");
        assert_eq!(Picos::of(&row["cost_usd"]) > Picos(0), billed, "{row}");
        assert_eq!(row["usage_source"] == "estimated", billed, "{row}");
    }
}

#[test]
fn a_busy_or_failing_provider_and_its_patience_are_passed_on() {
    for (status, answered) in [(429, 429), (503, 502), (529, 502)] {
        let scene = scene();
        scene.upstream.always(Reply::error(status, "come back later").header("retry-after", "17"));
        let answer = scene.chat(&ask(&json!({})));
        openai_error(&answer, answered);
        assert_eq!(answer.header("retry-after"), Some("17"), "{status}");
        assert_eq!(scene.recorded(&answer)["status"], "upstream_error", "{status}");
    }
}

#[test]
fn an_error_in_an_accepted_answer_is_an_error_in_every_dialect() {
    let scene = scene();
    for dialect in Dialect::ALL {
        scene.gateway.add_model_of(dialect, dialect.name(), "m", &scene.upstream);
        let error =
            json!({"type": "error", "error": {"type": "x", "code": 503, "message": "no", "status": "UNAVAILABLE"}});
        let failed = json!({"id": "r", "status": "failed", "output": [], "error": {"code": "x", "message": "no"}});
        let bodies = match dialect {
            Dialect::Responses => vec![error, failed, json!({})],
            Dialect::Gemini => vec![error, json!({})],
            Dialect::Chat | Dialect::Anthropic => vec![error],
        };
        for body in bodies {
            scene.upstream.expect(Reply::raw(200, body.to_string().as_bytes()));
            let asked = match dialect {
                Dialect::Responses => json!({"model": dialect.name(), "input": "hi"}),
                Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
                _ => json!({"model": dialect.name(), "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
            };
            let answer = scene.application().post(&dialect.path(dialect.name(), false), &asked);
            assert_eq!(answer.status, 502, "{dialect:?} {body}: {}", answer.text());
            let row = scene.recorded(&answer);
            assert_eq!(row["status"], "upstream_error", "{row}");
            assert_eq!(Picos::of(&row["cost_usd"]) == Picos(0), body != json!({}), "{row}");
        }
    }
}

#[test]
fn what_a_failed_answer_says_it_consumed_is_booked() {
    let told = json!({"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45});
    let counted = json!({"input_tokens": 40, "output_tokens": 5, "total_tokens": 45});
    let oops = json!({"code": "server_error", "message": "no"});
    let failed =
        json!({"id": "r", "object": "response", "status": "failed", "output": [], "error": &oops, "usage": counted});
    let stream = |event: &Value| {
        let text = format!("data: {event}\n\n");
        Reply::raw(200, text.as_bytes()).header("content-type", "text/event-stream")
    };
    for (dialect, streamed, reply) in [
        (Dialect::Responses, false, Reply::raw(200, failed.to_string().as_bytes())),
        (Dialect::Responses, true, stream(&json!({"type": "response.failed", "response": &failed}))),
        (Dialect::Chat, false, Reply::raw(200, json!({"error": &oops, "usage": &told}).to_string().as_bytes())),
        (Dialect::Chat, true, stream(&json!({"error": &oops, "usage": &told}))),
    ] {
        let scene = scene();
        scene.gateway.add_model_of(dialect, "m", "m", &scene.upstream);
        scene.upstream.expect(reply.clone());
        let body = match dialect {
            Dialect::Responses => json!({"model": "m", "input": "hi", "stream": streamed}),
            _ => {
                json!({"model": "m", "max_tokens": 9, "stream": streamed, "messages": [{"role": "user", "content": "hi"}]})
            }
        };
        let answer = scene.application().post(&dialect.path("m", streamed), &body);
        assert_eq!(answer.status, 502, "{reply:?}: {}", answer.text());
        let row = scene.recorded(&answer);
        let figures = [&row["status"], &row["usage_source"], &row["usage"]["input"], &row["usage"]["output"]];
        assert_eq!(figures, [&json!("upstream_error"), &json!("provider"), &json!(40), &json!(5)], "{reply:?}: {row}");
        assert!(Picos::of(&row["cost_usd"]) > Picos(0), "{row}");
        assert_eq!(answer.header("x-farthing-cost").map(Picos::parse), Some(Picos::of(&row["cost_usd"])));
    }
}

#[test]
fn a_redirect_is_never_followed() {
    let (scene, elsewhere) = (scene(), Upstream::start());
    let target = format!("{}/chat/completions", elsewhere.base_url());
    scene.upstream.always(Reply::raw(307, b"").header("location", &target));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 502);
    assert_eq!(elsewhere.calls(), 0, "the provider's key would have gone there");
}

#[test]
fn an_error_event_inside_a_stream_ends_it_without_the_end_marker() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(9, 9)).chunks(5).error_after(2, "overloaded"));
    let mut exchange = open(&scene, &json!({}));
    let id = exchange.header("x-farthing-request-id").unwrap().to_owned();
    let events = events(&mut exchange);
    assert_eq!(events.iter().filter(|event| event["error"].is_object()).count(), 1, "{events:?}");
    assert!(events.last().unwrap()["error"]["message"].is_string(), "{events:?}");
    let row = scene.gateway.request(&id);
    assert!(row["status"] == "upstream_cut" || row["status"] == "upstream_error", "{row}");
}

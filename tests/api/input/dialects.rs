//! Bad input to the other routes: the right status in the shape of the route's dialect, never 500, and nothing lost.

use farthing_support::{Answer, Client, Dialect, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

/// A route, and a request that it serves.
struct Route {
    dialect: Dialect,
    path: String,
    body: Value,
}

fn routes(model: &str) -> Vec<Route> {
    let route = |dialect, path: String, body| Route { dialect, path, body };
    let gemini =
        json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 9}});
    let messages = json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9});
    vec![
        route(
            Dialect::Responses,
            "/v1/responses".into(),
            json!({"model": model, "input": "hi", "max_output_tokens": 9}),
        ),
        route(Dialect::Anthropic, "/v1/messages".into(), messages.clone()),
        route(Dialect::Anthropic, "/v1/messages/count_tokens".into(), messages),
        route(Dialect::Gemini, format!("/v1beta/models/{model}:generateContent"), gemini.clone()),
        route(Dialect::Gemini, format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"), gemini.clone()),
        route(Dialect::Gemini, format!("/v1beta/models/{model}:streamGenerateContent"), gemini.clone()),
        route(Dialect::Gemini, format!("/v1beta/models/{model}:countTokens"), gemini),
    ]
}

const MODEL: &str = farthing_support::scene::MODEL;

impl Route {
    fn told(&self, client: &Client, body: &[u8], status: u16) -> String {
        let start = format!("{} {}", self.path, String::from_utf8_lossy(&body[..body.len().min(120)]));
        self.checked(&client.post_bytes(&self.path, body), status, &start)
    }

    /// The message of an answer that must be an error of the route's dialect.
    fn checked(&self, answer: &Answer, status: u16, what: &str) -> String {
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        assert!(answer.header("content-type").unwrap().starts_with("application/json"), "{what}");
        assert!(answer.header("x-farthing-request-id").is_some(), "{what}");
        self.dialect.error_message(&answer.json())
    }
}

#[test]
fn malformed_bodies_are_400_and_never_reach_a_provider() {
    let scene = scene();
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: &[&[u8]] = &[
        b"",
        b"not json",
        b"{",
        b"[]",
        b"null",
        b"17",
        b"{} trailing",
        b"{\"a\":[}",
        b"{\"a\":\"\xff\xfe\"}",
        deep.as_bytes(),
    ];
    for route in routes(MODEL) {
        for body in bodies {
            route.told(&scene.application(), body, 400);
        }
        let good = route.body.to_string();
        route.told(&scene.application(), format!("{good} trailing").as_bytes(), 400);
        route.told(&scene.application(), good.replace("hi", "\u{0}").as_bytes(), 400);
    }
    assert_eq!(scene.gateway.verdict()["open_holds"], 0);
}

#[test]
fn wrong_types_and_missing_fields_are_400_and_named() {
    let scene = scene();
    let wrong = [json!(5), json!(null), json!({}), json!(true), json!("x")];
    for route in routes(MODEL) {
        let fields: &[&str] = match route.dialect {
            Dialect::Responses => &["model", "input", "max_output_tokens", "stream"],
            Dialect::Gemini => &["contents", "generationConfig"],
            _ => &["model", "messages", "max_tokens", "stream"],
        };
        for field in fields {
            let fits = |value: &Value| match *field {
                "model" => *value == "x",
                "input" => value.is_string(),
                "stream" => value.is_null() || value.is_boolean(),
                "max_output_tokens" => value.is_null() || value.is_u64(),
                "max_tokens" => value.is_u64() || (value.is_null() && route.path.ends_with("count_tokens")),
                "generationConfig" => value.is_null() || value.is_object(),
                _ => false,
            };
            for value in wrong.iter().filter(|value| !fits(value)) {
                let mut body = route.body.clone();
                body[*field] = value.clone();
                let message = route.told(&scene.application(), body.to_string().as_bytes(), 400);
                assert!(message.contains(field), "{body}: {message}");
            }
            let optional = ["stream", "max_output_tokens", "generationConfig"].contains(field)
                || (*field == "max_tokens" && route.path.ends_with("count_tokens"));
            if !optional {
                let mut body = route.body.clone();
                body.as_object_mut().unwrap().remove(*field);
                let message = route.told(&scene.application(), body.to_string().as_bytes(), 400);
                assert!(message.contains(field), "{body}: {message}");
            }
        }
        for cap in [json!("many"), json!(-1), json!(1.5), json!(1e300), json!([])] {
            let mut body = route.body.clone();
            let name = match route.dialect {
                Dialect::Responses => "max_output_tokens",
                Dialect::Gemini => "maxOutputTokens",
                _ => "max_tokens",
            };
            let place = if route.dialect == Dialect::Gemini { &mut body["generationConfig"] } else { &mut body };
            place[name] = cap;
            let message = route.told(&scene.application(), body.to_string().as_bytes(), 400);
            assert!(message.contains(name), "{body}: {message}");
        }
    }
}

#[test]
fn odd_conversations_are_the_providers_to_judge_or_400() {
    let scene = scene();
    // The scene's provider speaks Responses itself and judges for itself; what is translated the gateway has to read.
    scene.upstream.always(Reply::error(400, "input is not like that"));
    for route in routes(MODEL) {
        let field = match route.dialect {
            Dialect::Responses => "input",
            Dialect::Gemini => "contents",
            _ => "messages",
        };
        for odd in [json!([]), json!([1]), json!([null]), json!([[[]]]), json!([{"role": 7, "content": 7, "parts": 7}])]
        {
            let mut body = route.body.clone();
            body[field] = odd;
            let message = route.told(&scene.application(), body.to_string().as_bytes(), 400);
            assert!(message.contains(field), "{body}: {message}");
        }
    }
    assert_eq!(scene.gateway.verdict()["open_holds"], 0);
}

#[test]
fn an_unknown_model_is_404_and_a_route_without_one_never_500() {
    let scene = scene();
    for name in ["no-such-model", "gpt-4o-mini%20", "../../etc/passwd", "x".repeat(4_000).as_str()] {
        for route in routes(name) {
            route.told(&scene.application(), route.body.to_string().as_bytes(), 404);
        }
    }
    let gemini = Route { dialect: Dialect::Gemini, path: String::new(), body: Value::Null };
    for (path, status) in [
        ("/v1beta/models/:generateContent", 400),
        ("/v1beta/models/gpt-4o-mini", 404),
        ("/v1beta/models/gpt-4o-mini:", 404),
        ("/v1beta/models/gpt-4o-mini:explode", 404),
        ("/v1beta/nothing", 404),
    ] {
        let body = routes(MODEL)[3].body.clone();
        gemini.checked(&scene.application().post(path, &body), status, path);
    }
}

#[test]
fn without_a_key_it_is_401_and_above_ten_mebibytes_413() {
    let scene = scene();
    let big = "x".repeat(11 << 20);
    for route in routes(MODEL) {
        let body = route.body.to_string();
        for client in [scene.gateway.anonymous(), scene.gateway.application("sk-farthing-nothing")] {
            route.told(&client, body.as_bytes(), 401);
        }
        route.told(&scene.application(), body.replace("hi", &big).as_bytes(), 413);
        let packed = scene.application().with("content-encoding", "gzip");
        route.told(&packed, b"\x1f\x8b\x08\x00", 415);
        let got = scene.application().send("PUT", &route.path, b"").unwrap();
        route.checked(&got, 405, &route.path);
    }
}

#[test]
fn an_error_has_the_shape_of_the_route_whatever_the_headers_say() {
    let scene = scene();
    let client = scene.application().with("anthropic-version", "2023-06-01");
    for path in ["/v1/chat/completions", "/v1/responses"] {
        let route = Route { dialect: Dialect::Chat, path: path.to_owned(), body: Value::Null };
        route.told(&client, b"{", 400);
    }
    let models = Route { dialect: Dialect::Anthropic, path: "/v1/models/none".into(), body: Value::Null };
    models.checked(&client.get("/v1/models/none"), 404, "Anthropic's SDK lists models");
}

#[test]
fn what_a_provider_has_stored_is_asked_of_openai_alone() {
    let scene = scene();
    for dialect in [Dialect::Chat, Dialect::Anthropic, Dialect::Gemini] {
        scene.gateway.add_model_of(dialect, dialect.name(), dialect.name(), &scene.upstream);
    }
    scene.gateway.add_provider_of("x", "xai", &scene.upstream);
    scene.gateway.add_model("grok", "x", &farthing_support::scene::prices());
    for (field, value) in [
        ("previous_response_id", json!("resp_0")),
        ("conversation", json!("conv_0")),
        ("prompt", json!({"id": "pmpt_0"})),
        ("background", json!(true)),
        ("input", json!([{"type": "item_reference", "id": "rs_0"}])),
    ] {
        let asked = |model: &str| {
            let mut body = json!({"model": model, "input": "go on", "max_output_tokens": 9});
            body[field] = value.clone();
            body
        };
        for model in ["openai_chat", "anthropic", "gemini", "grok"] {
            let answer = scene.application().post("/v1/responses", &asked(model));
            assert_eq!(answer.status, 400, "{field} {model}: {}", answer.text());
            let message = Dialect::Responses.error_message(&answer.json());
            assert_eq!(Dialect::Responses.error_field(&answer.json()), field, "{model}: {message}");
            assert_eq!(answer.json()["error"]["code"], "unsupported_field");
        }
        // The scene's own model is at OpenAI, which has Responses; but nobody could book what goes on in the background.
        if field == "background" {
            assert_eq!(scene.application().post("/v1/responses", &asked(MODEL)).status, 400);
            continue;
        }
        scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
        let body = asked(MODEL);
        let answer = scene.application().post("/v1/responses", &body);
        assert_eq!(answer.status, 200, "{field}: {}", answer.text());
        let seen = scene.upstream.journal().pop().unwrap();
        assert_eq!((seen.path.as_str(), seen.json()), ("/v1/responses", body), "{field}");
    }
}

#[test]
fn a_models_name_may_be_odd_in_geminis_path() {
    let scene = scene();
    for (name, path) in [
        ("org/model:7b", "org/model:7b"),
        ("org/model:8b", "org%2Fmodel%3A8b"),
        ("a b%é+", "a%20b%25%C3%A9%2B"),
        ("x?y", "x%3Fy"),
    ] {
        scene.gateway.add_model(name, "openai", &farthing_support::scene::prices());
        scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
        let body = &routes(MODEL)[3].body;
        let answer = scene.application().post(&format!("/v1beta/models/{path}:generateContent"), body);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(scene.upstream.journal().pop().unwrap().json()["model"], name);
    }
}

#[test]
fn budgets_and_limits_refuse_in_the_words_of_the_route() {
    let scene = scene();
    scene.gateway.add_project("poor", Some("0.000001"));
    let poor = scene.gateway.application(&scene.gateway.add_key("poor", &json!({})).secret);
    let counts = |route: &Route| route.path.ends_with("ountTokens") || route.path.ends_with("count_tokens");
    for route in routes(MODEL).into_iter().filter(|route| !counts(route)) {
        let answer = poor.post(&route.path, &route.body);
        assert!(route.checked(&answer, 402, &route.path).contains("budget"), "{}", answer.text());
        assert_eq!(answer.header("x-should-retry"), Some("false"));

        let slow = scene.gateway.add_key(farthing_support::scene::PROJECT, &json!({"limits": {"rpm": 1}}));
        let slow = scene.gateway.application(&slow.secret);
        scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
        assert_eq!(slow.post(&route.path, &route.body).status, 200);
        let answer = slow.post(&route.path, &route.body);
        route.checked(&answer, 429, &route.path);
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
}

#[test]
fn nothing_is_lost_by_all_that() {
    let scene: Scene = scene();
    for route in routes(MODEL) {
        route.told(&scene.application(), b"{", 400);
        if !route.path.ends_with("ountTokens") && !route.path.ends_with("count_tokens") {
            scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
        }
        let answer = scene.application().post(&route.path, &route.body);
        assert_eq!(answer.status, 200, "{}: {}", route.path, answer.text());
    }
    assert_eq!(scene.gateway.verdict()["open_holds"], 0);
}

//! Groups and shares: one model name for several models, how one of them is chosen, and that the reason is kept.

use std::time::Duration;

use farthing_support::gateway::openai_error;
use farthing_support::scene::{MODEL, ask, prices};
use farthing_support::{Answer, Reply, Scene, Tokens, Upstream};
use serde_json::{Value, json};

use crate::scene;

/// A second provider with a deployment; what it answers comes from `upstream`.
fn add(scene: &Scene, provider: &str, upstream: &Upstream, model: &Value) -> Value {
    let known = scene.gateway.list("/api/providers").iter().any(|known| known["name"] == provider);
    if !known {
        scene.gateway.add_provider(provider, upstream);
    }
    upstream.always(Reply::chat(Tokens::plain(7, 3)));
    let mut body = json!({"provider": provider, "upstream_model": "other", "prices": prices()});
    body.as_object_mut().unwrap().extend(model.as_object().unwrap().clone());
    scene.gateway.create("/api/models", &body)
}

fn say(scene: &Scene, model: &str, words: &str) -> Answer {
    let answer = scene.chat(&ask(&json!({"model": model, "messages": [{"role": "user", "content": words}]})));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn route(scene: &Scene, answer: &Answer) -> Vec<String> {
    serde_json::from_value(scene.recorded(answer)["route"].clone()).unwrap()
}

fn provider(answer: &Answer) -> String {
    answer.header("x-farthing-provider").unwrap().to_owned()
}

fn explain(scene: &Scene, question: &Value) -> Value {
    let answer = scene.gateway.operator().post("/api/routes/explain", question);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn equals_share_conversations_by_weight_and_a_conversation_stays_until_its_deployment_is_out() {
    const CONVERSATIONS: usize = 160;
    let (scene, second) = (scene(), Upstream::start());
    scene.upstream.always(Reply::chat(Tokens::plain(7, 3)));
    add(&scene, "spare", &second, &json!({"name": MODEL, "weight": 3}));
    let went: Vec<_> = (0..CONVERSATIONS).map(|at| provider(&say(&scene, MODEL, &format!("number {at}")))).collect();
    let spare = went.iter().filter(|provider| *provider == "spare").count();
    // One to three: the standard deviation is 5.5, and this is six of them.
    assert!(spare.abs_diff(CONVERSATIONS * 3 / 4) <= 33, "{spare} of {CONVERSATIONS}");

    // The conversation goes on where it began, whatever is said further on.
    let at = went.iter().position(|provider| provider == "spare").unwrap();
    let begun = json!({"role": "user", "content": format!("number {at}")});
    let further = json!([begun, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "and now?"}]);
    for _ in 0..3 {
        let answer = scene.chat(&ask(&json!({"messages": further, "temperature": 0.5})));
        assert_eq!(provider(&answer), "spare");
        assert_eq!(route(&scene, &answer), vec![format!("weighted: one of 2 → {MODEL} at spare")]);
    }

    // Out: it moves to the other, at once and then without being tried; those of the other have stayed.
    second.always(Reply::error(500, "out of order"));
    for _ in 0..3 {
        let answer = scene.chat(&ask(&json!({"messages": further})));
        assert_eq!((answer.status, provider(&answer).as_str()), (200, "openai"));
    }
    let answer = scene.chat(&ask(&json!({"messages": further})));
    assert_eq!((provider(&answer).as_str(), answer.header("x-farthing-attempts")), ("openai", Some("1")));
    assert_eq!(route(&scene, &answer)[1], format!("left out: {MODEL} at spare: circuit open"));
    let told = explain(&scene, &json!({"model": MODEL}));
    assert_eq!(
        (&told["candidates"][0]["provider"], &told["left_out"][0]["reason"]),
        (&json!("openai"), &json!("circuit open"))
    );
}

#[test]
fn rules_look_at_pictures_tools_tags_tokens_and_words() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(7, 3)));
    for model in ["seeing", "handy", "slow", "long", "kind"] {
        scene.gateway.add_model(model, "openai", &prices());
    }
    let target = |model: &str, when: Value| json!({"model": model, "when": when});
    let group = json!({"name": "smart", "strategy": "rules", "targets": [
        target("seeing", json!({"images": true})), target("handy", json!({"tools": true})),
        target("slow", json!({"tags": ["batch"]})), target("long", json!({"min_input_tokens": 500})),
        target("kind", json!({"keywords": ["Refund"]})), {"model": MODEL},
    ]});
    let made = scene.gateway.create("/api/groups", &group);
    assert!(made["id"].as_str().unwrap().starts_with("grp_"), "{made}");
    let picture = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]);
    let tool = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    let words = |words: &str| json!({"messages": [{"role": "user", "content": words}]});
    let asked = [
        (json!({"messages": picture}), "images", "seeing"),
        (json!({"tools": tool}), "tools", "handy"),
        (words(&"a longer story ".repeat(300)), "input tokens", "long"),
        (words("I want a REFUND now"), "keyword Refund", "kind"),
        (words("hello"), "any request", MODEL),
    ];
    for (mut body, reason, model) in asked {
        body["model"] = json!("smart");
        let answer = scene.chat(&ask(&body));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let route = route(&scene, &answer);
        let (front, back) = ("group smart: rules matched ", format!("{reason} → {model}"));
        assert!(route[0].starts_with(front) && route[0].ends_with(&back), "{route:?}");
        let row = scene.recorded(&answer);
        assert_eq!((&row["model"], &row["upstream_model"]), (&json!("smart"), &json!(model)), "{row}");
    }
    let tagged = scene.application().with("x-farthing-tags", "night, batch");
    let answer = tagged.post("/v1/chat/completions", &ask(&json!({"model": "smart"})));
    assert_eq!(route(&scene, &answer), vec!["group smart: rules matched tag batch → slow"]);

    // The same by asking, with what it would cost; nothing is sent for that.
    let calls = scene.upstream.calls();
    let told =
        explain(&scene, &json!({"model": "smart", "text": "a refund", "input_tokens": 1_000_000, "output_tokens": 0}));
    assert_eq!(told["route"][0], "group smart: rules matched 1000000 input tokens → long");
    let order: Vec<_> = told["candidates"].as_array().unwrap().iter().map(|it| it["model"].as_str().unwrap()).collect();
    assert_eq!(order, vec!["long", "kind", MODEL]);
    assert_eq!(told["candidates"][0]["cost_usd"], "0.15");
    assert_eq!(explain(&scene, &json!({"model": "nothing"}))["refused"], "no such model");
    assert_eq!(scene.upstream.calls(), calls);
}

#[test]
fn a_group_is_a_model_to_applications() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(7, 3)));
    scene
        .gateway
        .create("/api/groups", &json!({"name": "team/smart", "strategy": "ordered", "targets": [{"model": MODEL}]}));
    let listed = scene.application().get("/v1/models").json();
    let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, vec![MODEL, "team/smart"]);
    assert_eq!(scene.application().get("/v1/models/team/smart").json()["owned_by"], "farthing");
    // The key's list names the group; what is behind it is the operator's business.
    let key = scene.gateway.add_key("team-a", &json!({"name": "narrow", "allowed_models": ["team/*"]}));
    let narrow = scene.gateway.application(&key.secret);
    assert_eq!(narrow.post("/v1/chat/completions", &ask(&json!({"model": "team/smart"}))).status, 200);
    openai_error(&narrow.post("/v1/chat/completions", &ask(&json!({}))), 404);
    let counted = json!({"model": "team/smart", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]});
    assert_eq!(narrow.post("/v1/messages/count_tokens", &counted).status, 200);
    let told = explain(&scene, &json!({"model": MODEL, "key": key.id}));
    assert_eq!(told["refused"], "this key or project may not use the model");
}

#[test]
fn groups_are_made_shown_replaced_and_removed_and_never_in_a_circle() {
    let mut scene = scene();
    let operator = scene.gateway.operator();
    let ordered = |name: &str, targets: Value| json!({"name": name, "strategy": "ordered", "targets": targets});
    scene.gateway.create("/api/groups", &ordered("inner", json!([{"model": MODEL}])));
    let outer = scene.gateway.create("/api/groups", &ordered("outer", json!([{"group": "inner"}, {"model": MODEL}])));
    let put = |path: &str, body: &Value| operator.send("PUT", path, body.to_string().as_bytes()).unwrap();

    let circle = put("/api/groups/inner", &ordered("inner", json!([{"group": "outer"}])));
    assert_eq!(circle.status, 400);
    let message = circle.json()["error"]["message"].to_string();
    assert!(message.contains("inner → outer → inner") || message.contains("outer → inner → outer"), "{message}");
    for path in
        ["/api/groups/inner", &format!("/api/models/{}", scene.gateway.list("/api/models")[0]["id"].as_str().unwrap())]
    {
        assert_eq!(operator.send("DELETE", path, b"").unwrap().status, 409, "{path}");
    }
    let taken = operator.post("/api/groups", &ordered(MODEL, json!([{"group": "inner"}])));
    assert_eq!(taken.status, 409, "{}", taken.text());

    let changed = json!({"name": "outer", "strategy": "weighted", "targets": [{"group": "inner", "weight": 2}]});
    assert_eq!(put("/api/groups/outer", &changed).status, 200);
    scene.gateway.stop();
    scene.gateway.restart();
    let shown = scene.gateway.operator().get(&format!("/api/groups/{}", outer["id"].as_str().unwrap())).json();
    assert_eq!((&shown["strategy"], &shown["targets"]), (&changed["strategy"], &changed["targets"]), "{shown}");
    assert_eq!(shown["created_at"], outer["created_at"]);
    for name in ["outer", "inner"] {
        assert_eq!(scene.gateway.operator().send("DELETE", &format!("/api/groups/{name}"), b"").unwrap().status, 204);
    }
    assert!(scene.gateway.list("/api/groups").is_empty());
}

#[test]
fn figures_choose_the_cheapest_and_the_soonest() {
    let (scene, second) = (scene(), Upstream::start());
    scene.upstream.always(Reply::chat(Tokens::plain(7, 3)).after(Duration::from_millis(600)));
    let dearer = json!({"input_cost_per_m": "1", "output_cost_per_m": "1"});
    add(&scene, "spare", &second, &json!({"name": "dear", "prices": dearer}));
    let group = |name: &str, strategy: &str| json!({"name": name, "strategy": strategy, "targets": [{"model": "dear"}, {"model": MODEL}]});
    scene.gateway.create("/api/groups", &group("cheap", "lowest_price"));
    scene.gateway.create("/api/groups", &group("fast", "lowest_latency"));
    let answer = say(&scene, "cheap", "hello");
    assert_eq!(route(&scene, &answer), vec![format!("group cheap: lowest_price → {MODEL} at openai")]);

    // Who is not known yet is tried first, so both become known; then the sooner one has them all.
    let both = || {
        explain(&scene, &json!({"model": "fast"}))["candidates"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["latency_ms"].is_u64())
    };
    let learnt = (0..20).any(|at| {
        say(&scene, "fast", &format!("number {at}"));
        both()
    });
    assert!(learnt, "{}", explain(&scene, &json!({"model": "fast"})));
    for at in 0..5 {
        assert_eq!(provider(&say(&scene, "fast", &format!("later {at}"))), "spare");
    }
}

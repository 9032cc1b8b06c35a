//! Shadow mode: limits and budgets that decide and count, and refuse nothing.

use farthing_support::scene::{MODEL, PROJECT, ask, cost};
use farthing_support::{Answer, Key, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

const TOKENS: Tokens = Tokens { prompt: 100, cached: 0, completion: 30, reasoning: 0 };
const CHAT: &str = "/v1/chat/completions";

fn busy() -> Scene {
    let scene = scene();
    scene.upstream.always(Reply::chat(TOKENS));
    scene
}

fn call(scene: &Scene, key: &Key) -> Answer {
    scene.gateway.application(&key.secret).post(CHAT, &ask(&json!({})))
}

fn statuses(scene: &Scene, key: &Key, calls: usize) -> Vec<u16> {
    (0..calls).map(|_| call(scene, key).status).collect()
}

/// What the shadow has counted: scope, rule and number.
fn counts(scene: &Scene, query: &str) -> Vec<(String, String, u64)> {
    let report = scene.gateway.operator().get(&format!("/api/shadow{query}"));
    assert_eq!(report.status, 200, "{}", report.text());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let count =
        |count: &Value| (text(&count["scope"]), text(&count["rule"]), count["would_have_refused"].as_u64().unwrap());
    report.json()["data"].as_array().unwrap().iter().map(count).collect()
}

fn change(scene: &Scene, path: &str, change: &Value) -> Value {
    let answer = scene.gateway.operator().send("PATCH", path, change.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_shadow_budget_lets_calls_pass_books_them_and_counts_what_it_would_have_refused() {
    let scene = busy();
    // A hold is for the prompt and 100 tokens of answer: far below 1.5 calls, which the first call fits.
    let limit = Picos(cost(TOKENS).0 * 5 / 2);
    let budget = |mode: &str| json!({"budget": {"limit_usd": format!("0.{:012}", limit.0), "window": "total", "time_zone": "UTC", "mode": mode}});
    let strict = scene.gateway.add_key(PROJECT, &budget("enforce"));
    let passed = statuses(&scene, &strict, 6).into_iter().filter(|status| *status == 200).count();
    assert!((1..6).contains(&passed), "the budget bites in the middle: {passed}");

    let key = scene.gateway.add_key(PROJECT, &budget("shadow"));
    assert_eq!(statuses(&scene, &key, 6), [200; 6]);
    // Without the cap lowered to what is left of it, as an enforced one does.
    let refused = u64::try_from(6 - passed).unwrap();
    assert_eq!(counts(&scene, ""), [(key.id.clone(), "budget".to_owned(), refused)]);
    let shown = scene.gateway.operator().get(&format!("/api/keys/{}", key.id)).json();
    assert_eq!(shown["budget"]["mode"], "shadow");
    assert_eq!(Picos::of(&shown["budget"]["spent_usd"]), Picos(cost(TOKENS).0 * 6), "all of them are booked");

    let report = scene.gateway.operator().get("/api/shadow").json();
    let latest = &report["data"][0]["latest"];
    assert_eq!(latest.as_array().unwrap().len(), 6 - passed);
    assert_eq!((&latest[0]["key"], &latest[0]["model"]), (&json!(key.id), &json!(MODEL)));
    let named = scene.gateway.request(latest[0]["request"].as_str().unwrap());
    assert_eq!((&named["status"], &named["key"]), (&json!("ok"), &json!(key.id)));

    // Enforced from now on, what was spent counts.
    let path = format!("/api/keys/{}", key.id);
    change(&scene, &path, &budget("enforce"));
    assert_eq!(call(&scene, &key).status, 402);
    assert_eq!(counts(&scene, "").len(), 1, "what is refused is not counted");
    change(&scene, &path, &budget("shadow"));
    assert_eq!(call(&scene, &key).status, 200);
    assert_eq!(counts(&scene, "")[0].2, refused + 1);
}

#[test]
fn a_shadow_limit_counts_exactly_what_it_would_have_refused() {
    let scene = busy();
    let limits = |mode: &str| json!({"limits": {"rpm": 6, "mode": mode}});
    let strict = scene.gateway.add_key(PROJECT, &limits("enforce"));
    // One at once, and the next in ten seconds.
    assert_eq!(statuses(&scene, &strict, 3), [200, 429, 429]);
    let shadowed = scene.gateway.add_key(PROJECT, &limits("shadow"));
    let first = call(&scene, &shadowed);
    assert_eq!((first.status, first.header("x-ratelimit-limit-requests")), (200, None), "nobody need keep to it");
    assert_eq!(statuses(&scene, &shadowed, 2), [200; 2]);
    assert_eq!(counts(&scene, ""), [(shadowed.id.clone(), "rpm".to_owned(), 2)]);
    let other = scene.gateway.add_key(PROJECT, &json!({"limits": {"tpm": 1, "concurrency": 1, "mode": "shadow"}}));
    assert_eq!(statuses(&scene, &other, 3), [200; 3]);
    assert!(counts(&scene, "").contains(&(other.id.clone(), "tpm".to_owned(), 2)), "{:?}", counts(&scene, ""));
}

#[test]
fn what_is_refused_for_another_reason_is_not_counted_and_counts_belong_to_projects() {
    let scene = busy();
    let projects = scene.gateway.list("/api/projects");
    let path = format!("/api/projects/{}", projects[0]["id"].as_str().unwrap());
    let id = change(&scene, &path, &json!({"limits": {"rpm": 6, "mode": "shadow"}}))["id"].as_str().unwrap().to_owned();
    scene.gateway.add_project("team-b", None);
    let strict = scene.gateway.add_key(PROJECT, &json!({"max_requests": 2}));
    assert_eq!(statuses(&scene, &strict, 4), [200, 200, 402, 402]);
    assert_eq!(counts(&scene, ""), [(id.clone(), "rpm".to_owned(), 1)]);
    assert_eq!(counts(&scene, &format!("?project={PROJECT}")).len(), 1);
    assert_eq!(counts(&scene, "?project=team-b"), []);

    let url = format!("http://{}", scene.gateway.address());
    let shown = scene.gateway.command(&["shadow", "show", "--url", &url]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("rpm"), "{shown:?}");
    assert!(scene.gateway.command(&["shadow", "forget", "--url", &url]).status.success());
    assert_eq!(counts(&scene, ""), []);
}

#[test]
fn a_shadow_budget_asks_neither_for_a_price_nor_for_a_cap_and_survives_a_restart() {
    let mut scene = busy();
    let unpriced = json!({"name": "free", "provider": "openai", "upstream_model": "free"});
    scene.gateway.create("/api/models", &unpriced);
    let budget = json!({"limit_usd": "0.000000000001", "window": "total", "time_zone": "UTC", "mode": "shadow"});
    scene.gateway.add_project("team-b", None);
    let key = scene.gateway.add_key("team-b", &json!({"budget": budget, "limits": {"rpm": 6, "mode": "shadow"}}));
    let ask = json!({"model": "free", "messages": [{"role": "user", "content": "hello"}]});
    let answer = scene.gateway.application(&key.secret).post(CHAT, &ask);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.upstream.only().json(), ask, "the body is the client's");
    assert!(scene.gateway.stop().success());
    scene.gateway.restart();
    let shown = scene.gateway.operator().get(&format!("/api/keys/{}", key.id)).json();
    assert_eq!((&shown["budget"]["mode"], &shown["limits"]["mode"]), (&json!("shadow"), &json!("shadow")));
    assert_eq!(statuses(&scene, &key, 3), [200; 3]);
    let counted: Vec<_> = counts(&scene, "").into_iter().map(|(_, rule, count)| (rule, count)).collect();
    assert_eq!(counted, [("budget".to_owned(), 3), ("rpm".to_owned(), 2)]);
}

/// The sums of the only group in the shadow.
fn detours(scene: &Scene) -> Value {
    let report = scene.gateway.operator().get("/api/shadow").json();
    assert_eq!(report["routes"].as_array().map(Vec::len), Some(1), "{report}");
    report["routes"][0].clone()
}

#[test]
fn a_group_in_the_shadow_decides_about_calls_it_does_not_serve_and_says_what_that_would_have_cost() {
    let scene = busy();
    let cheap =
        scene.gateway.add_model("cheap", "openai", &json!({"input_cost_per_m": "0.01", "output_cost_per_m": "0.02"}));
    let targets =
        json!([{"model": "cheap", "when": {"keywords": ["hello"]}}, {"model": MODEL, "when": {"keywords": ["stay"]}}]);
    let group = json!({"name": "thrift", "strategy": "rules", "shadows": MODEL, "targets": targets});
    let made = scene.gateway.create("/api/groups", &group);
    assert_eq!(made["shadows"], MODEL);

    let say = |text: &str| {
        let body = json!({"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": text}]});
        let answer = scene.application().post(CHAT, &body);
        assert_eq!((answer.status, answer.header("x-farthing-model")), (200, Some(MODEL)), "{}", answer.text());
        answer.header("x-farthing-request-id").unwrap().to_owned()
    };
    let moved = say("hello");
    say("stay");
    let nowhere = say("neither");
    let told = detours(&scene);
    let sums = ["calls", "would_have_moved", "would_have_refused", "unpriced"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(sums, [3, 1, 1, 0], "{told}");
    assert_eq!((&told["name"], &told["shadows"]), (&json!("thrift"), &json!(MODEL)));
    let there = Picos::rounded(Picos::millionths("0.01", TOKENS.prompt) + Picos::millionths("0.02", TOKENS.completion));
    assert_eq!(Picos::of(&told["cost_usd"]), Picos(cost(TOKENS).0 * 2), "of the two that can be compared");
    assert_eq!(Picos::of(&told["would_cost_usd"]), Picos(there.0 + cost(TOKENS).0));
    let latest = told["latest"].as_array().unwrap();
    assert_eq!((latest.len(), &latest[0]["request"], &latest[1]["request"]), (2, &json!(nowhere), &json!(moved)));
    assert_eq!((&latest[0]["would_have_asked"], &latest[1]["would_have_asked"]), (&Value::Null, &cheap["id"]));
    assert_eq!(Picos::of(&latest[1]["would_cost_usd"]), there);

    // It may be asked by its own name, and is no shadow of that.
    let own = json!({"model": "thrift", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]});
    assert_eq!(scene.application().post(CHAT, &own).header("x-farthing-model"), Some("cheap"));
    assert_eq!(detours(&scene)["calls"], 3);
    let url = format!("http://{}", scene.gateway.address());
    let shown = scene.gateway.command(&["shadow", "routes", "--url", &url]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("thrift"), "{shown:?}");
}

#[test]
fn a_group_shadows_one_that_is_there_that_nobody_else_shadows_and_that_asks_no_judge() {
    let scene = busy();
    scene.gateway.add_model("cheap", "openai", &json!({"input_cost_per_m": "0.01", "output_cost_per_m": "0.02"}));
    let group = |name: &str, shadows: &str| json!({"name": name, "strategy": "ordered", "shadows": shadows, "targets": [{"model": "cheap"}]});
    scene.gateway.create("/api/groups", &group("thrift", MODEL));
    let mut judged = group("judged", "cheap");
    judged["strategy"] = json!("classifier");
    judged["classifier"] = json!({"model": MODEL, "scale": 2});
    for (wrong, why) in [
        (group("other", MODEL), "shadows already"),
        (group("other", "other"), "must name another"),
        (group("other", "nothing"), "must name another"),
        (judged, "not for a classifier"),
    ] {
        let answer = scene.gateway.operator().post("/api/groups", &wrong);
        assert!(answer.status == 400 && answer.text().contains(why), "{wrong}: {}", answer.text());
    }
}

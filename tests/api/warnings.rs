//! Thresholds of budgets: each told once in a window by log and feed, shown where the budget is, and not told again by a
//! restart.

use farthing_support::poll::{PATIENCE, until};
use farthing_support::{Key, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::budgets::exact;
use crate::dashboard::Socket;
use crate::scene;

const TOLD: &str = "a budget is spent to one of its thresholds";

/// A project that a key of its own has spent some of, at a cent for each call.
struct Spender {
    scene: Scene,
    key: Key,
    project: Value,
    body: Value,
}

impl Spender {
    fn new(budget: &Value) -> Self {
        let scene = scene();
        let body = exact(&scene);
        scene.upstream.always(Reply::chat(Tokens::plain(1, 10)));
        let project = scene.gateway.create("/api/projects", &json!({"name": "spender", "budget": budget}));
        let own = json!({"budget": {"limit_usd": "0.10", "window": "day", "warn_percent": [50]}});
        let key = scene.gateway.add_key("spender", &own);
        Self { scene, key, project, body }
    }

    fn feed(&self) -> Socket {
        let token = format!("Bearer {}", self.scene.gateway.management_token());
        Socket::open(&self.scene.gateway, &[("authorization", &token)]).1
    }

    fn call(&self, times: usize) {
        for _ in 0..times {
            let answer = self.scene.gateway.application(&self.key.secret).post("/v1/chat/completions", &self.body);
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }

    fn path(&self) -> String {
        format!("/api/projects/{}", self.project["id"].as_str().unwrap())
    }

    fn patch(&self, budget: &Value) -> (u16, Value) {
        let change = json!({ "budget": budget }).to_string();
        let answer = self.scene.gateway.operator().send("PATCH", &self.path(), change.as_bytes()).unwrap();
        (answer.status, answer.json()["budget"].clone())
    }

    fn shown(&self) -> Value {
        self.scene.gateway.operator().get(&self.path()).json()["budget"]["warned_percent"].clone()
    }

    fn told(&self) -> usize {
        self.scene.gateway.logs().matches(TOLD).count()
    }
}

fn spent(event: &Value) -> (u64, Picos) {
    (event["percent"].as_u64().unwrap(), Picos::of(&event["spent_usd"]))
}

#[test]
fn each_threshold_is_told_once_and_not_again_by_a_restart() {
    let mut spender = Spender::new(&json!({"limit_usd": "0.06", "window": "total", "warn_percent": [60, 50]}));
    assert_eq!(spender.project["budget"]["warn_percent"], json!([50, 60]));
    let mut feed = spender.feed();
    spender.call(2);
    assert_eq!(spender.shown(), Value::Null);
    spender.call(3);
    let half = feed.event("budget");
    assert_eq!(spent(&half), (50, Picos::parse("0.03")), "{half}");
    assert_eq!((&half["project_id"], &half["key_id"]), (&spender.project["id"], &Value::Null));
    assert_eq!((&half["name"], Picos::of(&half["limit_usd"])), (&json!("spender"), Picos::parse("0.06")));
    assert_eq!(spent(&feed.event("budget")), (60, Picos::parse("0.04")));
    let own = feed.event("budget");
    assert_eq!(spent(&own), (50, Picos::parse("0.05")), "{own}");
    assert_eq!(own["project_id"], spender.project["id"]);
    assert!(own["key_id"].is_string() && own["window_end"].is_i64(), "{own}");
    assert_eq!(spender.shown(), 60);
    let seen = spender.scene.gateway.application(&spender.key.secret).get("/v1/key").json();
    let warned = |budget: &str| seen[budget]["warned_percent"].clone();
    assert_eq!((warned("budget"), warned("project_budget")), (json!(50), json!(60)), "{seen:#}");

    spender.scene.gateway.settled();
    spender.scene.gateway.kill_9();
    spender.scene.gateway.restart();
    assert_eq!(spender.shown(), 60);
    let mut feed = spender.feed();
    // Set to what it is, and so high that nothing is crossed any more; then so that one is crossed once more.
    for (limit, warned) in [("0.06", json!(60)), ("1", Value::Null), ("0.09", json!(50))] {
        let (status, budget) = spender.patch(&json!({"limit_usd": limit, "warn_percent": [50, 60]}));
        assert_eq!((status, &budget["warned_percent"]), (200, &warned), "{limit}: {budget}");
    }
    assert_eq!(spent(&feed.event("budget")), (50, Picos::parse("0.05")));
    until("four lines", PATIENCE, || (spender.told() >= 4).then_some(()));
    assert_eq!(spender.told(), 4, "once for each");
}

#[test]
fn thresholds_are_whole_percents_and_there_are_usual_ones() {
    let spender = Spender::new(&json!({"limit_usd": "1"}));
    assert_eq!(spender.project["budget"]["warn_percent"], json!([80, 95, 100]));
    for wrong in [json!([0]), json!([101]), json!([-5]), json!([50.5]), json!(80), json!(["80"])] {
        assert_eq!(spender.patch(&json!({"limit_usd": "1", "warn_percent": wrong})).0, 400, "{wrong}");
    }
    let (_, budget) = spender.patch(&json!({"limit_usd": "0.02", "warn_percent": []}));
    assert_eq!(budget["warn_percent"], json!([]));
    spender.call(2);
    assert_eq!((spender.shown(), spender.told()), (Value::Null, 0), "nobody is warned who does not want it");
}

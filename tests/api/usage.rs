//! `/api/usage/*`: every figure is the sum of what `/api/requests` tells line by line, and every page is strict.

use std::collections::BTreeMap;

use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Answer, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

/// Requests, input and output tokens, dollars.
type Sum = (u64, u64, u64, Picos);

/// Calls of two projects, the second below the first, of two models, and some that a budget refuses.
fn busy() -> Scene {
    let scene = scene();
    scene.gateway.add_model("other", "openai", &prices());
    scene.gateway.create("/api/projects", &json!({"name": "=below", "parent": PROJECT, "allowed_models": ["*"]}));
    scene.gateway.add_project("poor", Some("0.000000001"));
    let (below, poor) = (scene.gateway.add_key("=below", &json!({})), scene.gateway.add_key("poor", &json!({})));
    scene.upstream.always(Reply::chat(Tokens { prompt: 70, cached: 20, completion: 9, reasoning: 4 }));
    let call = |secret: &str, model: &str, times: usize, status: u16| {
        for _ in 0..times {
            let answer = scene.gateway.application(secret).post("/v1/chat/completions", &ask(&json!({"model": model})));
            assert_eq!(answer.status, status, "{}", answer.text());
        }
    };
    call(&scene.key.secret, MODEL, 3, 200);
    call(&scene.key.secret, "other", 2, 200);
    call(&below.secret, MODEL, 4, 200);
    call(&poor.secret, MODEL, 2, 402);
    scene.gateway.settled();
    scene
}

fn get(scene: &Scene, path: &str) -> Value {
    let answer = scene.gateway.operator().get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn told(figures: &Value) -> Sum {
    let count = |pointer: &str| figures.pointer(pointer).and_then(Value::as_u64).unwrap();
    (count("/requests"), count("/usage/input"), count("/usage/output"), Picos::of(&figures["cost_usd"]))
}

fn plus(sum: Sum, row: Sum) -> Sum {
    (sum.0 + row.0, sum.1 + row.1, sum.2 + row.2, sum.3 + row.3)
}

/// The sums of the lines of `/api/requests` by a field of theirs.
fn by_hand(lines: &[Value], field: &str) -> BTreeMap<String, Sum> {
    let mut sums = BTreeMap::new();
    for line in lines {
        let mut line = line.clone();
        line["requests"] = json!(1);
        // What was refused before a provider was chosen belongs to no model.
        let group = if line["provider"].is_null() && field == "model" { &Value::Null } else { &line[field] };
        let sum = sums.entry(group.as_str().unwrap_or("").to_owned()).or_insert((0, 0, 0, Picos::parse("0")));
        *sum = plus(*sum, told(&line));
    }
    sums
}

#[test]
fn every_sum_is_the_sum_of_the_requests() {
    let scene = busy();
    let lines = scene.gateway.list("/api/requests");
    assert_eq!(lines.len(), 11, "{lines:#?}");
    for (by, field) in [("project", "project_id"), ("key", "key"), ("model", "model"), ("provider", "provider_id")] {
        let rows = scene.gateway.list(&format!("/api/usage/breakdown?by={by}"));
        let id = |row: &Value| row["id"].as_str().unwrap_or("").to_owned();
        let shown: BTreeMap<_, _> = rows.iter().map(|row| (id(row), told(row))).collect();
        assert_eq!(shown, by_hand(&lines, field), "{by}: {rows:#?}");
        let costs: Vec<_> = rows.iter().map(|row| Picos::of(&row["cost_usd"])).collect();
        assert!(costs.is_sorted_by(|left, right| left >= right), "{rows:#?}");
    }
    let whole = by_hand(&lines, "no such field").remove("").unwrap();
    let summary = get(&scene, "/api/usage/summary");
    assert_eq!((told(&summary), &summary["refused"], &summary["behind"]), (whole, &json!(2), &json!(0)));
    assert_eq!(summary["usage"]["cache_read"], json!(9 * 20), "{summary}");
    for question in ["series?interval=hour", "series?interval=day", "series?interval=month", "breakdown?by=day"] {
        for zone in ["UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Auckland"] {
            let rows = scene.gateway.list(&format!("/api/usage/{question}&time_zone={zone}"));
            let sum = rows.iter().map(told).fold((0, 0, 0, Picos::parse("0")), plus);
            assert_eq!(sum, whole, "{question} in {zone}");
        }
    }
    assert_eq!(get(&scene, "/api/usage/summary?from=2020-01-01&to=2020-02-01")["requests"], 0);
}

#[test]
fn filters_narrow_and_children_count_only_if_asked() {
    let scene = busy();
    let requests = |query: &str| get(&scene, &format!("/api/usage/summary?{query}"))["requests"].clone();
    let key = &scene.key.id;
    for (query, expected) in [
        (format!("project={PROJECT}"), 5),
        (format!("project={PROJECT}&include_children=true"), 9),
        (format!("project={PROJECT}&model=other"), 2),
        (format!("key={key}&model={MODEL}&provider=openai"), 3),
        ("project=poor".to_owned(), 2),
        ("project=poor&provider=openai".to_owned(), 0),
        ("model=never-called".to_owned(), 0),
    ] {
        assert_eq!(requests(&query), expected, "{query}");
    }
    let pages = scene.gateway.operator();
    let first = pages.get("/api/usage/breakdown?by=project&limit=1").json();
    let second = format!("/api/usage/breakdown?by=project&limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = pages.get(&second).json();
    assert_eq!((first["data"].as_array().unwrap().len(), second["data"].as_array().unwrap().len()), (1, 2));
    assert!(second["next_cursor"].is_null() && first["data"][0]["id"] != second["data"][0]["id"], "{second}");
}

#[test]
fn a_file_has_the_same_sums_and_no_formulas() {
    let scene = busy();
    let csv = scene.gateway.operator().get("/api/usage/export");
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"), "{:?}", csv.header("content-type"));
    let text = csv.text();
    let mut lines = text.split_terminator("\r\n").map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    assert!(head.starts_with(&["day", "project_id", "project", "key_id", "key", "model", "provider_id", "provider"]));
    let rows: Vec<BTreeMap<_, _>> = lines.map(|cells| head.iter().copied().zip(cells).collect()).collect();
    assert!(rows.len() >= 4 && rows.iter().all(|row| row.len() == head.len()), "{text}");
    assert!(rows.iter().any(|row| row["project"] == "'=below"), "{text}");
    let total = rows.iter().map(|row| Picos::parse(row["cost_usd"])).fold(Picos::parse("0"), |sum, row| sum + row);
    assert_eq!(total, Picos::of(&get(&scene, "/api/usage/summary")["cost_usd"]));
    let json = get(&scene, "/api/usage/export?format=json&by=model");
    let models: Vec<_> = json["data"].as_array().unwrap().iter().map(|row| (&row["model"], &row["requests"])).collect();
    assert_eq!(models, [(&json!(""), &json!(2)), (&json!(MODEL), &json!(7)), (&json!("other"), &json!(2))]);
    let address = std::fs::read_to_string(scene.gateway.data_dir().join("address")).unwrap();
    let url = format!("http://{address}");
    let printed = scene.gateway.command(&["usage", "--by", "model", "--csv", "--url", &url]);
    assert!(String::from_utf8_lossy(&printed.stdout).starts_with("model,requests,"), "{printed:?}");
    let printed = scene.gateway.command(&["usage", "--project", "=below", "--url", &url]);
    assert!(String::from_utf8_lossy(&printed.stdout).contains("=below"), "{printed:?}");
}

#[test]
fn latencies_are_told_by_point_and_by_provider() {
    let scene = busy();
    let told = get(&scene, "/api/usage/latency");
    let points = told["data"].as_array().unwrap();
    let sum = |rows: &[Value]| rows.iter().map(|row| row["calls"].as_u64().unwrap()).sum::<u64>();
    let providers = told["providers"].as_array().unwrap();
    assert_eq!((points.len(), sum(points), sum(providers)), (30, 9, 9), "refusals are nobody's: {told}");
    assert_eq!((&providers[0]["name"], &told["behind"]), (&json!("openai"), &json!(0)));
    let lines = scene.gateway.list("/api/requests?status=ok");
    let longest = lines.iter().map(|line| line["latency_ms"].as_u64().unwrap()).max().unwrap();
    let p99 = providers[0]["latency_ms"]["p99"].as_u64().unwrap();
    assert!(p99.abs_diff(longest) <= longest / 8, "{longest}: {told}");
    assert_eq!(providers[0]["first_token_ms"], Value::Null, "nothing was streamed");
    assert!(points.iter().any(|point| point["latency_ms"].is_null()), "days without calls: {told}");
    let old = get(&scene, "/api/usage/latency?from=2020-01-01&to=2020-01-02&interval=hour");
    assert_eq!((old["data"].as_array().unwrap().len(), &old["providers"]), (24, &json!([])));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let scene = scene();
    let ask = |path: &str| -> Answer { scene.gateway.operator().get(&format!("/api/usage/{path}")) };
    for (path, word) in [
        ("summary?surprise=1", "surprise"),
        ("summary?by=key", "by"),
        ("series?interval=minute", "minute"),
        ("series?cursor=x", "cursor"),
        ("series?limit=0", "limit"),
        ("latency?project=team-a", "project"),
        ("latency?interval=minute", "minute"),
        ("breakdown", "by"),
        ("breakdown?by=colour", "colour"),
        ("breakdown?by=key&cursor=x", "cursor"),
        ("export?format=xml", "xml"),
        ("export?from=0001-01-01", "days"),
        ("summary?from=yesterday", "from must be a date"),
        ("summary?from=2026-02-01&to=2026-02-01", "from must be before to"),
        ("summary?time_zone=Mars/Olympus", "Mars/Olympus"),
        ("summary?key=ci", "key"),
        ("summary?include_children=true", "project"),
    ] {
        let answer = ask(path);
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(word), "{path}: {}", answer.text());
    }
    assert_eq!(ask("summary?project=nobody").status, 404);
    assert_eq!(ask("summary?provider=nobody").status, 404);
}

//! The books for outsiders: exports that an independent checker computes again, changes that it and `verify` find, and
//! adjustments that count at once and once.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{ask, prices};
use farthing_support::{Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

const ID: &str = "adj_018f3c5a7d2e7b1c9a4e5f60718293a4";

fn calls(scene: &Scene, count: u64) {
    for n in 0..count {
        let tokens = Tokens { cached: 3, reasoning: 2, ..Tokens::plain(20 + n, 30 + n) };
        scene.upstream.expect(Reply::chat(tokens));
        assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    }
}

fn export(scene: &Scene, format: &str) -> PathBuf {
    let file = scene.gateway.data_dir().join(format!("books.{format}"));
    let done =
        scene.gateway.command(&["ledger", "export", "--format", format, "--output", &file.display().to_string()]);
    assert!(done.status.success(), "{done:?}");
    file
}

fn checked(file: &Path, extra: &[&str]) -> Output {
    let checker = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/check_ledger.py");
    Command::new("python3").arg(checker).arg(file).args(extra).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Changes the database behind the gateway's back.
fn tamper(scene: &Scene, sql: &str) {
    let script =
        "import sqlite3, sys\nbooks = sqlite3.connect(sys.argv[1])\nbooks.execute(sys.argv[2])\nbooks.commit()";
    let database = scene.gateway.data_dir().join("farthing.db");
    let done = Command::new("python3").args(["-c", script]).arg(database).arg(sql).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn spent(scene: &Scene) -> Picos {
    let project = scene.gateway.list("/api/projects").remove(0);
    Picos::of(&project["budget"]["spent_usd"])
}

#[test]
fn an_outsider_computes_an_export_again() {
    let scene = scene();
    calls(&scene, 5);
    let adjustment = json!({"account": scene.key.id, "amount_usd": "-0.000001", "reason": "=an \"outage\", twice"});
    scene.gateway.create("/api/ledger/adjustments", &adjustment);
    for model in ["@none", "'none"] {
        scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
        scene.gateway.add_model(model, "openai", &prices());
        assert_eq!(scene.chat(&ask(&json!({"model": model}))).status, 200);
    }
    let verdict = scene.gateway.settled();
    assert_eq!((&verdict["adjustments"], &verdict["ok"]), (&json!(1), &json!(true)), "{verdict}");
    let head = verdict["chain_head"].as_str().unwrap();
    for format in ["csv", "jsonl"] {
        let beside = export(&scene, format);
        let found = checked(&beside, &["--head", head]);
        assert!(found.status.success(), "{format}: {}", text(&found));
        let written = std::fs::read_to_string(&beside).unwrap();
        let formulas = written.split(['\n', ',']).map(|cell| cell.trim_start_matches('"'));
        assert!(format == "jsonl" || formulas.clone().all(|cell| !cell.starts_with(['=', '@'])), "{written}");
        assert!(format == "jsonl" || formulas.clone().any(|cell| cell == "''none"), "{written}");
        let streamed = scene.gateway.operator().get(&format!("/api/ledger/entries?format={format}"));
        assert_eq!(streamed.text(), written, "online and offline are one");
    }
    let listed = scene.gateway.list("/api/ledger/entries");
    assert_eq!(json!(listed.len()), verdict["entries"]);
    assert_eq!(listed[0]["hash"], verdict["chain_head"], "newest first");
    let none = scene.gateway.operator().get("/api/ledger/entries?format=csv&to=2001-01-01").text();
    assert!(none.starts_with("seq,kind,") && none.lines().count() == 1, "{none}");
    let wrong = scene.gateway.operator().get("/api/ledger/entries?format=xml");
    assert_eq!((wrong.status, &wrong.json()["error"]["details"]["field"]), (400, &json!("format")));
}

#[test]
fn a_planted_change_is_found_by_the_checker_and_by_verify() {
    let mut scene = scene();
    calls(&scene, 3);
    scene
        .gateway
        .create("/api/ledger/adjustments", &json!({"account": "team-a", "amount_usd": "2", "reason": "setup"}));
    assert!(scene.gateway.stop().success());
    let first = "seq = (SELECT min(seq) FROM ledger_entries WHERE kind = 'call')";
    for (change, back, words) in [
        ("ledger_entries SET amount = amount + 1", "ledger_entries SET amount = amount - 1", "its usage costs"),
        ("ledger_entries SET model = model || 'x'", "ledger_entries SET model = rtrim(model, 'x')", "hash"),
        ("ledger_entries SET route = 'elsewhere'", "ledger_entries SET route = NULL", "hash"),
        ("ledger_adjustments SET reason = 'none'", "ledger_adjustments SET reason = 'setup'", "hash"),
    ] {
        let only = if change.contains("entries") { format!(" WHERE {first}") } else { String::new() };
        tamper(&scene, &format!("UPDATE {change}{only}"));
        let (found, verify) = (checked(&export(&scene, "csv"), &[]), scene.gateway.command(&["ledger", "verify"]));
        assert!(found.status.code() == Some(3) && text(&found).contains(words), "{change}: {}", text(&found));
        assert!(verify.status.code() == Some(3) && text(&verify).contains("the chain breaks"), "{change}: {verify:?}");
        tamper(&scene, &format!("UPDATE {back}{only}"));
    }
    // What an export does not show.
    tamper(&scene, "DROP TRIGGER price_versions_are_never_altered");
    for (change, back, words) in [
        ("spend SET calls = calls + 1", "spend SET calls = calls - 1", "the rollups of"),
        ("usage_rollups SET input = input + 1", "usage_rollups SET input = input - 1", "the usage of"),
        (
            "price_versions SET price = replace(price, '0.15', '0.16')",
            "price_versions SET price = replace(price, '0.16', '0.15')",
            "recorded otherwise",
        ),
        (
            "ledger_entries SET latency_ms = latency_ms + 0.5",
            "ledger_entries SET latency_ms = CAST(latency_ms AS INTEGER)",
            "another class",
        ),
    ] {
        tamper(&scene, &format!("UPDATE {change}"));
        let verify = scene.gateway.command(&["ledger", "verify"]);
        assert!(verify.status.code() == Some(3) && text(&verify).contains(words), "{change}: {verify:?}");
        tamper(&scene, &format!("UPDATE {back}"));
    }
    scene.gateway.restart();
    assert!(checked(&export(&scene, "jsonl"), &[]).status.success());
}

#[test]
fn an_adjustment_counts_at_once_and_once() {
    let mut scene = scene();
    calls(&scene, 1);
    let before = spent(&scene);
    let wish =
        json!({"id": ID, "account": scene.key.id, "amount_usd": "1.25", "reason": "setup", "provider": "openai"});
    let first = scene.gateway.create("/api/ledger/adjustments", &wish);
    assert_eq!(
        (&first["id"], &first["amount_usd"], &first["actor"]),
        (&json!(ID), &json!("1.25"), &json!("management"))
    );
    assert_eq!(first["scopes"].as_array().unwrap().len(), 2, "the key and its project: {first}");
    assert_eq!(spent(&scene), before + Picos::parse("1.25"));

    scene.gateway.kill_9();
    scene.gateway.restart();
    let again = scene.gateway.operator().post("/api/ledger/adjustments", &wish);
    assert_eq!((again.status, again.json()), (200, first));
    let mut other = wish.clone();
    other["amount_usd"] = json!("1.26");
    let conflict = scene.gateway.operator().post("/api/ledger/adjustments", &other);
    assert_eq!((conflict.status, &conflict.json()["error"]["code"]), (409, &json!("conflict")));
    assert_eq!(spent(&scene), before + Picos::parse("1.25"));
    assert_eq!(scene.gateway.list("/api/ledger/adjustments").len(), 1);
}

#[test]
fn who_may_adjust_what() {
    let scene = scene();
    let wish = |changes: Value| {
        let mut body = json!({"account": "team-a", "amount_usd": "-0.5", "reason": "an outage"});
        body.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap());
        body
    };
    for (changes, status, field) in [
        (json!({"amount_usd": "0"}), 400, "amount_usd"),
        (json!({"amount_usd": "1e3"}), 400, "amount_usd"),
        (json!({"reason": " "}), 400, "reason"),
        (json!({"reason": "a\u{1f}b"}), 400, "reason"),
        (json!({"account": "nobody"}), 404, "nobody"),
        (json!({"provider": "nobody"}), 404, "nobody"),
        (json!({"request_id": "req_018f3c5a7d2e7b1c9a4e5f60718293a4"}), 404, "req_018f"),
        (json!({"surprise": 1}), 400, "surprise"),
    ] {
        let answer = scene.gateway.operator().post("/api/ledger/adjustments", &wish(changes));
        assert!(answer.status == status && answer.text().contains(field), "{field}: {}", answer.text());
    }
    let token = |scope: &str| {
        let made = scene.gateway.create("/api/tokens", &json!({"name": "books-bot", "scopes": [scope]}));
        scene.gateway.anonymous().bearer(made["token"].as_str().unwrap())
    };
    assert_eq!(token("usage:read").post("/api/ledger/adjustments", &wish(json!({}))).status, 403);
    let booked = token("ledger:manage").post("/api/ledger/adjustments", &wish(json!({}))).json();
    assert_eq!((&booked["actor"], &booked["account_name"]), (&json!("books-bot"), &json!("team-a")));
    let named = || scene.gateway.logs().contains(booked["id"].as_str().unwrap()).then_some(());
    until("the adjustment in the log", PATIENCE, named);

    let url = std::fs::read_to_string(scene.gateway.data_dir().join("address")).unwrap();
    let url = format!("http://{url}");
    let cli =
        scene.gateway.command(&["--json", "ledger", "adjust", "team-a", "-0.25", "--reason", "again", "--url", &url]);
    let said: Value = serde_json::from_slice(&cli.stdout).unwrap_or_else(|_| panic!("{cli:?}"));
    assert_eq!(said["amount_usd"], "-0.25");
    let list = scene.gateway.command(&["ledger", "adjustments", "--url", &url]);
    assert!(text(&list).contains("again") && text(&list).contains("an outage"), "{list:?}");
}

#[test]
fn a_providers_export_is_compared_and_its_difference_booked_once() {
    let scene = scene();
    calls(&scene, 2);
    let listed = scene.gateway.list("/api/ledger/entries");
    let sum = |column: &str| listed.iter().map(|line| line[column].as_i64().unwrap()).sum::<i64>();
    let cost: i64 = listed.iter().map(|line| line["amount"].as_str().unwrap().parse::<i64>().unwrap()).sum();
    // The export has as many days as the calls were made on, should midnight have passed between them.
    let time = scene.gateway.list("/api/requests").remove(0)["time"].as_str().unwrap().to_owned();
    let day = time.split('T').next().unwrap().to_owned();
    let export = |more: i64, picos: i64| {
        let (input, cached, output) = (sum("input"), sum("cache_read"), sum("output") + sum("reasoning") + more);
        let dollars = format!("0.{:012}", cost + picos);
        let heading = "day,model,input_tokens,cached_tokens,output_tokens,cost_usd";
        format!("{heading}\n{day},gpt-4o-mini-2024-07-18,{input},{cached},{output},{dollars}\n")
    };
    let compare = |text: &str| {
        let path = "/api/ledger/reconcile?format=csv&provider=openai&project=team-a";
        let answer = scene.gateway.operator().send("POST", path, text.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let same = compare(&export(0, 0));
    assert_eq!((&same["agrees"], &same["proposals"]), (&json!(true), &json!([])), "{same}");

    let more = compare(&export(1, 600_000));
    assert_eq!(
        more["rows"][0]["difference"],
        json!({"input_tokens": 0, "cached_tokens": 0, "output_tokens": 1, "cost_usd": "0.0000006"})
    );
    assert_eq!((&more["agrees"], more["proposals"].as_array().unwrap().len()), (&json!(false), 1), "{more}");
    assert!(scene.gateway.list("/api/ledger/adjustments").is_empty(), "comparing books nothing");

    let (before, file) = (spent(&scene), scene.gateway.data_dir().join("usage.csv"));
    std::fs::write(&file, export(1, 600_000)).unwrap();
    let address = std::fs::read_to_string(scene.gateway.data_dir().join("address")).unwrap();
    let (url, file) = (format!("http://{address}"), file.display().to_string());
    for _ in 0..2 {
        let asked = ["ledger", "reconcile", &file, "--format", "csv", "--provider", "openai", "--project", "team-a"];
        let done = scene.gateway.command(&[&asked[..], &["--approve", "--url", &url]].concat());
        assert!(done.status.success(), "{done:?}");
    }
    scene.gateway.operator().post("/api/ledger/adjustments", &more["proposals"][0]);
    assert_eq!(scene.gateway.list("/api/ledger/adjustments").len(), 1);
    assert_eq!(spent(&scene), before + Picos::parse("0.0000006"));
    let settled = compare(&export(1, 600_000));
    assert_eq!((&settled["rows"][0]["difference"]["cost_usd"], &settled["proposals"]), (&json!("0"), &json!([])));
}

#[test]
fn googles_bill_is_compared_with_nothing_left_out() {
    const BILL: &str = include_str!("../fixtures/reconcile/gemini_billing.jsonl");
    let scene = scene();
    let compare = |format: &str| {
        let path = format!("/api/ledger/reconcile?format={format}&provider=openai&project=team-a");
        let answer = scene.gateway.operator().send("POST", &path, BILL.as_bytes()).unwrap();
        (answer.status, answer.json())
    };
    assert_eq!(compare("google").0, 400);
    let (status, found) = compare("gemini");
    assert_eq!((status, &found["agrees"]), (200, &json!(false)), "{found}");
    let services = json!([{"name": "Cloud Storage", "cost_usd": "1.25"}, {"name": "Invoice", "cost_usd": "-0.01"}]);
    assert_eq!(found["other_services"], services);
    let rows = found["rows"].as_array().unwrap();
    let unmapped: Vec<_> = rows.iter().filter(|row| row["unmapped"] == true).map(|row| &row["model"]).collect();
    assert_eq!(unmapped, [&json!("sku:grounding with google search")]);
    let proposed: Picos =
        found["proposals"].as_array().unwrap().iter().map(|proposal| Picos::of(&proposal["amount_usd"])).sum();
    assert_eq!(proposed, Picos::parse("1.8014208"), "all of the bill for the service, less its credits");

    let file = scene.gateway.data_dir().join("bill.jsonl").display().to_string();
    std::fs::write(&file, BILL).unwrap();
    let url = format!("http://{}", std::fs::read_to_string(scene.gateway.data_dir().join("address")).unwrap());
    let asked = ["ledger", "reconcile", &file, "--format", "gemini", "--provider", "openai", "--url", &url];
    let said = text(&scene.gateway.command(&asked));
    assert!(said.contains("sku:grounding") && said.contains("not compared: $1.25 for Cloud Storage"), "{said}");
}

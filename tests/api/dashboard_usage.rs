//! The page Usage: its figures are the API's, its filters narrow, and whoever sees some projects sees no others.

use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::json;

use crate::dashboard::signed_in;
use crate::people::person::{Person, account};
use crate::scene;

const HOSTILE: &str = "=<script>alert(1)</script>";

fn busy() -> Scene {
    let scene = scene();
    scene.gateway.add_model("other", "openai", &prices());
    scene.gateway.create("/api/projects", &json!({"name": HOSTILE, "allowed_models": ["*"]}));
    let hostile = scene.gateway.add_key(HOSTILE, &json!({}));
    scene.upstream.always(Reply::chat(Tokens { prompt: 700, cached: 200, completion: 90, reasoning: 40 }));
    for (secret, model) in [(&scene.key.secret, MODEL), (&scene.key.secret, "other"), (&hostile.secret, MODEL)] {
        let answer = scene.gateway.application(secret).post("/v1/chat/completions", &ask(&json!({"model": model})));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    scene.gateway.settled();
    scene
}

/// The figure in the tile of this name.
fn tile(html: &str, name: &str) -> String {
    let (_, tile) = html.split_once(&format!("<dt>{name}</dt>")).unwrap_or_else(|| panic!("no {name}:\n{html}"));
    let (_, figure) = tile.split_once("class=\"figure\"").unwrap();
    figure.split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned()
}

#[test]
fn the_page_shows_what_the_api_tells() {
    let scene = busy();
    let browser = signed_in(&scene);
    let page = |query: &str, status: u16| {
        let answer = browser.with("accept", "text/html").get(&format!("/usage{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        let html = answer.text();
        assert!(!html.contains("<script>alert") && !html.contains(" style="), "{query}:\n{html}");
        html
    };
    let html = page("", 200);
    assert_eq!([tile(&html, "Requests"), tile(&html, "Tokens in"), tile(&html, "Tokens out")], ["3", "2,100", "270"]);
    let cost = scene.gateway.operator().get("/api/usage/summary").json()["cost_usd"].as_str().unwrap().to_owned();
    assert!(html.contains(&format!("title=\"${cost}\"")), "{html}");
    assert_eq!(html.matches("<figure class=\"chart\">").count(), 5);
    for expected in ["Spend by project", "cache read", "Median</th>", "openai", "alert(1)", "from=20"] {
        assert!(html.contains(expected), "{expected} is missing:\n{html}");
    }
    for (query, requests) in [
        ("?model=other", "1"),
        (&*format!("?project={PROJECT}&by=model&interval=hour"), "2"),
        ("?provider=openai&by=key&from=&to=", "3"),
        ("?from=2020-01-01&to=2020-03-01", "0"),
        ("?by=provider&interval=month&time_zone=Asia/Kolkata", "3"),
    ] {
        assert_eq!(tile(&page(query, 200), "Requests"), requests, "{query}");
    }
    assert!(page("?interval=hour", 200).contains("longer ones are drawn"));
    assert!(page("?model=other", 200).contains("not for projects, keys and models"));
    // What cannot be asked is said, and the last thirty days are shown.
    for (query, word) in
        [("?from=soon", "from must be a date"), ("?project=nobody", "nobody"), ("?by=colour", "colour")]
    {
        let html = page(query, 400);
        assert!(html.contains(word) && html.contains("role=\"alert\"") && tile(&html, "Requests") == "3", "{html}");
    }
    // The links to files are those the API answers.
    let (_, href) = html.split_once("href=\"/api/usage/export?").unwrap();
    let href = href.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    let file = browser.get(&format!("/api/usage/export?{href}"));
    assert!(file.status == 200 && file.text().contains("'=<script>"), "{}", file.text());
}

#[test]
fn whoever_sees_one_project_sees_its_usage_alone() {
    let scene = busy();
    account(&scene, "vic", &json!({"role": "viewer", "projects": [PROJECT]}));
    account(&scene, "ann", &json!({"role": "auditor"}));
    let (some, all) = (Person::sign_in(&scene, "vic").page("/usage"), Person::sign_in(&scene, "ann").page("/usage"));
    assert_eq!((some.status, tile(&some.text(), "Requests")), (200, "2".to_owned()));
    assert!(!some.text().contains("alert(1)") && !some.text().contains("Median</th>"), "{}", some.text());
    assert_eq!((all.status, tile(&all.text(), "Requests")), (200, "3".to_owned()));
    assert_eq!(scene.gateway.anonymous().get("/usage").header("location"), Some("/sign-in"));
}

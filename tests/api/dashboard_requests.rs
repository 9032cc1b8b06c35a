//! The pages Requests and one request's story: what is shown, what is searched, who sees what, and that no name can run.

use farthing_support::http::Client;
use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Answer, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::dashboard::signed_in;
use crate::people::person::{Person, account};
use crate::scene;

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";

fn shown(browser: &Client, path: &str, status: u16) -> String {
    let answer = browser.with("accept", "text/html").get(path);
    assert_eq!(answer.status, status, "{path}: {}", answer.text());
    let html = answer.text();
    let is_inert = !html.contains("<script>") && !html.contains("<img src=x") && !html.contains(" style=");
    assert!(is_inert, "{path} has markup that is not ours:\n{html}");
    html
}

fn rows(html: &str) -> usize {
    html.matches("data-request=").count()
}

fn linked(html: &str, word: &str) -> Option<String> {
    let (before, _) = html.split_once(word)?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.split('"').next()?.replace("&amp;", "&").replace("&#38;", "&"))
}

fn call(scene: &Scene, secret: &str, body: &Value, status: u16) -> Answer {
    let answer = scene.gateway.application(secret).post("/v1/chat/completions", &ask(body));
    assert_eq!(answer.status, status, "{}", answer.text());
    answer
}

#[test]
fn every_filter_narrows_and_pages_follow_one_another() {
    let scene = scene();
    scene.gateway.add_model("other", "openai", &prices());
    scene.gateway.add_project("poor", Some("0.000000001"));
    let poor = scene.gateway.add_key("poor", &json!({}));
    scene.upstream.always(Reply::chat(Tokens::plain(7, 9)));
    for _ in 0..3 {
        call(&scene, &scene.key.secret, &json!({}), 200);
    }
    call(&scene, &scene.key.secret, &json!({"model": "other"}), 200);
    call(&scene, &poor.secret, &json!({}), 402);
    scene.gateway.settled();
    let browser = signed_in(&scene);
    let id = scene.gateway.list("/api/requests").remove(0)["id"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("", 5),
        // A form sends its empty fields, too.
        ("?search=&project=&key=&model=&provider=&status=&run=&from=&to=", 5),
        ("?model=other", 1),
        ("?status=refused", 1),
        ("?provider=openai&status=ok", 4),
        (&*format!("?project={PROJECT}&key={}", scene.key.id), 4),
        ("?to=2020-01-01", 0),
        (&*format!("?search={id}"), 1),
    ] {
        let html = shown(&browser, &format!("/requests{query}"), 200);
        assert_eq!(rows(&html), expected, "{query}:\n{html}");
        assert_eq!(html.contains("id=\"live\""), expected == 5, "live while nothing is asked: {query}");
    }
    let first = shown(&browser, "/requests?limit=2", 200);
    let second = shown(&browser, &linked(&first, "Older →").unwrap(), 200);
    let third = shown(&browser, &linked(&second, "Older →").unwrap(), 200);
    assert_eq!([rows(&first), rows(&second), rows(&third)], [2, 2, 1]);
    assert!(!third.contains("Older →") && !first.contains("← Newest"), "{third}");
    assert_eq!(linked(&third, "← Newest").unwrap(), "/requests?limit=2");
}

#[test]
fn what_cannot_be_asked_is_said_at_its_field_and_what_was_typed_stays() {
    let scene = scene();
    let browser = signed_in(&scene);
    for (query, field, word) in [
        ("search=x%3Cb%3E&model=mini", "search", "search must be"),
        ("from=2026-01-02&to=2026-01-01&model=mini", "from", "from must be before to"),
        ("key=ci&model=mini", "key", "key must be"),
        ("project=nobody&model=mini", "", "nobody"),
        ("status=well&model=mini", "", "well"),
    ] {
        let html = shown(&browser, &format!("/requests?{query}"), 400);
        assert!(html.contains("role=\"alert\"") && html.contains(word), "{query}:\n{html}");
        assert!(html.contains("value=\"mini\"") && !html.contains("<b>"), "{query}:\n{html}");
        let marked = html.split("<input ").find(|input| input.contains("aria-invalid")).unwrap_or_default();
        assert!(field.is_empty() || marked.starts_with(&format!("name=\"{field}\"")), "{query}: {marked}");
    }
}

#[test]
fn a_story_tells_what_the_books_know() {
    let scene = scene();
    let key = scene.gateway.add_key(PROJECT, &json!({"name": HOSTILE}));
    let model = format!("{MODEL}{HOSTILE}");
    scene.gateway.add_model(&model, "openai", &prices());
    scene.upstream.expect(Reply::chat(Tokens { prompt: 1_300, cached: 66, completion: 57, reasoning: 7 }));
    let client = scene.gateway.application(&key.secret).with("x-farthing-run", "nightly");
    let answer = client.post("/v1/chat/completions", &ask(&json!({"model": model})));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let row = scene.recorded(&answer);
    let (id, cost) = (row["id"].as_str().unwrap(), row["cost_usd"].as_str().unwrap());
    let told = scene.gateway.request(id);
    let browser = signed_in(&scene);
    let html = shown(&browser, &format!("/requests/{id}"), 200);
    assert!(html.matches("alert(1)").count() >= 2, "key and model are shown:\n{html}");
    for expected in [
        id,
        "1,234",
        ">66<",
        &format!("${cost}"),
        &format!("${}", told["held_usd"].as_str().unwrap()),
        told["price"]["version"].as_str().unwrap(),
        "as the provider reported it",
        &format!("/keys/{}", key.id),
        &format!("/projects/{}", row["project_id"].as_str().unwrap()),
        &format!("/providers#{}", row["provider_id"].as_str().unwrap()),
        "nightly",
        "x-farthing-attempts",
    ] {
        assert!(html.contains(expected), "{expected} is missing:\n{html}");
    }
    // What the page says of headers is what the client saw.
    for (name, value) in headers(&html) {
        let seen = answer.header(&name).map(|seen| seen.replace('\u{fffd}', ""));
        assert_eq!(seen.as_deref(), Some(value.as_str()), "{name}");
    }
    shown(&browser, "/requests/req_00000000000000000000000000000000", 404);
    shown(&browser, "/requests/nonsense", 404);
}

/// The names and values in the last card, but those that had to be escaped.
fn headers(html: &str) -> Vec<(String, String)> {
    let (_, card) = html.split_once("headers-title").unwrap();
    let pair = |part: &str| {
        let (name, rest) = part.split_once("</code></dt><dd>")?;
        Some((name.to_owned(), rest.split_once("</dd>")?.0.to_owned()))
    };
    let pairs: Vec<_> = card.split("<dt><code>").skip(1).filter_map(pair).collect();
    assert!(pairs.len() >= 4, "{pairs:?}");
    pairs.into_iter().filter(|(_, value)| !value.contains('&')).collect()
}

#[test]
fn a_refused_request_says_why_and_a_failed_one_where() {
    let scene = scene();
    scene.gateway.add_project("poor", Some("0.000000001"));
    let poor = scene.gateway.add_key("poor", &json!({}));
    call(&scene, &poor.secret, &json!({}), 402);
    scene.gateway.settled();
    let browser = signed_in(&scene);
    let id = scene.gateway.list("/api/requests").remove(0)["id"].as_str().unwrap().to_owned();
    let html = shown(&browser, &format!("/requests/{id}"), 200);
    for expected in ["A budget of its key", "nothing was sent", "A refusal moves no money"] {
        assert!(html.contains(expected), "{expected} is missing:\n{html}");
    }
}

#[test]
fn a_viewer_of_one_project_sees_its_requests_and_no_others() {
    let scene = scene();
    scene.gateway.create("/api/projects", &json!({"name": "other", "allowed_models": ["*"]}));
    let foreign = scene.gateway.add_key("other", &json!({}));
    scene.upstream.always(Reply::chat(Tokens::plain(10, 20)));
    let own = scene.recorded(&scene.chat(&ask(&json!({}))));
    let others = scene.recorded(&call(&scene, &foreign.secret, &json!({}), 200));
    account(&scene, "vic", &json!({"role": "viewer", "projects": [PROJECT]}));
    account(&scene, "val", &json!({"role": "viewer"}));
    let (some, all) = (Person::sign_in(&scene, "vic"), Person::sign_in(&scene, "val"));
    let html = some.page("/requests").text();
    assert!(rows(&html) == 1 && html.contains(own["id"].as_str().unwrap()), "{html}");
    assert!(!html.contains("id=\"live\"") && !html.contains("value=\"other\""), "{html}");
    assert_eq!(rows(&all.page("/requests").text()), 2);
    let story =
        |person: &Person, row: &Value| person.page(&format!("/requests/{}", row["id"].as_str().unwrap())).status;
    assert_eq!([story(&some, &own), story(&some, &others), story(&all, &others)], [200, 404, 200]);
    assert_eq!(some.page("/requests?project=other").status, 400);
}

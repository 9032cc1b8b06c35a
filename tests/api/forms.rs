//! Forms that work without scripts, and the pages of projects and keys that are made of them.

use farthing_support::scene::{MODEL, PROJECT, prices};
use farthing_support::{Reply, Scene};
use serde_json::json;

use crate::people::person::{Person, account};
use crate::scene;

const HOSTILE: &str = "<script>alert(1)</script>";

fn owner(scene: &Scene) -> Person {
    account(scene, "ann", &json!({"role": "owner"}));
    Person::sign_in(scene, "ann")
}

#[test]
fn a_form_makes_the_call_it_stands_for_and_comes_back_with_what_was_typed_when_refused() {
    let scene = scene();
    let ann = owner(&scene);
    let made =
        ann.form("/forms/api/projects", &[("name", "typed"), ("limits.rpm:int", "60"), ("_next", "/projects/{id}")]);
    let id = made.header("location").unwrap().strip_prefix("/projects/").unwrap().to_owned();
    assert_eq!(made.status, 303);
    let project = scene.gateway.operator().get(&format!("/api/projects/{id}")).json();
    assert_eq!((&project["name"], &project["limits"]["rpm"]), (&json!("typed"), &json!(60)));

    let fields = [("name", HOSTILE), ("limits.rpm:int", "many"), ("password", "not again"), ("_next", "/projects")];
    let refused = ann.form("/forms/api/projects", &fields);
    assert_eq!((refused.status, refused.header("content-type")), (400, Some("text/html; charset=utf-8")));
    assert!(refused.header("content-security-policy").unwrap().contains("script-src 'self'"));
    let page = refused.text();
    assert!(page.contains(r#"name="limits.rpm:int" value="many" type="text" aria-invalid="true""#), "{page}");
    assert!(page.contains("<label>Requests a minute"), "as the form that was sent calls it: {page}");
    assert!(!page.contains(HOSTILE) && !page.contains("not again"), "{page}");
    assert!(page.contains("expected a whole number") && !page.contains("at line"), "{page}");

    let key = [("project", "typed"), ("name", "of a form"), ("_reveal", "key"), ("_next", "/keys")];
    let shown = ann.form("/forms/api/keys", &key);
    assert_eq!(shown.status, 200);
    assert!(shown.text().contains("sk-ft-") && shown.text().contains("from openai import OpenAI"), "{}", shown.text());
    let events = scene.gateway.operator().get("/api/audit?action=key.create").json();
    assert_eq!(events["data"].as_array().unwrap().len(), 2, "{events}");
}

#[test]
fn a_form_of_another_site_or_without_the_word_changes_nothing() {
    let scene = scene();
    let ann = owner(&scene);
    let (browser, origin) = (ann.client(), ann.origin.clone());
    let body = b"name=theirs";
    for (what, client) in [
        ("no word", browser.clone().with("origin", &origin)),
        ("another site", browser.clone().with("origin", "http://evil.test")),
        ("nobody", scene.gateway.anonymous().with("origin", &origin)),
    ] {
        let answer = client.post_bytes("/forms/api/projects", body);
        assert!(matches!(answer.status, 401 | 403), "{what}: {}", answer.status);
    }
    let theirs = scene.gateway.anonymous().with("origin", "http://evil.test").with("sec-fetch-site", "cross-site");
    let management = format!("username=management&password={}", scene.gateway.management_token());
    let signed_in = theirs.post_bytes("/forms/api/session", management.as_bytes());
    assert_eq!((signed_in.status, signed_in.header("set-cookie")), (403, None), "another site signs nobody in");
    assert_eq!(browser.get("/forms/api/projects").status, 404);
    let projects = scene.gateway.operator().get("/api/projects").text();
    assert!(!projects.contains("theirs"), "{projects}");
}

#[test]
fn a_project_and_its_key_are_made_changed_and_ended_by_forms_alone() {
    let scene = scene();
    let ann = owner(&scene);
    let budget =
        [("name", "typed"), ("budget.limit_usd:text!", "5"), ("budget.window", "day"), ("limits.rpm:int?", "")];
    let steer = [("budget.warn_percent:ints", "50, 90"), ("_next", "/projects/{id}")];
    let made = ann.form("/forms/api/projects", &[&budget[..], &steer].concat());
    let place = made.header("location").unwrap().to_owned();
    let page = ann.page(&place).text();
    for shown in ["typed", "$5.00", "a day", "50, 90", "No key yet"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let change = [("_method", "PATCH"), ("name", "typed"), ("budget.limit_usd:text!", ""), ("limits.rpm:int?", "7")];
    assert_eq!(ann.form(&format!("/forms/api{place}"), &change).status, 303);
    let page = ann.page(&place).text();
    assert!(page.contains("7 a minute") && page.contains("$5.00"), "{page}");
    assert_eq!(ann.form(&format!("/forms/api{place}"), &[("_method", "PATCH"), ("budget:null", "")]).status, 303);
    assert!(ann.page(&place).text().contains("No budget"));

    ann.form("/forms/api/keys", &[("project", "typed"), ("name", "by hand"), ("_reveal", "key")]);
    let key = scene.gateway.list("/api/keys?project=typed")[0]["id"].as_str().unwrap().to_owned();
    let rotated = ann.form(&format!("/forms/api/keys/{key}/rotate"), &[("overlap_hours:int", "1"), ("_reveal", "key")]);
    assert!(rotated.text().contains("sk-ft-"), "{}", rotated.text());
    assert!(ann.page(&format!("/keys/{key}")).text().contains("It was rotated"));
    assert_eq!(
        ann.form(&format!("/forms/api/keys/{key}/revoke"), &[("_next", "/keys")]).header("location"),
        Some("/keys")
    );
    assert!(ann.page("/keys?project=typed").text().contains(">revoked<"));
}

#[test]
fn a_group_is_changed_by_its_form_alone_and_never_over_anothers_change() {
    let scene = scene();
    let ann = owner(&scene);
    scene.gateway.add_model("other", "openai", &prices());
    let (model, other) = (format!("model={}", MODEL), "model=other".to_owned());
    let fields = [("name", "mixed"), ("strategy", "weighted"), ("_next", "/models/groups/{id}")];
    let members = [("targets.0:choice!", &*model), ("targets.0.weight:int", "3"), ("targets.1:choice!", "")];
    let made = ann.form("/forms/api/groups", &[&fields[..], &members].concat());
    let place = made.header("location").unwrap_or_else(|| panic!("{}", made.text())).to_owned();
    let api = place.replace("/models", "/api");
    let version = || scene.gateway.operator().get(&api).header("etag").unwrap().to_owned();

    let first = version();
    let steer = [("_method", "PUT"), ("_version", &*first), ("name", HOSTILE), ("strategy", "rules")];
    let members = [
        ("_place.targets.0", "2"),
        ("targets.0:choice!", &*model),
        ("targets.0.when.images:json", ""),
        ("_place.targets.1", "1"),
        ("targets.1:choice!", &*other),
        ("targets.1.when.images:json", "true"),
        ("targets.1.when.tags:list", "a, b"),
        ("classifier.model:text!", ""),
        ("classifier.scale:int", "5"),
    ];
    let change = [&steer[..], &members].concat();
    let action = format!("/forms{api}");
    assert_eq!(ann.form(&action, &change).status, 303);
    let now = scene.gateway.operator().get(&api).json();
    let expected = json!([
        {"model": "other", "weight": 1, "when": {"images": true, "tags": ["a", "b"]}},
        {"model": MODEL, "weight": 1}
    ]);
    assert_eq!((&now["strategy"], &now["targets"], &now["classifier"]), (&json!("rules"), &expected, &json!(null)));
    assert_eq!(ann.form(&action, &change).status, 412, "it was read before it was changed");

    let page = ann.page(&place).text();
    assert!(page.contains("has pictures; tagged a or b") && !page.contains(HOSTILE), "{page}");
    let wrong = [("_method", "PUT"), ("name", "mixed"), ("strategy", "ordered"), ("targets.0:choice!", "model=nobody")];
    let refused = ann.form(&action, &wrong);
    let at_fault = r#"name="targets.0:choice!" value="model=nobody" type="text" aria-invalid="true""#;
    assert!(refused.status == 400 && refused.text().contains(at_fault), "{}", refused.text());
}

#[test]
fn what_came_of_a_test_is_a_page_where_no_script_asks() {
    let scene = scene();
    let ann = owner(&scene);
    let provider = scene.gateway.list("/api/providers")[0]["id"].as_str().unwrap().to_owned();
    let fields = [("_verdict", HOSTILE), ("_next", "/providers")];
    let action = format!("/forms/api/providers/{provider}/test");
    let models = json!({"object": "list", "data": [{"id": "a"}, {"id": "b"}]});
    for (reply, verdict, words) in [
        (Reply::error(401, HOSTILE), "at fault", "look at api_key"),
        (Reply::status(200, &models), "in order", "<dt>models</dt><dd>2</dd>"),
    ] {
        scene.upstream.expect(reply);
        let page = ann.form(&action, &fields);
        assert_eq!(page.status, 200);
        assert!(page.text().contains(verdict) && page.text().contains(words), "{}", page.text());
        assert!(!page.text().contains(HOSTILE) && page.header("content-security-policy").is_some());
    }

    let timeouts = [("timeouts.connect_ms:int", "1500"), ("timeouts.first_byte_ms:int?", "")];
    let timeouts = [&timeouts[..], &[("timeouts.idle_ms:int", "2000"), ("timeouts.total_ms:int", "3000")]].concat();
    let steer = [("_method", "PATCH"), ("_next", "/providers")];
    assert_eq!(ann.form(&format!("/forms/api/providers/{provider}"), &[&steer[..], &timeouts].concat()).status, 303);
    let shown = ann.page(&format!("/providers/{provider}")).text();
    assert!(shown.contains("connect 1.5 s") && shown.contains("whole call 3 s"), "{shown}");
}

#[test]
fn what_somebody_may_not_change_or_see_is_not_offered() {
    let scene = scene();
    let ann = owner(&scene);
    let other = ann.post("/api/projects", &json!({"name": format!("elsewhere{HOSTILE}")})).json();
    let other = other["id"].as_str().unwrap().to_owned();
    account(&scene, "vic", &json!({"role": "viewer"}));
    account(&scene, "pat", &json!({"role": "viewer", "projects": [PROJECT]}));
    let (viewer, of_one) = (Person::sign_in(&scene, "vic"), Person::sign_in(&scene, "pat"));
    let places = ["/projects", "/keys"].map(str::to_owned);
    for place in places.iter().chain([&format!("/projects/{other}"), &format!("/keys/{}", scene.key.id)]) {
        let (full, read) = (ann.page(place), viewer.page(place));
        assert_eq!((full.status, read.status), (200, 200), "{place}");
        assert!(full.text().contains("/forms/api/"), "{place} offers an owner nothing");
        assert!(!read.text().contains("/forms/api/"), "{place} offers a viewer forms");
        assert!(!full.text().contains(HOSTILE) && !read.text().contains(HOSTILE), "{place}");
    }
    assert_eq!(of_one.page(&format!("/projects/{other}")).status, 404);
    assert!(!of_one.page("/projects").text().contains("elsewhere"));
    assert_eq!([viewer.page("/playground").status, ann.page("/playground").status], [403, 200]);
}

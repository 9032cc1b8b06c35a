//! The pages about people as a browser without scripts sees them: who sees and may do what, that nothing typed can run, and that
//! forms do what they say.

use farthing_support::scene::PROJECT;
use farthing_support::{Answer, Client, Scene};
use serde_json::json;

use crate::people::person::{BROWSER, PASSWORD, Person, account, cookie, origin};
use crate::scene;

/// Texts that would run, break out, or shape a line, if a page let them.
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u{202e}<b>\u{2028}alert(1)",
];

/// A form of a page, as a browser without scripts sends it.
fn send(person: &Person, action: &str, fields: &[(&str, &str)]) -> Answer {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let fields = fields.iter().copied().chain([("_csrf", person.csrf.as_str())]);
    let body: Vec<String> = fields.map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    let client = person.client().with("origin", &person.origin).with("accept", "text/html");
    client.with("content-type", "application/x-www-form-urlencoded").post_bytes(action, body.join("&").as_bytes())
}

fn led_to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

fn page(client: &Client, path: &str) -> String {
    let answer = client.with("accept", "text/html").get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{path}");
    answer.text()
}

/// Every page about people, with an account and an event to look at.
fn pages(scene: &Scene, user: &str) -> Vec<String> {
    let event = &scene.gateway.list("/api/audit?action=user.create")[0]["id"];
    let event = format!("/audit/{}", event.as_str().unwrap());
    let fixed = ["/users", "/sessions", "/audit", "/audit/verify", "/account"].map(str::to_owned);
    fixed.into_iter().chain([format!("/users/{user}"), event]).collect()
}

#[test]
fn each_role_sees_its_pages_and_no_button_it_may_not_press() {
    let scene = scene();
    let target = account(&scene, "target", &json!({"role": "viewer"}));
    for (role, sees_people, manages) in [
        ("owner", true, true),
        ("admin", true, true),
        ("operator", false, false),
        ("auditor", true, false),
        ("viewer", false, false),
    ] {
        account(&scene, role, &json!({"role": role}));
        let person = Person::sign_in(&scene, role);
        for path in pages(&scene, &target) {
            let is_own = path == "/sessions" || path == "/account";
            let answer = person.client().with("accept", "text/html").get(&path);
            let expected = if is_own || sees_people { 200 } else { 403 };
            assert_eq!(answer.status, expected, "{role} {path}: {}", answer.text());
            let html = answer.text();
            let edits = html.contains("/forms/api/users") || html.contains("class=\"danger\"");
            let offered = manages && path.starts_with("/users");
            assert_eq!(edits, offered, "{role} {path}");
            assert!(!html.contains(" style=") && !html.contains(" onclick="), "{path}");
        }
        let overview = page(&person.client(), "/");
        assert_eq!(overview.contains("First steps"), manages, "{role}: somebody has to make the first call");
    }
    let admin = Person::sign_in(&scene, "admin");
    let roots = scene.gateway.list("/api/users");
    let owner = roots.iter().find(|user| user["role"] == "owner").unwrap()["id"].as_str().unwrap().to_owned();
    let html = page(&admin.client(), &format!("/users/{owner}"));
    assert!(!html.contains("/forms/api/users"), "an admin is offered nothing about an owner");
    assert!(!page(&admin.client(), "/users").contains("<option value=\"owner\""), "nor to make one");
    assert_eq!(admin.client().with("accept", "text/html").get("/users/usr_nobody").status, 404);
    assert_eq!(admin.client().get("/audit/aud_nothing").status, 404);
}

#[test]
fn forms_without_scripts_make_change_and_remove_an_account() {
    let scene = scene();
    account(&scene, "root", &json!({"role": "owner"}));
    let root = Person::sign_in(&scene, "root");
    let fields = [("name", "mia"), ("display_name", "Mia"), ("role", "viewer"), ("projects:list?", "")];
    let fields: Vec<_> = fields.into_iter().chain([("password", PASSWORD), ("_next", "/users/{id}")]).collect();
    let wrong = [&fields[..4], &[("password", "short"), ("_next", "/users/{id}")]].concat();
    let refused = send(&root, "/forms/api/users", &wrong);
    assert_eq!(refused.status, 400);
    let again = refused.text();
    assert!(again.contains("value=\"mia\"") && again.contains("value=\"Mia\"") && !again.contains("short"), "{again}");

    let place = led_to(&send(&root, "/forms/api/users", &fields));
    let path = format!("/api{place}");
    let mine = || scene.gateway.operator().get(&path).json();
    assert_eq!(
        (&mine()["name"], &mine()["role"], &mine()["projects"]),
        (&json!("mia"), &json!("viewer"), &json!(null))
    );
    assert!(page(&root.client(), &place).contains("Mia"));
    let mia = Person::sign_in(&scene, "mia");

    let project = scene.gateway.list("/api/projects")[0]["id"].as_str().unwrap().to_owned();
    let patch = |fields: &[(&str, &str)]| {
        let fixed = [("_method", "PATCH"), ("_next", place.as_str())];
        led_to(&send(&root, &format!("/forms{path}"), &[&fixed[..], fields].concat()))
    };
    patch(&[("role", "viewer"), ("projects:list?", ""), ("projects:list", &project)]);
    assert_eq!(mine()["projects"], json!([PROJECT]));
    assert_eq!(mia.get("/api/session").status, 401, "what they see has changed");
    let html = page(&root.client(), &place);
    assert!(html.contains(&format!("<option value=\"{project}\" selected>")), "{html}");
    patch(&[("role", "operator"), ("projects:list?", "")]);
    assert_eq!((&mine()["role"], &mine()["projects"]), (&json!("operator"), &json!(null)));

    let mia = Person::sign_in(&scene, "mia");
    let other = "quite another one, of some length";
    led_to(&send(&root, &format!("/forms{path}/password"), &[("password", other), ("_next", &place)]));
    assert_eq!(mia.get("/api/session").status, 401);
    patch(&[("disabled:bool", "true")]);
    assert_eq!(mine()["disabled"], true);
    assert!(page(&root.client(), &place).contains("Enable"));
    let gone = [("_method", "DELETE"), ("_next", "/users")];
    assert_eq!(led_to(&send(&root, &format!("/forms{path}"), &gone)), "/users");
    assert_eq!(scene.gateway.operator().get(&path).status, 404);
}

#[test]
fn sessions_end_by_forms_and_a_password_is_changed_by_its_owner() {
    let scene = scene();
    let id = account(&scene, "mia", &json!({"role": "operator"}));
    account(&scene, "root", &json!({"role": "owner"}));
    let (one, two, root) =
        (Person::sign_in(&scene, "mia"), Person::sign_in(&scene, "mia"), Person::sign_in(&scene, "root"));
    let own = page(&one.client(), "/sessions");
    assert_eq!(own.matches("/forms/api/sessions/").count(), 2, "one's own two, and nobody else's: {own}");
    assert!(own.contains("this one") && own.contains(BROWSER));
    let all = page(&root.client(), "/sessions");
    assert_eq!(all.matches("/forms/api/sessions/").count(), 3, "{all}");

    let hers = scene.gateway.list(&format!("/api/sessions?user={id}"));
    let last = hers[1]["id"].as_str().unwrap();
    let fields = [("_method", "DELETE"), ("_next", "/sessions")];
    assert_eq!(led_to(&send(&one, &format!("/forms/api/sessions/{last}"), &fields)), "/sessions");
    assert_eq!((one.get("/api/session").status, two.get("/api/session").status), (200, 401));

    let other = "quite another one, of some length";
    let fields = [("password", PASSWORD), ("new_password", other), ("_next", "/account")];
    let changed = send(&one, "/forms/api/session/password", &fields);
    assert_eq!(led_to(&changed), "/account");
    let renewed = one.browser.with("cookie", &cookie(&changed).unwrap());
    assert_eq!(renewed.get("/api/session").status, 200);
    let signs_in = |password: &str| {
        let browser = scene.gateway.anonymous().with("origin", &origin(&scene));
        browser.post("/api/session", &json!({"username": "mia", "password": password})).status
    };
    assert_eq!((signs_in(PASSWORD), signs_in(other)), (401, 200));

    let whole = page(&root.client(), &format!("/sessions?user={id}"));
    let action = format!("/forms/api/sessions?user={id}");
    assert!(whole.contains(&format!("action=\"{action}\"")), "{whole}");
    assert_eq!(led_to(&send(&root, &action, &[("_method", "DELETE"), ("_next", "/sessions")])), "/sessions");
    assert_eq!(scene.gateway.list(&format!("/api/sessions?user={id}")).len(), 0);
}

#[test]
fn whatever_people_and_programs_are_called_is_text_on_every_page() {
    let scene = scene();
    account(&scene, "root", &json!({"role": "owner"}));
    for (number, text) in HOSTILE.iter().enumerate() {
        let name = format!("person-{number}");
        let id = account(&scene, &name, &json!({"role": "viewer", "display_name": text}));
        let browser = scene.gateway.anonymous().with("user-agent", text);
        let person = Person::with(&scene, browser, &name);
        assert_eq!(person.get("/account").status, 200);
        let project = scene.gateway.create("/api/projects", &json!({"name": format!("{number} {text}")}));
        let seen = json!({"projects": [project["id"]]}).to_string();
        let changed = scene.gateway.operator().send("PATCH", &format!("/api/users/{id}"), seen.as_bytes()).unwrap();
        assert_eq!(changed.status, 200, "{}", changed.text());
        Person::with(&scene, scene.gateway.anonymous().with("user-agent", text), &name);
    }
    let root = Person::sign_in(&scene, "root");
    let users = scene.gateway.list("/api/users");
    let events = scene.gateway.list("/api/audit?action=session.create");
    let accounts = users.iter().map(|user| format!("/users/{}", user["id"].as_str().unwrap()));
    let records = events.iter().map(|event| format!("/audit/{}", event["id"].as_str().unwrap()));
    let typed = HOSTILE.iter().flat_map(|text| {
        let coded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        [format!("/users?name={coded}"), format!("/audit?actor={coded}"), format!("/audit?from={coded}")]
    });
    let fixed = ["/users", "/sessions", "/audit", "/"].map(str::to_owned);
    let paths: Vec<_> = fixed.into_iter().chain(accounts).chain(records).chain(typed).collect();
    let mut shown = 0;
    for path in &paths {
        let html = root.client().with("accept", "text/html").get(path).text();
        for live in ["<script>alert", "<img src=x", "<svg/onload", "' onmouseover='", "<b>", "href=\"javascript"] {
            assert!(!html.contains(live), "{path}: {live}\n{html}");
        }
        shown += html.matches("alert(1)").count();
    }
    assert!(shown > 4 * HOSTILE.len(), "they are shown, as text: {shown}");
}

#[test]
fn the_trail_is_searched_by_every_field_and_read_page_by_page() {
    let scene = scene();
    account(&scene, "root", &json!({"role": "owner"}));
    let root = Person::sign_in(&scene, "root");
    for number in 0..60 {
        scene.gateway.create("/api/projects", &json!({"name": format!("project {number}")}));
    }
    let first = page(&root.client(), "/audit?action=project.create&actor=&project=&result=&from=&to=");
    let events = |html: &str| html.matches("href=\"/audit/aud_").count();
    assert_eq!(events(&first), 50, "what was left empty is not asked");
    let older =
        first.split("href=\"/audit?").find_map(|rest| rest.split('"').next().filter(|it| it.contains("cursor")));
    let older = older.unwrap().replace("&#38;", "&").replace("&amp;", "&");
    assert!(older.contains("action=project.create"), "the next page asks the same: {older}");
    assert_eq!(events(&page(&root.client(), &format!("/audit?{older}"))), 11);
    assert_eq!(events(&page(&root.client(), "/audit?action=project.create&to=2001-01-01")), 0);
    assert!(events(&page(&root.client(), "/audit?actor=user:root&action=session.*&from=2001-01-01")) > 0);
    let found = page(&root.client(), &format!("/audit?project={PROJECT}&result=success"));
    assert!(events(&found) > 0 && found.contains("<option selected>success</option>"), "{found}");

    for (asked, field) in [("from=yesterday", "from"), ("to=x", "to"), ("project=none+such", "project")] {
        let refused = root.client().with("accept", "text/html").get(&format!("/audit?action=a.b&{asked}"));
        let html = refused.text();
        assert!(matches!(refused.status, 400 | 404), "{asked}: {}", refused.status);
        assert!(
            html.contains("role=\"alert\"") && html.contains("value=\"a.b\""),
            "what was typed stays ({field}): {html}"
        );
    }
    let verdict = page(&root.client(), "/audit/verify");
    assert!(verdict.contains(">whole<") && !verdict.contains(">altered<"), "{verdict}");
}

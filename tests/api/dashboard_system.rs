//! The pages about supply and the gateway itself, as browsers see them: overview, providers, system. Who sees what, that nothing a
//! person or a provider wrote can run, and that their forms work without a script.

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::ask;
use farthing_support::{Answer, Reply, Scene};
use serde_json::json;

use crate::people::person::{Person, account};
use crate::scene;

/// What would run, or break out of its place, if it were not escaped.
const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus=alert(1) x='",
    "</textarea><svg/onload=alert(1)>",
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "&lt;script&gt;&#60;script>",
    "<a href=//evil.test>x</a>",
    "--><iframe srcdoc='<script>alert(1)</script>'>",
    "<style>@import '//evil.test'</style>",
    "\u{202e}<b>\u{2028}</b>",
];

fn signed_in(scene: &Scene, role: &str) -> Person {
    account(scene, role, &json!({"role": role}));
    Person::sign_in(scene, role)
}

fn page(person: &Person, path: &str) -> Answer {
    person.client().with("accept", "text/html").get(path)
}

/// Sends a form as a browser without a script does.
fn form(person: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
    let escape = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let fields = fields.iter().copied().chain([("_csrf", person.csrf.as_str())]);
    let body: Vec<String> = fields.map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    let client = person.client().with("origin", &person.origin).with("sec-fetch-site", "same-origin");
    let client = client.with("accept", "text/html").with("content-type", "application/x-www-form-urlencoded");
    client.post_bytes(path, body.join("&").as_bytes())
}

fn provider(scene: &Scene) -> String {
    scene.gateway.list("/api/providers")[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn each_role_sees_its_pages_and_the_forms_it_may_send() {
    let scene = scene();
    let one = format!("/providers/{}", provider(&scene));
    // Change a provider; force a circuit; make a backup.
    for (role, manages, forces, backs_up) in [
        ("admin", true, true, true),
        ("operator", false, true, false),
        ("auditor", false, false, false),
        ("viewer", false, false, false),
    ] {
        let person = signed_in(&scene, role);
        assert_eq!(page(&person, "/").status, 200);
        let (list, one) = (page(&person, "/providers"), page(&person, &one));
        assert_eq!((list.status, one.status), (200, 200), "{role}");
        assert_eq!(list.text().contains("action=\"/forms/api/providers\""), manages, "{role} adds");
        assert_eq!(one.text().contains("value=\"PATCH\""), manages, "{role} changes");
        assert_eq!(one.text().contains("Remove this provider"), manages, "{role} removes");
        assert_eq!(one.text().contains("/breaker\""), forces, "{role} forces");
        let system = page(&person, "/system");
        let sees = person.session()["permissions"].as_array().unwrap().contains(&json!("can_view_system"));
        assert_eq!(system.status, if sees { 200 } else { 403 }, "{role}");
        assert_eq!(system.text().contains("Make a backup now"), backs_up, "{role} backs up");
        assert_eq!(page(&person, "/providers/prv_018f3c5a7d2e7b1c9a4e5f60718293a4").status, 404);
    }
    account(&scene, "some", &json!({"role": "viewer", "projects": ["team-a"]}));
    let some = Person::sign_in(&scene, "some");
    for path in ["/", "/providers", &one, "/system"] {
        assert_eq!(page(&some, path).status, 403, "{path}: it shows all projects");
    }
}

#[test]
fn what_others_wrote_is_shown_and_never_runs() {
    let scene = scene();
    let person = signed_in(&scene, "admin");
    let names: Vec<String> = HOSTILE.iter().enumerate().map(|(at, text)| format!("{at} {text}")).collect();
    let made = names.iter().filter(|name| {
        let body = json!({"name": name, "kind": "openai", "base_url": scene.upstream.base_url(), "api_key": "sk-1234567890abcdef", "allow_private_network": true});
        scene.gateway.operator().post("/api/providers", &body).status == 201
    });
    println!("{} hostile names were taken", made.count());
    let id = provider(&scene);
    for text in HOSTILE {
        // Enough failures to open the circuit, whose cause has the provider's words.
        scene.upstream.always(Reply::error(500, text));
        for _ in 0..6 {
            scene.chat(&ask(&json!({})));
        }
        for path in ["/", "/providers", &format!("/providers/{id}"), "/system"] {
            let html = page(&person, path).text();
            for forbidden in [
                "<script>alert",
                "<img src=x",
                "<svg/onload",
                "<iframe",
                "<style>@import",
                "<a href=//evil",
                " onfocus=alert(1) x='\"",
            ] {
                assert!(!html.contains(forbidden), "{path} shows {forbidden} of {text:?}");
            }
        }
        let body = json!({"state": "auto"}).to_string();
        scene.gateway.operator().send("PUT", &format!("/api/providers/{id}/breaker"), body.as_bytes()).unwrap();
    }
}

#[test]
fn forms_force_a_circuit_and_make_a_backup_without_a_script() {
    let scene = scene();
    let person = signed_in(&scene, "admin");
    let id = provider(&scene);
    let one = format!("/providers/{id}");
    for (state, shown, status) in
        [("open", "forced open", 503), ("closed", "forced closed", 200), ("auto", "circuit closed", 200)]
    {
        let sent = form(
            &person,
            &format!("/forms/api/providers/{id}/breaker"),
            &[("_method", "PUT"), ("_next", &one), ("state", state)],
        );
        assert_eq!((sent.status, sent.header("location")), (303, Some(one.as_str())), "{}", sent.text());
        let html = page(&person, &one).text();
        assert!(html.contains(shown), "{state}: {html}");
        if status == 200 {
            scene.upstream.expect(Reply::chat(farthing_support::Tokens::plain(1, 1)));
        }
        assert_eq!(scene.chat(&ask(&json!({}))).status, status, "{state}");
    }
    let sent = form(&person, "/forms/api/system/backups", &[("_next", "/system")]);
    assert_eq!((sent.status, sent.header("location")), (303, Some("/system")), "{}", sent.text());
    let backup = scene.gateway.list("/api/system/backups").remove(0)["id"].as_str().unwrap().to_owned();
    assert!(page(&person, "/system").text().contains(&backup));
    std::fs::write(scene.gateway.data_dir().join(format!("backups/{backup}.json")), "{").unwrap();
    assert!(page(&person, "/system").text().contains(&format!("{backup}: its manifest cannot be read")));
    let sent =
        form(&person, &format!("/forms/api/system/backups/{backup}"), &[("_method", "DELETE"), ("_next", "/system")]);
    assert_eq!(sent.status, 303, "{}", sent.text());
    assert!(!page(&person, "/system").text().contains(&backup));

    let version = scene.gateway.operator().get(&format!("/api/providers/{id}")).header("etag").unwrap().to_owned();
    let change =
        [("_method", "PATCH"), ("_version", &*version), ("_next", &one), ("name", "other"), ("enabled:bool", "false")];
    assert_eq!(form(&person, &format!("/forms/api{one}"), &change).status, 303);
    let html = page(&person, &one).text();
    assert!(html.contains("<h1 class=\"name\">other</h1>") && html.contains("disabled"), "{html}");
    let again = form(&person, &format!("/forms/api{one}"), &change);
    assert_eq!(again.status, 412, "of another version: {}", again.text());
}

#[test]
fn a_page_that_refreshes_itself_is_no_use_of_its_session() {
    let scene = scene();
    let person = signed_in(&scene, "viewer");
    let refreshed = person.client().with("x-farthing-refresh", "1").get("/");
    assert_eq!(refreshed.status, 200);
    for path in ["/providers", "/system"] {
        assert!(page(&person, path).text().contains("js/live.js") || path == "/system", "{path}");
    }
    let figures = || page(&person, "/").text();
    scene.upstream.expect(Reply::chat(farthing_support::Tokens::plain(10, 20)));
    scene.recorded(&scene.chat(&ask(&json!({}))));
    until("the overview counts the call", PATIENCE, || figures().contains("10 in, 20 out").then_some(()));
    assert!(figures().contains("1 in the last minute"));
}

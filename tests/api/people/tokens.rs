//! Sessions that the management token opened, and scoped tokens that it made: they end with it, at the first start that does not admit
//! it, and people's go on.

use farthing_support::Answer;
use serde_json::{Value, json};

use super::person::{BROWSER, Person, account, cookie, origin};
use crate::scene;

const OTHER: &str = "Zx9cVb7nMq5wEr3tYu1iOp2aSd4fGh6j";

#[test]
fn a_session_of_the_management_token_ends_with_the_token() {
    let mut scene = scene();
    account(&scene, "mia", &json!({"role": "owner"}));
    let mia = Person::sign_in(&scene, "mia");
    let own = scene.gateway.management_token().to_owned();
    let signed_in =
        scene.gateway.anonymous().with("user-agent", BROWSER).post("/api/session", &json!({"management_token": own}));
    let cookies = [cookie(&signed_in).expect("a session"), mia.cookie.clone()];
    scene.gateway.settled();
    for (token, former, statuses, what) in [
        (own.as_str(), None, [200, 200], "the same token"),
        (OTHER, Some(own.as_str()), [200, 200], "it is admitted beside the new one"),
        (OTHER, None, [401, 200], "it is not any more"),
        (own.as_str(), None, [401, 200], "and what has ended does not come back"),
    ] {
        assert!(scene.gateway.stop().success());
        scene.gateway.set("MANAGEMENT_TOKEN", token);
        scene.gateway.unset("MANAGEMENT_TOKEN_PREVIOUS");
        former.into_iter().for_each(|former| scene.gateway.set("MANAGEMENT_TOKEN_PREVIOUS", former));
        scene.gateway.restart();
        let ask = |cookie: &String| {
            let browser = scene.gateway.anonymous().with("user-agent", BROWSER);
            browser.with("cookie", cookie).get("/api/session").status
        };
        assert_eq!([&cookies[0], &cookies[1]].map(ask), statuses, "{what}");
        let listed = scene.gateway.anonymous().bearer(token).get("/api/sessions?user=management").json();
        let expected = usize::from(statuses[0] == 200);
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(expected), "{what}: {listed}");
    }
    let events = scene.gateway.list("/api/audit?action=session.revoke");
    let told: Vec<&Value> = events.iter().map(|event| &event["actor"]).collect();
    assert_eq!(told, ["system"], "once: {events:?}");
}

#[test]
fn a_scoped_token_ends_with_the_management_token_that_made_it() {
    let mut scene = scene();
    account(&scene, "mia", &json!({"role": "owner"}));
    let own = scene.gateway.management_token().to_owned();
    let body = json!({"name": "ci", "scopes": ["can_view_usage"]});
    let token =
        |answer: Answer| answer.json()["token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
    // A session of the management token, as a page of ours uses it.
    let browser = scene.gateway.anonymous().with("user-agent", BROWSER);
    let signed_in = browser.post("/api/session", &json!({"management_token": own}));
    let csrf = signed_in.json()["csrf"].as_str().expect("a session").to_owned();
    let (cookie, origin) = (cookie(&signed_in).expect("a session"), origin(&scene));
    let manager = Person { browser, cookie, csrf, origin };
    let made = [
        token(scene.gateway.operator().post("/api/tokens", &body)),
        token(manager.post("/api/tokens", &body)),
        token(Person::sign_in(&scene, "mia").post("/api/tokens", &body)),
    ];
    scene.gateway.settled();
    for (present, former, statuses, what) in [
        (own.as_str(), None, [200, 200, 200], "the same token"),
        (OTHER, Some(own.as_str()), [200, 200, 200], "it is admitted beside the new one"),
        (OTHER, None, [401, 401, 200], "it is not any more"),
        (own.as_str(), None, [200, 200, 200], "and is again"),
    ] {
        assert!(scene.gateway.stop().success());
        scene.gateway.set("MANAGEMENT_TOKEN", present);
        scene.gateway.unset("MANAGEMENT_TOKEN_PREVIOUS");
        former.into_iter().for_each(|former| scene.gateway.set("MANAGEMENT_TOKEN_PREVIOUS", former));
        scene.gateway.restart();
        let ask = |token: &String| scene.gateway.anonymous().bearer(token).get("/api/usage/summary").status;
        assert_eq!([&made[0], &made[1], &made[2]].map(ask), statuses, "{what}");
    }
}

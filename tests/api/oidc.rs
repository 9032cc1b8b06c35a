//! Signing in with an identity provider, from outside: who comes in as what, and which ways back lead nowhere.

mod issuer;

use farthing_support::{Answer, Builder, Client, TestGateway};
use serde_json::{Value, json};

use crate::BINARY;
use issuer::{CLIENT, Issuer, parameter};

const SECRET: &str = "shown once at the provider";

fn gateway(issuer: &Issuer) -> TestGateway {
    builder(issuer).start()
}

fn builder(issuer: &Issuer) -> Builder {
    TestGateway::builder(BINARY)
        .set("FARTHING__OIDC__ISSUER", &issuer.address)
        .set("FARTHING__OIDC__CLIENT_ID", CLIENT)
        .set("FARTHING__OIDC__ROLES", "gateway-ops=operator, gateway-admins=admin, gateway-owners=owner")
        .set("FARTHING__OIDC__LABEL", "Sign in with <Example>")
        .set("OIDC_CLIENT_SECRET", SECRET)
        // As many wrong ways back as there are below, from one address.
        .set("FARTHING__SERVER__FAILURES_PER_MINUTE", "0")
}

/// A sign-in that has begun: the cookie that came with it, and where the browser was sent.
struct Begun {
    cookie: String,
    location: String,
}

fn begin(gateway: &TestGateway) -> Begun {
    let answer = gateway.anonymous().get("/sign-in/oidc");
    assert_eq!(answer.status, 303, "{}", answer.text());
    let (cookie, flags) = answer.header("set-cookie").unwrap().split_once("; ").unwrap();
    assert_eq!(flags, "HttpOnly; SameSite=Lax; Path=/; Max-Age=600");
    Begun { cookie: cookie.to_owned(), location: answer.header("location").unwrap().to_owned() }
}

fn back(client: &Client, code: &str, state: &str) -> Answer {
    client.get(&format!("/sign-in/oidc/callback?code={code}&state={state}"))
}

/// Comes back with what the provider gives.
fn finish(gateway: &TestGateway, issuer: &Issuer, (begun, change): (&Begun, &Value)) -> Answer {
    let code = issuer.grant(&begun.location, change);
    back(&gateway.anonymous().with("cookie", &begun.cookie), &code, &parameter(&begun.location, "state"))
}

/// The session's cookie, if there is one.
fn session(answer: &Answer) -> Option<String> {
    let set = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value);
    set.filter(|value| value.contains("SameSite=Strict")).find_map(|value| Some(value.split_once(';')?.0.to_owned()))
}

fn assert_kept_out(answer: &Answer, status: u16, why: &str) {
    assert_eq!((answer.status, session(answer)), (status, None), "{why}: {}", answer.text());
    assert!(answer.text().contains("<form") && answer.text().contains("role=\"alert\""), "{why}: the form again");
}

fn who(gateway: &TestGateway, answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = session(answer).expect("a session");
    gateway.anonymous().with("cookie", &cookie).get("/api/session").json()["user"].clone()
}

#[test]
fn whoever_the_provider_vouches_for_is_made_once_and_has_the_role_it_gives_each_time() {
    let issuer = Issuer::start();
    let gateway = gateway(&issuer);
    let page = gateway.anonymous().get("/sign-in").text();
    assert!(page.contains("href=\"/sign-in/oidc\"") && page.contains("Sign in with &#60;Example&#62;"), "{page}");
    // Somebody else's account of that name is theirs, whatever the provider calls people.
    let local = gateway.create("/api/users", &json!({"name": "mia", "role": "owner"}));

    let begun = begin(&gateway);
    let expected = format!("http%3A%2F%2F127.0.0.1%3A{}%2Fsign-in%2Foidc%2Fcallback", gateway.address().port());
    assert_eq!(parameter(&begun.location, "redirect_uri"), expected);
    let answer = finish(&gateway, &issuer, (&begun, &json!({})));
    let mia = who(&gateway, &answer);
    assert_eq!((&mia["name"], &mia["role"]), (&json!("mia-2"), &json!("operator")));
    assert_ne!(mia["id"], local["id"]);
    assert!(answer.text().contains("http-equiv=\"refresh\" content=\"0; url=/\""), "{}", answer.text());
    let forgotten = |(name, value): &(String, String)| {
        name == "set-cookie" && value.starts_with("farthing_oidc=;") && value.contains("Max-Age=0")
    };
    assert!(answer.headers.iter().any(forgotten), "{:?}", answer.headers);
    let account = gateway.operator().get(&format!("/api/users/{}", mia["id"].as_str().unwrap())).json();
    assert_eq!(account["oidc"], json!({"issuer": issuer.address, "subject": "7"}));

    let first = session(&answer).unwrap();
    let changed = json!({"preferred_username": "Somebody", "groups": ["gateway-ops", "gateway-admins"]});
    let again = who(&gateway, &finish(&gateway, &issuer, (&begin(&gateway), &changed)));
    assert_eq!((&again["id"], &again["name"], &again["role"]), (&mia["id"], &mia["name"], &json!("admin")));
    let before = gateway.anonymous().with("cookie", &first).get("/api/session");
    assert_eq!(before.status, 401, "whose role changes signs in again");
    let other = who(&gateway, &finish(&gateway, &issuer, (&begin(&gateway), &json!({"sub": "8"}))));
    assert_eq!(other["name"], "mia-3");

    let on_record = |filter: &str| gateway.list(&format!("/api/audit?{filter}"));
    let by_provider: Vec<_> = on_record("action=user.*")
        .into_iter()
        .filter(|event| event["details"]["by"] == "identity provider")
        .map(|event| event["action"].clone())
        .collect();
    assert_eq!(by_provider, [json!("user.create"), json!("user.update"), json!("user.create")]);
    assert_eq!(on_record("action=session.create").iter().filter(|event| event["actor"] == "user:mia-2").count(), 2);
    let logs = gateway.logs();
    assert!(!logs.contains(SECRET) && !logs.contains("code-") && !logs.contains(&first), "{logs}");
}

#[test]
fn no_other_way_back_opens_a_session() {
    let issuer = Issuer::start();
    let gateway = gateway(&issuer);
    let refused = |change: Value, status: u16| {
        assert_kept_out(&finish(&gateway, &issuer, (&begin(&gateway), &change)), status, &change.to_string());
    };
    refused(json!({"aud": "another application"}), 401);
    refused(json!({"iss": "https://id.example"}), 401);
    refused(json!({"nonce": parameter(&begin(&gateway).location, "nonce")}), 401);
    refused(json!({"exp": 1_000_000_000}), 401);
    refused(json!({"groups": ["everybody"]}), 403);

    let (begun, other) = (begin(&gateway), begin(&gateway));
    let (code, state) = (issuer.grant(&begun.location, &json!({})), parameter(&begun.location, "state"));
    let browser = |begun: &Begun| gateway.anonymous().with("cookie", &begun.cookie);
    assert_kept_out(&back(&gateway.anonymous(), &code, &state), 401, "a browser that has not begun");
    assert_kept_out(&back(&browser(&other), &code, &state), 401, "another sign-in's cookie");
    assert_kept_out(&back(&browser(&begun), &code, &parameter(&other.location, "state")), 401, "another's state");
    assert_kept_out(&back(&browser(&begun), &code, ""), 401, "no state");
    assert_kept_out(&browser(&begun).get("/sign-in/oidc/callback?error=access_denied"), 401, "refused there");
    assert_eq!(who(&gateway, &back(&browser(&begun), &code, &state))["name"], "mia");
    assert_kept_out(&back(&browser(&begun), &code, &state), 401, "the same once more");
    let late = begin(&gateway);
    let replayed = back(&browser(&late), &code, &parameter(&late.location, "state"));
    assert_kept_out(&replayed, 502, "a code that was used");
    let stolen = begin(&gateway);
    let code = issuer.grant(&stolen.location, &json!({}));
    let thief = begin(&gateway);
    let refused = back(&browser(&thief), &code, &parameter(&thief.location, "state"));
    assert_kept_out(&refused, 502, "another browser's code, without its verifier");
}

#[test]
fn nobody_disabled_comes_in_and_an_owner_remains() {
    let issuer = Issuer::start();
    let gateway = gateway(&issuer);
    let owners = json!({"groups": ["gateway-owners"]});
    let owner = who(&gateway, &finish(&gateway, &issuer, (&begin(&gateway), &owners)));
    assert_eq!(owner["role"], "owner");
    let demoted = finish(&gateway, &issuer, (&begin(&gateway), &json!({})));
    assert_kept_out(&demoted, 503, "the last owner is not demoted by the provider's word");

    gateway.create("/api/users", &json!({"name": "root", "role": "owner"}));
    let path = format!("/api/users/{}", owner["id"].as_str().unwrap());
    let changed = gateway.operator().send("PATCH", &path, b"{\"disabled\":true}").unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_kept_out(&finish(&gateway, &issuer, (&begin(&gateway), &owners)), 403, "disabled here");
    assert_eq!(gateway.list("/api/users").len(), 2, "nobody was made instead");

    let without = TestGateway::builder(BINARY).start();
    assert_eq!(without.anonymous().get("/sign-in/oidc").status, 404);
    assert_eq!(without.anonymous().get("/sign-in/oidc/callback?code=a&state=b").status, 404);
    assert!(!without.anonymous().get("/sign-in").text().contains("/sign-in/oidc"));
}

#[test]
fn what_is_asked_for_and_which_claim_tells_the_role_is_set() {
    let issuer = Issuer::start();
    let gateway = builder(&issuer)
        .set("FARTHING__OIDC__SCOPES", "openid roles")
        .set("FARTHING__OIDC__ROLE_CLAIM", "realm_access.roles")
        .set("FARTHING__OIDC__DEFAULT_ROLE", "viewer")
        .start();
    let scope = parameter(&begin(&gateway).location, "scope");
    assert_eq!(scope.replace("%20", "+"), "openid+roles");
    let role = |sub: &str, roles: Value| {
        let claims = json!({"sub": sub, "realm_access": {"roles": roles}});
        who(&gateway, &finish(&gateway, &issuer, (&begin(&gateway), &claims)))["role"].clone()
    };
    assert_eq!(role("1", json!(["gateway-admins"])), "admin", "not by the groups, which say operator");
    assert_eq!(role("2", json!([])), "viewer", "whom the claim gives none has the default");
}

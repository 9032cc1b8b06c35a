//! Who may call what: every route of the table, called by strangers, by applications, and by tokens of each permission.

mod others;
mod sight;

use std::collections::BTreeMap;

use farthing::web::routes::line::{Line, Needs};
use farthing::web::routes::table;
use farthing_actors::domain::{Permission, Role};
use farthing_support::{Client, Scene, TestGateway};
use serde_json::json;

use crate::BINARY;
use crate::people::person::{Person, account};

/// As many wrong credentials as there are, from one address.
fn scene() -> Scene {
    Scene::around(TestGateway::builder(BINARY).set("FARTHING__SERVER__FAILURES_PER_MINUTE", "0").start())
}

/// The route's address, of things that are not there.
fn address(line: &Line) -> String {
    let noun = line.path.split('/').nth(2).unwrap_or_default();
    let prefix = match noun {
        "providers" => "prv",
        "models" => "mdl",
        "projects" => "prj",
        "keys" => "key",
        "runs" => "run",
        "audit" => "aud",
        "groups" => "grp",
        _ => "req",
    };
    let id = format!("{prefix}_018f3c5a7d2e7b1c9a4e5f60718293a4");
    let mut address = String::new();
    for part in line.path.split_inclusive('/') {
        match part.strip_prefix('{') {
            Some(rest) => {
                address.push_str(&id);
                address.push_str(if rest.ends_with('/') { "/" } else { "" });
            }
            None => address.push_str(part),
        }
    }
    address
}

fn status(client: &Client, line: &Line) -> u16 {
    client.send(line.method.as_str(), &address(line), b"{}").unwrap().status
}

/// A token for each permission that a token may have.
fn tokens(scene: &Scene) -> BTreeMap<Permission, Client> {
    let made = Permission::ALL.iter().filter_map(|permission| {
        let body = json!({"name": "matrix", "scopes": [permission.name()]});
        let answer = scene.gateway.operator().post("/api/tokens", &body);
        let token = (answer.status == 201).then(|| answer.json()["token"].as_str().unwrap().to_owned())?;
        Some((*permission, scene.gateway.anonymous().bearer(&token)))
    });
    made.collect()
}

/// Whether it is for people with a browser.
fn is_page(line: &Line) -> bool {
    !["/api/", "/ws/", "/v1"].iter().any(|start| line.path.starts_with(start))
}

#[test]
fn nobody_passes_a_route_without_what_it_needs() {
    let scene = scene();
    let tokens = tokens(&scene);
    assert!(tokens.len() >= 10, "{:?}", tokens.keys());
    let strangers = [scene.gateway.anonymous(), scene.gateway.anonymous().bearer("wrong")];
    let application = scene.application();
    let mut seen = 0;
    for line in table() {
        let refused = |client: &Client, expected: u16, who: &str| {
            assert_eq!(status(client, &line), expected, "{line:?} for {who}");
        };
        match line.needs {
            Needs::Nothing => {}
            Needs::SignedIn => strangers.iter().for_each(|stranger| refused(stranger, 303, "a stranger")),
            Needs::Key => {
                strangers.iter().for_each(|stranger| refused(stranger, 401, "a stranger"));
                tokens.iter().for_each(|(scope, token)| refused(token, 401, scope.name()));
            }
            Needs::Known => {
                strangers.iter().for_each(|stranger| refused(stranger, 401, "a stranger"));
                refused(&application, 401, "an application");
            }
            // A page knows sessions only, and sends everybody else to sign in.
            Needs::Can(_) if is_page(&line) => {
                strangers.iter().for_each(|stranger| refused(stranger, 303, "a stranger"));
                tokens.iter().for_each(|(scope, token)| refused(token, 303, scope.name()));
            }
            Needs::Can(permission) => {
                strangers.iter().for_each(|stranger| refused(stranger, 401, "a stranger"));
                refused(&application, 401, "an application");
                for (scope, token) in tokens.iter().filter(|(scope, _)| **scope != permission) {
                    refused(token, 403, scope.name());
                }
                if let Some(token) = tokens.get(&permission) {
                    let status = status(token, &line);
                    assert!(!matches!(status, 401 | 403 | 500), "{line:?} for {permission}: {status}");
                }
            }
        }
        seen += 1;
    }
    println!("{seen} routes, {} tokens", tokens.len());
}

#[test]
fn each_role_passes_the_routes_its_permissions_open_and_no_session_outlives_its_end() {
    let scene = scene();
    for role in Role::ALL {
        account(&scene, role.name(), &json!({"role": role.name()}));
        let person = Person::sign_in(&scene, role.name());
        let lines = || {
            table().into_iter().filter_map(|line| match line.needs {
                Needs::Can(permission) => Some((permission, line)),
                _ => None,
            })
        };
        let status = |line: &Line| person.send(line.method.as_str(), &address(line), &json!({"unknown": 1})).status;
        for (permission, line) in lines() {
            let status = status(&line);
            match role.may(permission) {
                true => assert!(!matches!(status, 401 | 403 | 500), "{line:?} for the {role}: {status}"),
                false => assert_eq!(status, 403, "{line:?} for the {role}"),
            }
        }
        assert_eq!(person.send("DELETE", "/api/session", &json!({})).status, 204);
        for (_, line) in lines() {
            let expected = if is_page(&line) { 303 } else { 401 };
            assert_eq!(status(&line), expected, "{line:?} after the {role} has signed out");
        }
    }
}

#[test]
fn a_route_that_takes_no_body_passes_over_nothing_that_is_said() {
    let scene = scene();
    let operator = scene.gateway.operator();
    let is_change = |line: &Line| line.path.starts_with("/api/") && line.method != "GET";
    let silent: Vec<_> = table().into_iter().filter(|line| is_change(line) && line.takes.is_none()).collect();
    assert!(silent.len() >= 20, "{silent:?}");
    for line in &silent {
        let refused = |body: &str, code: &str| {
            let answer = operator.send(line.method.as_str(), &address(line), body.as_bytes()).unwrap();
            let told = (answer.status, answer.json()["error"]["code"].clone());
            assert_eq!(told, (400, json!(code)), "{line:?} {body}: {}", answer.text());
            answer.text()
        };
        assert!(refused(r#"{"zzz":1}"#, "invalid_value").contains("zzz"), "{line:?}");
        refused("[]", "invalid_value");
        refused("{", "invalid_json");
    }
    for body in ["", "null", " {} "] {
        let answer = operator.post_bytes("/api/feed/tickets", body.as_bytes());
        assert_eq!(answer.status, 201, "{body:?}: {}", answer.text());
    }
    assert_eq!(operator.post_bytes("/api/system/backups", b"").status, 201);
    assert_eq!(scene.gateway.list("/api/system/backups").len(), 1, "what was refused made none");
}

#[test]
fn whatever_is_sent_as_a_credential_opens_nothing() {
    let scene = scene();
    let long = "x".repeat(100 * 1024);
    let odd = [
        "' OR '1'='1' --",
        "Bearer '; DROP TABLE virtual_keys; --",
        "Bearer",
        "Bearer ",
        "bearer  \t ",
        "Basic YWRtaW46YWRtaW4=",
        "Bearer é\u{2028}\u{202e}",
        "Bearer sk-ft-",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer ../../etc/passwd%00",
        &format!("Bearer {long}"),
        &long,
    ];
    for credential in odd {
        for (path, header) in [
            ("/api/keys", "authorization"),
            ("/v1/models", "authorization"),
            ("/v1/models", "x-api-key"),
            ("/v1beta/models", "x-goog-api-key"),
        ] {
            let answer = scene.gateway.anonymous().with(header, credential).get(path);
            let shown: String = credential.chars().take(40).collect();
            assert!(matches!(answer.status, 400 | 401), "{path} {header} {shown:?}: {}", answer.status);
            assert!(answer.json()["error"].is_object() || answer.json().is_array(), "{path}: {}", answer.text());
        }
    }
}

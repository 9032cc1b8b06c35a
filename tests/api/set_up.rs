//! The first owner, from outside: by the link that `farthing init` tells, once, and by nothing else.

use std::fs;
use std::process::Command;
use std::thread;

use farthing_support::{Answer, Client, TestGateway};

use crate::BINARY;
use crate::people::person::{PASSWORD, cookie};

/// What `farthing init` writes and tells: the session secret, and the code in its link.
fn told() -> (String, String) {
    let home = TestGateway::builder(BINARY).start().home().join("fresh");
    let folder = home.display().to_string();
    let made = Command::new(BINARY).args(["init", "--dir", &folder, "--json"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let said: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let secrets = fs::read_to_string(home.join(".env")).unwrap();
    fs::remove_dir_all(home).unwrap();
    let secret = secrets.lines().find_map(|line| line.strip_prefix("SESSION_SECRET=")).unwrap();
    let (address, code) = said["set_up"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(address, "http://127.0.0.1:8080/set-up");
    (secret.to_owned(), code.to_owned())
}

fn fill(client: &Client, code: &str, name: &str, (password, again): (&str, &str)) -> Answer {
    let coded = |text: &str| text.replace(' ', "+").replace(',', "%2C");
    let form = format!("code={code}&name={name}&password={}&again={}", coded(password), coded(again));
    client.post_bytes("/set-up", form.as_bytes())
}

#[test]
fn the_link_that_init_tells_makes_one_owner_and_then_nothing() {
    let (secret, code) = told();
    let builder = TestGateway::builder(BINARY).set("SESSION_SECRET", &secret);
    let gateway = builder.set("FARTHING__SERVER__FAILURES_PER_MINUTE", "0").start();
    let browser = gateway.anonymous();
    assert!(browser.get("/sign-in").text().contains("farthing init"), "the sign-in page says what to do");
    assert_eq!(browser.get("/set-up").status, 200);

    let twice = (PASSWORD, PASSWORD);
    for (code, name, passwords, status) in [
        ("wrong", "root", twice, 401),
        ("", "root", twice, 401),
        (code.split_at(1).1, "root", twice, 401),
        (&code, "root", (PASSWORD, "another one, of some length"), 400),
        (&code, "root", ("passwordpassword", "passwordpassword"), 400),
        (&code, "No+Such+Name", twice, 400),
        (&code, "management", twice, 400),
    ] {
        let refused = fill(&browser, code, name, passwords);
        assert_eq!((refused.status, refused.header("set-cookie")), (status, None), "{name}: {}", refused.text());
        let page = refused.text();
        assert!(page.contains("role=\"alert\"") && !page.contains(passwords.0), "{page}");
        assert!(page.contains(&format!("value=\"{}\"", name.replace('+', " "))), "what was typed stays: {page}");
    }
    let foreign = fill(&browser.with("origin", "https://evil.example"), &code, "root", twice);
    assert_eq!(foreign.status, 403);
    assert!(gateway.list("/api/users").is_empty());

    let answers: Vec<Answer> = thread::scope(|scope| {
        let tries = ["root", "other", "third"].map(|name| {
            let (browser, code) = (&browser, &code);
            scope.spawn(move || fill(browser, code, name, twice))
        });
        tries.map(|attempt| attempt.join().unwrap()).into()
    });
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 303).collect();
    assert_eq!(made.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 409)));
    let people = gateway.list("/api/users");
    assert_eq!((people.len(), &people[0]["role"]), (1, &serde_json::json!("owner")));
    let session = browser.with("cookie", &cookie(made[0]).unwrap()).get("/api/session").json();
    assert_eq!(session["user"]["name"], people[0]["name"]);

    let after = browser.get("/set-up");
    assert_eq!((after.status, after.header("location")), (303, Some("/sign-in")));
    assert_eq!(fill(&browser, &code, "late", twice).status, 409, "the link is used up");
    assert!(!browser.get("/sign-in").text().contains("farthing init"));
    let events = gateway.list("/api/audit?action=user.create");
    let made = events.iter().filter(|event| event["result"] == "success").count();
    assert_eq!((made, events.len() > 3), (1, true), "{events:?}");
    assert!(!gateway.logs().contains(&code));
}

#[test]
fn whoever_guesses_the_code_waits() {
    let gateway = TestGateway::builder(BINARY).set("FARTHING__SERVER__FAILURES_PER_MINUTE", "3").start();
    // A token that was good a moment ago is not shut out with its address.
    assert_eq!(gateway.operator().get("/api/users").status, 200);
    let browser = gateway.anonymous();
    let statuses: Vec<_> = (0..6).map(|_| fill(&browser, "guess", "root", (PASSWORD, PASSWORD)).status).collect();
    assert_eq!(statuses[..3], [401, 401, 401]);
    assert!(statuses[4..].contains(&429), "{statuses:?}");
}

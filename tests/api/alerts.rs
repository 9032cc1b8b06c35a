//! Alerts by webhook: signed, tried again until heard, and about what was promised.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use farthing_support::scene::ask;
use farthing_support::{Reply, Scene, TestGateway};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::BINARY;

const SECRET: &str = "pAd3xQ8sV1nLr7yTz0wKc5uEb2hGm9fJ";
const SOON: Duration = Duration::from_secs(60);

/// What was posted: the signature, the time it was signed at, and the body.
struct Posted {
    signature: String,
    timestamp: String,
    body: String,
}

/// Hears what is posted; the first is answered 500, the next is sent elsewhere, the others are taken.
fn hearer() -> (SocketAddr, Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, heard) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let posted = read(&mut BufReader::new(&stream));
            let status = match number {
                0 => "500 Internal Server Error\r\n".to_owned(),
                1 => format!("307 Temporary Redirect\r\nLocation: http://{address}/elsewhere\r\n"),
                _ => "204 No Content\r\n".to_owned(),
            };
            let answer = format!("HTTP/1.1 {status}Content-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            if sender.send(posted).is_err() {
                return;
            }
        }
    });
    (address, heard)
}

fn read(stream: &mut impl BufRead) -> Posted {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    assert_eq!(head[0], "POST /farthing HTTP/1.1");
    let field = |name: &str| {
        let found =
            head.iter().filter_map(|line| line.split_once(':')).find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("{name} is missing: {head:?}")).1.trim().to_owned()
    };
    let mut body = vec![0; field("content-length").parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    let (signature, timestamp) = (field("x-farthing-signature"), field("x-farthing-timestamp"));
    Posted { signature, timestamp, body: String::from_utf8(body).unwrap() }
}

impl Posted {
    /// The alert, if the signature is ours.
    fn checked(&self) -> Value {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{}.{}", self.timestamp, self.body).as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(self.signature, format!("v1={hex}"));
        serde_json::from_str(&self.body).unwrap()
    }
}

#[test]
fn an_alert_is_signed_and_posted_again_until_it_is_heard() {
    let (address, heard) = hearer();
    let url = format!("http://{address}/farthing");
    let builder = TestGateway::builder(BINARY).set("FARTHING__ALERTS__WEBHOOK_URL", &url);
    let builder =
        builder.set("FARTHING__SERVER__BEHIND_PROXY", "true").set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.1");
    let scene = Scene::around(builder.set("ALERTS_WEBHOOK_SECRET", SECRET).start());
    let operator = scene.gateway.operator();
    let provider = scene.gateway.list("/api/providers")[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/providers/{provider}/breaker");
    assert_eq!(operator.send("PUT", &path, br#"{"state": "open"}"#).unwrap().status, 200);
    let tries: Vec<Posted> = (0..3).map(|_| heard.recv_timeout(SOON).unwrap()).collect();
    let alerts: Vec<Value> = tries.iter().map(Posted::checked).collect();
    assert!(alerts.iter().all(|alert| *alert == alerts[0]), "the same, id and all: {alerts:?}");
    let alert = &alerts[0];
    assert_eq!((&alert["type"], &alert["details"]["state"]), (&json!("breaker"), &json!("open")), "{alert}");
    assert!(alert["id"].as_str().unwrap().starts_with("alr_"));

    // Somebody guesses, from many networks, so that none of them has to wait.
    let password = json!({"name": "mia", "role": "viewer", "password": "long enough to be one"});
    let user = scene.gateway.create("/api/users", &password);
    for network in 0..90 {
        let stranger = scene.gateway.anonymous().with("x-forwarded-for", &format!("10.0.{network}.1"));
        stranger.post("/api/session", &json!({"username": "mia", "password": "not this one at all"}));
    }
    let alert = heard.recv_timeout(SOON).unwrap().checked();
    assert_eq!((&alert["type"], &alert["details"]["user_id"]), (&json!("lockout"), &user["id"]), "{alert}");
    // A provider refuses our key.
    let free = br#"{"state": "auto"}"#;
    assert_eq!(operator.send("PUT", &path, free).unwrap().status, 200);
    assert_eq!(heard.recv_timeout(SOON).unwrap().checked()["details"]["state"], "closed");
    scene.upstream.always(Reply::error(401, "who are you"));
    (0..2).for_each(|_| assert_eq!(scene.chat(&ask(&json!({}))).status, 502));
    let alert = heard.recv_timeout(SOON).unwrap().checked();
    let details = (&alert["details"]["provider_id"], &alert["details"]["status"]);
    assert_eq!((&alert["type"], details), (&json!("credential"), (&json!(provider), &json!(401))), "{alert}");
    assert!(heard.try_recv().is_err(), "told once");
    let logs = scene.gateway.logs();
    assert!(logs.contains("was not taken by the webhook") && !logs.contains(SECRET), "{logs}");
}

#[test]
fn a_webhook_without_its_secret_is_refused_at_the_start() {
    let home = std::env::temp_dir().join(format!("farthing-alerts-{}", std::process::id()));
    fs::create_dir_all(&home).unwrap();
    let mut command = Command::new(BINARY);
    command.current_dir(&home).env_clear().arg("serve");
    for (name, value) in [
        ("FARTHING__SERVER__LISTEN", "127.0.0.1:0"),
        ("FARTHING__CATALOGUE__URL", ""),
        ("FARTHING__ALERTS__WEBHOOK_URL", "http://127.0.0.1:9/x"),
        ("SESSION_SECRET", "6b1f0e9d8c7a5b4e3f2d1c0b9a8f7e6d-alerts"),
        ("MASTER_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
        ("MANAGEMENT_TOKEN", "mgmt-0f3c9a7e5b1d48c6a2e4f680-alerts"),
    ] {
        command.env(name, value);
    }
    let refused = command.output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned() + &String::from_utf8_lossy(&refused.stdout);
    assert!(!refused.status.success() && said.contains("ALERTS_WEBHOOK_SECRET"), "{said}");
    fs::remove_dir_all(&home).unwrap();
}

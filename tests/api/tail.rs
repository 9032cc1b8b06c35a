//! `farthing requests tail` as people run it: what it shows, how it comes back after the server was gone, how it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use farthing_support::poll::PATIENCE;
use farthing_support::scene::{MODEL, ask};
use farthing_support::{Reply, Scene, Tokens};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{BINARY, scene};

/// One address for a server that has another after each start.
fn relay(address: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().map(Result::unwrap) {
            let server = fs::read_to_string(&address).ok().and_then(|address| TcpStream::connect(address).ok());
            // Dropped, if there is no server now.
            let Some(server) = server else { continue };
            pump(client.try_clone().unwrap(), server.try_clone().unwrap());
            pump(server, client);
        }
    });
    url
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        copy(&mut from, &mut to).ok();
        from.shutdown(Shutdown::Both).ok();
        to.shutdown(Shutdown::Both).ok();
    });
}

/// The command at work.
struct Tail {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Tail {
    fn start(url: &str, token: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["requests", "tail"]).args(arguments).env_clear();
        command.env("FARTHING_URL", url).env("MANAGEMENT_TOKEN", token);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Self { child, out, err }
    }

    /// The next line on standard error that says so.
    fn says(&self, words: &str) {
        while !self.err.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("never said {words:?}")).contains(words) {}
    }

    fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).unwrap()
    }

    /// Ctrl-C; the exit code, and what was left on standard output.
    fn interrupt(mut self) -> (Option<i32>, Vec<String>) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let code = self.child.wait().unwrap().code();
        (code, self.out.iter().collect())
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map(Result::unwrap) {
            sender.send(line).ok();
        }
    });
    receiver
}

fn call(scene: &Scene) -> Value {
    scene.upstream.expect(Reply::chat(Tokens::plain(10, 20)));
    scene.recorded(&scene.chat(&ask(&json!({}))))
}

#[test]
fn calls_are_shown_as_they_end_also_after_the_server_was_gone() {
    let mut scene = scene();
    let (url, token) = (relay(scene.gateway.data_dir().join("address")), scene.gateway.management_token().to_owned());
    let tail = Tail::start(&url, &token, &[]);
    tail.says("connected");
    let row = call(&scene);
    let line = tail.line();
    let (cost, key) = (row["cost_usd"].as_str().unwrap(), scene.gateway.list("/api/keys").remove(0)["name"].clone());
    let known = format!("  team-a  {}  {MODEL}  openai  ok 200  10+20 tokens  ${cost}  ", key.as_str().unwrap());
    assert!(line.contains(&known) && line.ends_with(" ms") && line.starts_with("20"), "{line}");

    scene.gateway.kill_9();
    tail.says("the connection is lost");
    tail.says("connecting again in 1000 ms");
    scene.gateway.restart();
    tail.says("connected");
    let row = call(&scene);
    assert!(tail.line().contains(" 10+20 tokens "));

    let json = Tail::start(&url, &token, &["--json"]);
    let event: Value = serde_json::from_str(&json.line()).unwrap();
    assert_eq!((&event["type"], &event["request_id"]), (&json!("usage"), &row["id"]));
    assert_eq!(json.interrupt(), (Some(0), vec![]));
    assert_eq!(tail.interrupt(), (Some(0), vec![]), "recent events are not shown again");
}

#[test]
fn who_may_not_see_usage_is_told_so() {
    let scene = scene();
    let url = format!("http://{}", fs::read_to_string(scene.gateway.data_dir().join("address")).unwrap());
    let made = scene.gateway.create("/api/tokens", &json!({"name": "bot", "scopes": ["ledger:manage"]}));
    for token in [made["token"].as_str().unwrap(), "Zx9cVb7nMq5wEr3tYu1iOp2aSd4fGh6j"] {
        let mut tail = Tail::start(&url, token, &[]);
        assert_eq!(tail.child.wait().unwrap().code(), Some(1));
        let said: Vec<String> = tail.err.iter().collect();
        assert!(said.len() == 1 && said[0].starts_with("error: ") && said[0].contains("req_"), "{said:?}");
    }
}

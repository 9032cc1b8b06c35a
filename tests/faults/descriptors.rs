//! Descriptors: what the gateway does where a process may have few open files. More connections than that wait; nothing it
//! needs itself is taken from it.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, process};

use farthing_support::poll::until;
use farthing_support::scene::{MODEL, ask};
use farthing_support::{Reply, Scene, TestGateway, Tokens};
use serde_json::json;

use crate::BINARY;
use crate::raw::answered;

const SILENT: usize = 400;

/// The gateway's binary, under a limit.
fn limited(limit: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("farthing-limited{}-{}", limit.replace(' ', "-"), process::id()));
    fs::write(&path, format!("#!/bin/sh\nulimit {limit} || exit 9\nexec {BINARY} \"$@\"\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("it can be run");
    path
}

#[test]
fn a_low_soft_limit_is_raised() {
    let script = limited("-Sn 300");
    let scene = Scene::start(&script.display().to_string());
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let silent: Vec<_> =
        (0..SILENT).map(|_| TcpStream::connect(scene.gateway.address()).expect("it listens")).collect();
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "beside {} others", silent.len());
    // A stop waits for them.
    drop(silent);
    drop(scene);
    fs::remove_file(script).expect("it was there");
}

#[test]
fn more_connections_than_files_take_none_from_the_calls_in_flight() {
    let script = limited("-n 300");
    let builder = TestGateway::builder(&script).set("FARTHING__SERVER__WORKERS", "2");
    let scene = Scene::around(builder.set("FARTHING__SERVER__CLIENT_PATIENCE_SECONDS", "3").start());
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let body = format!(r#"{{"model":"{MODEL}","messages":[{{"role":"user","content":"hi"}}]}}"#);
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nx-api-key: {}\r\n", scene.key.secret);
    let whole = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let mut kept = TcpStream::connect(scene.gateway.address()).expect("it listens");
    let mut call = || {
        kept.write_all(whole.as_bytes()).expect("it is taken");
        answered(&mut kept)
    };
    assert_eq!(call(), 200);
    let silent: Vec<_> = (0..SILENT).map(|_| TcpStream::connect(scene.gateway.address()).expect("it waits")).collect();
    for _ in 0..20 {
        assert_eq!(call(), 200, "who is in is served, files and connections to providers included");
    }
    let (_, took) = until("the silent are let go and others come in", Duration::from_secs(60), || {
        (scene.chat(&ask(&json!({}))).status == 200).then_some(())
    });
    println!("{} silent connections where 300 files may be open; a new one was served after {took:?}", silent.len());
    let logs = scene.gateway.logs();
    assert!(!logs.contains("Too many open files"), "{logs}");
    // A stop waits for them.
    drop((silent, kept));
    drop(scene);
    fs::remove_file(script).expect("it was there");
}

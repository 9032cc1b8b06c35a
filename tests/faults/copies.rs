//! Backups in a bad moment: several asked for at once, and on a disk that is full. One is whole or there is none of it, whoever asked is
//! told, and the next one succeeds.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

use farthing_support::scene::ask;
use farthing_support::{Reply, Scene, TestGateway, Tokens};
use serde_json::json;

use crate::BINARY;
use crate::full::Small;
use crate::installation::run;

const PATH: &str = "/api/system/backups";
const ASKERS: usize = 8;
const ROUNDS: usize = 3;
/// Three megabytes more in the database, and none of them in its log.
const MORE: &str = "CREATE TABLE IF NOT EXISTS filling (bytes BLOB); INSERT INTO filling VALUES (randomblob(3000000));
    PRAGMA wal_checkpoint(TRUNCATE);";
/// How often: a copy is then far larger than what is [`LEFT`] on the disk.
const TIMES: usize = 4;
const LEFT: u64 = 4 << 20;

/// Names in the folder of backups.
fn names(data_dir: &Path) -> Vec<String> {
    let found = fs::read_dir(data_dir.join("backups")).into_iter().flatten().flatten();
    found.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn of_backups_at_one_moment_each_is_whole_or_refused() {
    let scene = Scene::start(BINARY);
    scene.upstream.always(Reply::chat(Tokens::plain(12, 10)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    scene.gateway.settled();
    let (mut made, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let start = Arc::new(Barrier::new(ASKERS));
        let askers = [(); ASKERS].map(|()| {
            let (client, start) = (scene.gateway.operator(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                client.post(PATH, &json!({}))
            })
        });
        let before = made;
        for answer in askers.map(|asker| asker.join().expect("an answer")) {
            match answer.status {
                201 => made += 1,
                409 => refused += 1,
                _ => panic!("{} {}", answer.status, answer.text()),
            }
        }
        assert!(made > before, "the first of them is served");
    }
    let listed = scene.gateway.list(PATH);
    assert_eq!(listed.len(), made);
    for backup in &listed {
        let id = backup["id"].as_str().expect("an id");
        let verdict = scene.gateway.operator().post(&format!("{PATH}/{id}/verify"), &json!({}));
        assert_eq!(verdict.json()["ok"], true, "{}", verdict.text());
    }
    let names = names(&scene.gateway.data_dir());
    assert_eq!(names.len(), 2 * made, "a database and a manifest each, and nothing left over: {names:?}");
    println!("{made} made, {refused} refused");
}

#[test]
fn a_backup_that_finds_the_disk_full_leaves_nothing_and_calls_go_on() {
    let small = Small::mount();
    let scene = Scene::around(TestGateway::builder(BINARY).data_dir(small.path()).start());
    scene.upstream.always(Reply::chat(Tokens::plain(12, 10)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    (0..TIMES).for_each(|_| run(&scene.gateway, MORE));
    let filling = small.fill();
    let file = OpenOptions::new().write(true).open(&filling).expect("it is there");
    file.set_len(fs::metadata(&filling).expect("it is there").len() - LEFT).expect("it can be made shorter");
    // A file that somebody has open keeps its room when it is removed.
    drop(file);
    let refused = scene.gateway.operator().post(PATH, &json!({}));
    assert!(refused.status >= 500, "{} {}", refused.status, refused.text());
    assert_eq!(names(small.path()), Vec::<String>::new(), "nothing is left of it");
    assert!(scene.gateway.list(PATH).is_empty());
    let answer = scene.chat(&ask(&json!({})));
    assert_eq!(answer.status, 200, "calls go on: {}", answer.text());
    let failure = scene.gateway.list("/api/audit?action=backup.create");
    assert!(failure.iter().any(|event| event["result"] == "failure"), "{failure:?}");
    fs::remove_file(&filling).expect("it can be removed");
    let made = scene.gateway.create(PATH, &json!({}));
    assert_eq!(made["verified"], true, "{made}");
    assert_eq!(scene.gateway.settled()["ok"], true);
}

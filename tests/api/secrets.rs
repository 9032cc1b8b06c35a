//! Secrets: used where they must be, stored only sealed, shown only masked, logged never.

use std::fs;
use std::path::Path;

use farthing_support::scene::{PROVIDER_KEY, ask};
use farthing_support::{Reply, Tokens};
use serde_json::json;

use crate::scene;

/// Every file below `folder` that contains `needle`.
pub(crate) fn holding(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, needle));
        } else if fs::read(&path).unwrap().windows(needle.len()).any(|part| part == needle.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn the_providers_key_is_used_and_found_nowhere() {
    let mut scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    assert_eq!(scene.upstream.only().header("authorization"), Some(format!("Bearer {PROVIDER_KEY}").as_str()));

    let provider = scene.gateway.list("/api/providers").remove(0);
    let id = provider["id"].as_str().unwrap().to_owned();
    let one = scene.gateway.operator().get(&format!("/api/providers/{id}"));
    for shown in [provider.to_string(), one.text()] {
        assert!(!shown.contains(PROVIDER_KEY), "{shown}");
        assert!(shown.contains("****"), "a masked key is shown: {shown}");
    }
    for needle in [PROVIDER_KEY, scene.key.secret.as_str()] {
        let data = scene.gateway.data_dir();
        assert_eq!(holding(&data, needle), Vec::<String>::new(), "running");
        assert!(!scene.gateway.logs().contains(needle), "logs");
    }
    assert!(scene.gateway.stop().success());
    for needle in [PROVIDER_KEY, scene.key.secret.as_str()] {
        assert_eq!(holding(&scene.gateway.data_dir(), needle), Vec::<String>::new(), "stopped");
        assert!(!scene.gateway.logs().contains(needle), "logs");
    }
}

#[test]
fn the_created_provider_is_answered_with_a_masked_key() {
    let scene = scene();
    let made = scene.gateway.add_provider("second", &scene.upstream);
    let shown = made["api_key"].as_str().unwrap();
    assert!(shown.contains("****") && !shown.contains(PROVIDER_KEY.get(10..20).unwrap()), "{shown}");
}

#[test]
fn prompts_and_answers_are_neither_stored_nor_logged() {
    let scene = scene();
    let secret = "the-prompt-nobody-else-may-read-7c1e";
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    scene.upstream.expect(Reply::error(400, secret));
    let body = ask(&json!({"messages": [{"role": "user", "content": secret}]}));
    scene.chat(&body);
    scene.chat(&body);
    scene.gateway.settled();
    assert_eq!(holding(&scene.gateway.data_dir(), secret), Vec::<String>::new());
    assert!(!scene.gateway.logs().contains(secret));
}

#[test]
fn the_data_directory_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let scene = scene();
    let mode = fs::metadata(scene.gateway.data_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "{mode:o}");
}

//! Commands without a server: what they need to find, what they make, and what they say beforehand of a start that would fail.

use std::fs;

use crate::Folder;

/// A folder with settings and new secrets, and no database yet.
fn installed(name: &str) -> Folder {
    let folder = Folder::new(name);
    let made = folder.run("init");
    assert_eq!(made.code, 0, "{made:?}");
    folder
}

#[test]
fn the_master_key_is_changed_without_a_server_and_once() {
    let folder = installed("rotate");
    let dotenv = || fs::read_to_string(folder.0.join(".env")).unwrap();
    assert_eq!(folder.run("migrate").code, 0);
    let before = dotenv();
    let rotated = folder.run("secrets rotate");
    assert_eq!((rotated.code, rotated.err.as_str()), (0, ""), "{rotated:?}");
    assert!(rotated.out.contains("the next start of the server seals everything under it"), "{rotated:?}");
    let key = |text: &str| {
        text.lines().find_map(|line| line.strip_prefix("MASTER_ENCRYPTION_KEY=").map(str::to_owned)).unwrap()
    };
    let former = format!("MASTER_ENCRYPTION_KEY_PREVIOUS={}", key(&before));
    assert!(dotenv().contains(&former) && key(&dotenv()) != key(&before));
}

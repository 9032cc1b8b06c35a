//! Tests of the master key as a passphrase: it needs a salt, and a salt needs it.

use super::{FORMER, MASTER, Scene, pair};

const WORDS: &str = "six plain words, kept behind a comma";
const SALT: &str = "000102030405060708090a0b0c0d0e0f";

const KEY: &str = "MASTER_ENCRYPTION_KEY";
const PREVIOUS: &str = "MASTER_ENCRYPTION_KEY_PREVIOUS";
const SALTED: &str = "PERSISTENT_ENCRYPTION_SALT";

#[test]
fn a_passphrase_without_a_salt_is_refused_and_the_remedy_named() {
    for salt in [None, Some("")] {
        let scene = Scene::new().with(KEY, WORDS);
        let scene = salt.into_iter().fold(scene, |scene, salt| scene.with(SALTED, salt));
        assert_eq!(scene.faults(), [pair("environment", KEY)]);
        let text = scene.text_of_faults();
        assert!(text.contains(SALTED) && !text.contains(WORDS), "{text}");
    }
}

#[test]
fn with_a_salt_it_is_taken_as_it_is() {
    let secrets = Scene::new().with(KEY, WORDS).with(SALTED, SALT).load().secrets;
    assert_eq!(secrets.master_encryption_key.expose(), WORDS);
    assert_eq!(secrets.encryption_salt.as_ref().map(|salt| salt.expose()), Some(SALT));
    let elsewhere = Scene::new().file("words", &format!("{WORDS}\n")).with(SALTED, "env:SALT").with("SALT", SALT);
    let secrets = elsewhere.with(KEY, "file:words").load().secrets;
    assert_eq!((secrets.master_encryption_key.expose(), secrets.encryption_salt.is_some()), (WORDS, true));
    for weak in ["only nineteen chars", "abcabcabcabcabcabcabcabcabc", "changeme changeme six words", " "] {
        assert_eq!(Scene::new().with(KEY, weak).with(SALTED, SALT).faults(), [pair("environment", KEY)], "{weak:?}");
    }
    for weak in ["00010203", SALT.split_at(1).1, "no hexadecimal digits, but many..", &"ab".repeat(16)] {
        let scene = Scene::new().with(KEY, WORDS).with(SALTED, weak);
        assert_eq!(scene.faults(), [pair("environment", SALTED)], "{weak:?}");
        assert!(scene.text_of_faults().contains("openssl rand -hex 16"));
    }
}

#[test]
fn a_salt_that_belongs_to_nothing_is_refused() {
    let needless = Scene::new().with(SALTED, SALT).with(PREVIOUS, FORMER);
    assert_eq!(needless.faults(), [pair("environment", SALTED)]);
    let former = Scene::new().with(SALTED, SALT).file("words", WORDS).with(PREVIOUS, "file:words").load().secrets;
    assert_eq!(former.former_master_keys.iter().map(|key| key.expose()).collect::<Vec<_>>(), [WORDS]);
    assert_eq!(former.master_encryption_key.expose(), MASTER);
    let lacking = Scene::new().file("words", WORDS).with(PREVIOUS, "file:words");
    assert_eq!(lacking.faults(), [pair("words", PREVIOUS)]);
}

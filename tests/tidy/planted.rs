//! Planted faults: each rule is shown to fire on a text that breaks it, and to stay quiet on one that does not.

use crate::{faults, seeds};

fn told(path: &str, text: &str) -> Vec<String> {
    faults(path, text).into_iter().map(|fault| format!("{}: {}", fault.place, fault.what)).collect()
}

fn fires(path: &str, code: &str, words: &str) {
    let told = told(path, &format!("//! A page.\n{code}"));
    assert!(told.iter().any(|fault| fault.contains(words)), "{path} with {code:?} should say {words:?}: {told:?}");
}

fn quiet(path: &str, code: &str) {
    let told = told(path, &format!("//! A page.\n{code}"));
    assert!(told.is_empty(), "{path} with {code:?} is tidy: {told:?}");
}

#[test]
fn openings() {
    assert!(told("src/relay.rs", "fn f() {}\n")[0].contains("src/relay.rs:1: a file opens with //!"));
    assert!(told("tests/api/main.rs", "fn f() {}\n")[0].contains("a file opens with //!"));
    fires("src/relay/mod.rs", "", "no mod.rs");
}

#[test]
fn sizes() {
    let lines = |count: usize| "    step();\n".repeat(count);
    fires("src/relay.rs", &"const A: u8 = 1;\n".repeat(400), "401 lines");
    quiet("src/relay.rs", &"const A: u8 = 1;\n".repeat(399));
    fires("src/relay.rs", &format!("fn long() {{\n{}}}\n", lines(61)), "function long has 61 lines");
    quiet("src/relay.rs", &format!("fn long() {{\n{}}}\n", lines(60)));
    fires("src/web/data/models.rs", &format!("async fn list() {{\n{}}}\n", lines(41)), "handler list has 41 lines");
    fires(
        "src/relay.rs",
        "fn many<F: Fn(u8) -> u8>(&self, a: (u8, u8), b: A<B, C>, c: F, d: u8, e: u8) {}\n",
        "6 arguments",
    );
    quiet("src/relay.rs", "fn five<F: Fn(u8) -> u8>(&self, a: (u8, u8), b: A<B, C>, c: F, d: u8,) {}\n");
    let module = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(98));
    fires("src/relay.rs", &module, "inline test module of 101 lines");
    quiet("src/relay.rs", &format!("#[cfg(test)]\nmod tests {{\n    fn long() {{\n{}    }}\n}}\n", lines(90)));
    quiet("src/relay/tests.rs", &format!("fn long() {{\n{}}}\n", lines(500)));
}

#[test]
fn names() {
    fires("src/relay/helpers.rs", "", "the file is called \"helpers\"");
    fires("src/relay/url_util.rs", "", "\"util\" says nothing");
    fires("src/relay.rs", "pub struct KeyManager;\n", "\"KeyManager\"");
    fires("src/relay.rs", "fn poll_inner() {}\n", "\"poll_inner\"");
    fires("src/relay.rs", "const REQUEST_DATA: u8 = 1;\n", "\"REQUEST_DATA\"");
    fires("src/relay.rs", "mod common;\n", "\"common\"");
    quiet("src/config.rs", "pub struct DataDir;\nfn take_data_dir() {}\nfn database() {}\nfn information() {}\n");
    quiet("src/web.rs", "pub mod data;\n");
    fires("src/relay.rs", "fn data_span() {}\n", "\"data_span\"");
    quiet("src/dialect/sse.rs", "fn data_span() {}\n");
    quiet("src/relay.rs", "// a helper\nfn f() { log::info!(\"manager\"); let inner = 1; }\n");
}

#[test]
fn nobody_reaches_upwards_or_sideways() {
    fires("src/relay.rs", "use crate::web::error::WebError;\n", "relay names crate::web::error::WebError");
    fires("src/relay.rs", "use crate::store::Store;\n", "relay names crate::store");
    fires("src/relay/stream.rs", "fn f() { super::super::store::open(); }\n", "relay names crate::store::open");
    fires("src/relay.rs", "use crate::{dialect::Sse, web};\n", "relay names crate::web");
    fires("src/dialect/sse.rs", "use crate::upstream::client::Client;\n", "dialect names crate::upstream");
    fires("src/store/journal.rs", "fn f() { crate::relay::go(); }\n", "store names crate::relay::go");
    fires("src/upstream.rs", "use crate::store::Store;\n", "upstream names crate::store");
    fires("src/attic.rs", "use crate::web::X;\n", "attic is on no floor");
    fires("actors/src/domain/money.rs", "use crate::ledger::Book;\n", "domain names crate::ledger");
    fires("actors/src/ledger/book.rs", "use crate::keyring::Ring;\n", "ledger names crate::keyring");
    quiet(
        "actors/src/ledger/book.rs",
        "use crate::domain::Money;\nuse super::hold::Hold;\nuse crate::mailbox::Mailbox;\n",
    );
    quiet("src/relay.rs", "use crate::dialect::openai_chat::Reply;\nuse crate::upstream::{client, request};\n");
    quiet("src/app.rs", "use crate::{web, store::Store};\n");
}

#[test]
fn the_web_sees_a_dialect_only_from_outside() {
    fires(
        "src/web/error.rs",
        "use crate::dialect::openai_chat::error::Shape;\n",
        "web names crate::dialect::openai_chat",
    );
    fires("src/web/error.rs", "use crate::dialect::sse;\n", "web names crate::dialect::sse");
    fires("src/web/error.rs", "use crate::upstream::client::Client;\n", "web names crate::upstream::client");
    quiet("src/web/error.rs", "use crate::dialect::ErrorShape;\nuse crate::relay::error::RelayError;\n");
    quiet("src/web/error.rs", "use crate::upstream::UpstreamError;\n");
}

#[test]
fn doors_to_the_outside() {
    fires("src/relay.rs", "use actix_web::HttpResponse;\n", "HTTP is the web floor's");
    fires("src/relay.rs", "fn f() -> actix_web::web::Bytes { x }\n", "HTTP is the web floor's");
    fires("src/admin.rs", "use diesel::prelude::*;\n", "the database is the store's");
    fires("src/upstream/request.rs", "use awc::Client;\n", "one file opens connections");
    fires("actors/src/ledger.rs", "use diesel::prelude::*;\n", "the database is the store's");
    fires("actors/src/feed.rs", "use actix_web::web;\n", "HTTP is the web floor's");
    fires("src/dialect/openai_chat.rs", "use std::fs::File;\n", "this part is pure");
    fires("src/dialect.rs", "fn f() { tokio::spawn(x); }\n", "this part is pure");
    fires("actors/src/ledger.rs", "use std::fs;\n", "this part is pure");
    fires("src/relay.rs", "use farthing_actors::mailbox::Mailbox;\n", "ask their handles");
    fires("src/web.rs", "use farthing_actors::supervisor::Supervised;\n", "ask their handles");
    quiet("src/web.rs", "use farthing_actors::mailbox::Vitals;\n");
    quiet(
        "src/store/journal.rs",
        "use diesel::prelude::*;\nuse std::fs::File;\nuse farthing_actors::ledger::journal::Journal;\n",
    );
    quiet("src/upstream/client.rs", "use awc::Client;\n");
    quiet("src/web/routes.rs", "use actix_web::web;\n");
}

#[test]
fn the_relay_knows_no_provider_by_name() {
    fires("src/relay/attempt.rs", "fn f(k: K) -> bool { k == K::Openai }\n", "the relay names Openai");
    fires("src/relay.rs", "use crate::upstream::kinds::sandbox;\n", "the relay names kinds");
    quiet("src/relay.rs", "// Openai and Sandbox\nfn f(d: Dialect) -> bool { d == Dialect::OpenaiChat }\n");
}

#[test]
fn comments_texts_and_tests_are_not_code() {
    quiet(
        "src/relay.rs",
        "/* use crate::web; /* nested */ */\nconst A: &str = \"crate::web::x\";\nconst B: &str = r#\"crate::\"web\"#;\n",
    );
    quiet("src/relay.rs", "const C: char = '\"';\nconst D: char = '\\'';\nfn f<'a>(a: &'a str) {}\n// \"\nfn g() {}\n");
    quiet("src/relay.rs", "#[cfg(test)]\nmod tests {\n    use crate::web::X;\n}\n");
    fires("src/relay.rs", "#[cfg(test)]\nmod tests;\nuse crate::web::X;\n", "src/relay.rs:4: relay names");
    let lent = "#[cfg(any(test, feature = \"testing\"))]\nfn crash() { crate::testing::crash(); }\n";
    quiet("actors/src/ledger.rs", lent);
    quiet("actors/src/ledger.rs", "#[cfg(feature = \"testing\")]\ncrate::testing::dies_on_demand!(LedgerActor);\n");
    fires(
        "actors/src/ledger.rs",
        "#[cfg(feature = \"special\")]\nuse crate::testing::x;\n",
        "ledger names crate::testing",
    );
    fires("actors/src/ledger.rs", "fn crash() { crate::testing::crash(); }\n", "ledger names crate::testing");
}

#[test]
fn a_seed_without_its_place() {
    let text_of = |path: &str| (path == "src/here.rs").then(|| "fn there() {}".to_owned());
    let row = |id: &str, place: &str| format!("| {id} | something | {place} |\n");
    let rest: String = seeds::ids().iter().skip(1).map(|id| row(id, "`src/here.rs`")).collect();
    let told = |rows: &str| seeds::faults(&format!("| id | asks | met |\n|---|---|---|\n{rows}{rest}"), &text_of);
    for place in ["`src/here.rs::there`, `/api/keys` in `farthing.toml`", "decided: no", "`src/here.rs`. open: more"] {
        assert!(told(&row("S1.1a", place)).is_empty(), "{place}: {:?}", told(&row("S1.1a", place)));
    }
    let fine = row("S1.1a", "open: all of it");
    for (rows, words) in [
        (String::new(), "S1.1a has 0 rows"),
        (fine.repeat(2), "S1.1a has 2 rows"),
        (fine + &row("S1.1d", "open: it"), "docs/seeds.md:4: S1.1d is no id"),
        (row("S1.1a", "`src/gone.rs`"), "docs/seeds.md:3: S1.1a: src/gone.rs is not there"),
        (row("S1.1a", "`GONE.md`"), "GONE.md is not there"),
        (row("S1.1a", "`src/here.rs::gone`"), "src/here.rs has no function gone"),
        (row("S1.1a", "somewhere"), "names no file"),
        ("| S1.1a | open: it |\n".to_owned(), "3 cells, not 2"),
    ] {
        let told = told(&rows);
        assert!(told.len() == 1 && told[0].contains(words), "{rows:?} should say {words:?}: {told:?}");
    }
}

//! Words: how a file opens, and the names that say nothing.

use crate::Fault;
use crate::source::{Source, words};

const BANNED: &[&str] = &["manager", "helper", "util", "common", "misc", "data", "info", "inner"];

/// Names that stand in the contract, alone or as part of another: the setting `data_dir`.
const KNOWN: &[&str] = &["data_dir", "DATA_DIR", "DataDir"];

/// Where `data` is somebody else's word: the data plane's folder, and the field of a server-sent event.
const DATA: &[&str] = &["src/web.rs", "src/web/data.rs", "src/dialect/sse.rs"];

const ITEMS: &[&str] = &["fn", "struct", "enum", "trait", "mod", "const", "static", "type", "union"];

/// Rules for every file, tests included: it opens with what it is, and its name is its module's.
pub(crate) fn openings(source: &Source) -> Vec<Fault> {
    let mut found = Vec::new();
    if !source.text.starts_with("//!") {
        found.push(Fault::new(
            source,
            1,
            "a file opens with //! lines: what it is, what it owns, what it refuses to do",
        ));
    }
    if source.path.ends_with("/mod.rs") {
        found.push(Fault::new(source, 1, "no mod.rs: foo.rs beside foo/ is the chapter's opening page"));
    }
    found
}

/// Names of the file and of its items.
pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    let mut found = Vec::new();
    if let Some(word) = banned(source, stem) {
        found.push(Fault::new(source, 1, format!("the file is called {stem:?}; {word:?} says nothing")));
    }
    for (line, name) in items(source) {
        if let Some(word) = banned(source, name) {
            found.push(Fault::new(source, line, format!("an item is called {name:?}; {word:?} says nothing")));
        }
    }
    found
}

fn items(source: &Source) -> Vec<(usize, &str)> {
    let all: Vec<(usize, &str)> = words(&source.code).collect();
    let pairs = all.windows(2).filter(|pair| ITEMS.contains(&pair[0].1) && !ITEMS.contains(&pair[1].1));
    let adjacent = pairs.filter(|pair| source.code[pair[0].0 + pair[0].1.len()..pair[1].0].trim().is_empty());
    adjacent.map(|pair| (source.line_at(pair[1].0), pair[1].1)).collect()
}

fn banned(source: &Source, name: &str) -> Option<&'static str> {
    let rest = KNOWN.iter().fold(name.to_owned(), |rest, known| rest.replace(known, "_"));
    let parts = parts(&rest);
    let has = |word: &str| parts.iter().any(|part| part == word || *part == format!("{word}s"));
    BANNED.iter().copied().find(|word| has(word) && !is_somebody_elses(source, word))
}

/// Whether the word is a name that others gave to what the file is about.
fn is_somebody_elses(source: &Source, word: &str) -> bool {
    word == "data" && DATA.contains(&source.path.as_str())
}

// The words of a name in snake_case, SCREAMING_CASE or CamelCase.
fn parts(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        if c.is_uppercase() && lower_before {
            spaced.push('_');
        }
        lower_before = c.is_lowercase() || c.is_numeric();
        spaced.push(c.to_ascii_lowercase());
    }
    spaced.split('_').filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

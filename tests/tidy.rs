//! The house rules that no lint knows, read from the source itself: openings, sizes, words and floors.
//! Owns the walk and the report. The rules are in `tidy/`; `tidy/planted.rs` shows that each of them fires.
#![cfg(test)]
#![expect(clippy::string_slice, reason = "every offset comes from a search in the same text")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/planted.rs"]
mod planted;
#[path = "tidy/seeds.rs"]
mod seeds;
#[path = "tidy/settings.rs"]
mod settings;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

use source::Source;

/// What is wrong, and where.
struct Fault {
    place: String,
    what: String,
}

impl Fault {
    fn new(source: &Source, line: usize, what: impl Into<String>) -> Self {
        Self { place: format!("{}:{line}", source.path), what: what.into() }
    }
}

/// All faults of one file. `path` is relative to the repository, with `/`.
fn faults(path: &str, text: &str) -> Vec<Fault> {
    let source = Source::read(path, text);
    let mut found = words::openings(&source);
    if is_product(path) && !source.is_test {
        found.extend(sizes::faults(&source));
        found.extend(words::faults(&source));
        found.extend(floors::faults(&source));
    }
    found
}

fn is_product(path: &str) -> bool {
    path.starts_with("src/") || path.starts_with("actors/src/")
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "actors/src", "actors/tests", "tests", "benches"] {
        walk(&root.join(folder), &mut files);
    }
    assert!(files.len() > 20, "only {} files found: is the walk broken?", files.len());
    let report: Vec<String> = files.iter().flat_map(|file| report(root, file)).collect();
    assert!(report.is_empty(), "{} untidy places:\n{}", report.len(), report.join("\n"));
}

/// SECURITY.md names a test for each threat: each is there.
#[test]
fn every_test_that_the_threat_table_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "actors/src", "actors/tests", "tests"] {
        walk(&root.join(folder), &mut files);
    }
    let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let table = text.split("## Threats").nth(1).unwrap().split("## ").next().unwrap();
    let shown = |line: &str| line.trim_end_matches('|').rsplit('|').next().unwrap_or_default().to_owned();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ")).skip(1).map(shown).collect();
    assert!(rows.len() > 20 && rows.iter().all(|row| row.contains('`')), "a threat without a test");
    let named: Vec<_> = rows.iter().flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    let missing: Vec<_> = named.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn report(root: &Path, file: &Path) -> Vec<String> {
    let path = file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    let text = fs::read_to_string(file).unwrap();
    faults(&path, &text).into_iter().map(|fault| format!("{}: {}", fault.place, fault.what)).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

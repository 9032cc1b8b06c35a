//! Paths: every name a file reaches out for, in full, whether in a `use` tree or in the middle of a line.
//! Owns the resolving of `crate`, `self` and `super`.

use crate::source::{Source, words};

/// A path, with the line it is named on.
pub(crate) struct Named {
    pub(crate) line: usize,
    /// From the crate's name on; this crate is `crate`.
    pub(crate) segments: Vec<String>,
}

/// All paths of a file's code.
pub(crate) fn named(source: &Source) -> Vec<Named> {
    let home = module(&source.path);
    let mut found = Vec::new();
    let (uses, rest) = split_uses(&source.code);
    for (offset, tree) in uses {
        let line = source.line_at(offset);
        found.extend(expand(&tree).into_iter().map(|path| Named { line, segments: resolve(&home, &path) }));
    }
    for (offset, path) in inline(&rest) {
        found.push(Named { line: source.line_at(offset), segments: resolve(&home, &path) });
    }
    found
}

/// The module a file is: `src/relay/stream.rs` is `relay`, `stream`.
pub(crate) fn module(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("actors/").trim_start_matches("src/").trim_end_matches(".rs");
    match inside {
        "lib" | "main" => Vec::new(),
        inside => inside.split('/').map(ToOwned::to_owned).collect(),
    }
}

// The `use` trees with their offsets, and the code without them.
fn split_uses(code: &str) -> (Vec<(usize, String)>, String) {
    let mut rest = code.to_owned();
    let mut uses = Vec::new();
    let starts: Vec<usize> = words(code).filter(|(_, word)| *word == "use").map(|(offset, _)| offset).collect();
    for start in starts {
        let after = start + "use".len();
        let Some(length) = code[after..].find(';') else { continue };
        // `use<'a>` in a return type is no import.
        if !code[after..].starts_with(char::is_whitespace) {
            continue;
        }
        uses.push((start, code[after..after + length].split_whitespace().collect::<Vec<_>>().join(" ")));
        let blank: String = code[start..after + length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        if blank.len() == after + length - start {
            rest.replace_range(start..after + length, &blank);
        }
    }
    (uses, rest)
}

// `a::{b, c::{d, e}}` as its single paths.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()];
    };
    let prefix: Vec<String> =
        tree[..open].split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let inside = tree[open + 1..].trim_end().trim_end_matches('}');
    branches(inside)
        .into_iter()
        .flat_map(|branch| expand(&branch))
        .map(|path| prefix.iter().cloned().chain(path).collect())
        .collect()
}

fn branches(inside: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut depth = 0;
    for c in inside.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match all.last_mut() {
            Some(_) if c == ',' && depth == 0 => all.push(String::new()),
            Some(last) => last.push(c),
            None => {}
        }
    }
    // The closing braces of the last branch went with the outer ones.
    if let Some(last) = all.last_mut() {
        last.push_str(&"}".repeat(usize::try_from(depth).unwrap_or(0)));
    }
    all.retain(|branch| !branch.trim().is_empty());
    all
}

// Paths of two and more segments in the middle of code.
fn inline(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found: Vec<(usize, Vec<String>)> = Vec::new();
    let mut end = usize::MAX;
    for (offset, word) in words(code) {
        let continues = end < offset && code.get(end..offset) == Some("::");
        match found.last_mut() {
            Some((_, path)) if continues => path.push(word.to_owned()),
            _ => found.push((offset, vec![word.to_owned()])),
        }
        end = offset + word.len();
    }
    found.retain(|(_, path)| path.len() > 1);
    found
}

fn resolve(home: &[String], path: &[String]) -> Vec<String> {
    let mut base: Vec<String> = home.to_vec();
    let mut rest = path;
    if let Some((first, after)) = path.split_first()
        && first == "self"
    {
        rest = after;
    } else if path.first().is_some_and(|first| first != "super") {
        return path.to_vec();
    }
    while let Some((first, after)) = rest.split_first()
        && first == "super"
    {
        base.pop();
        rest = after;
    }
    std::iter::once("crate".to_owned()).chain(base).chain(rest.iter().cloned()).collect()
}

//! The page of the seeds, `docs/seeds.md`: each requirement has one row, and each file and test that a row names is there.
//! Owns the list of ids. Refuses to judge whether a row is true: that takes a reader.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Ids that end in letters, by document: `3.1a-d` is 3.1a to 3.1d.
const LETTERED: &[(&str, &str)] = &[
    ("S1", "1a-c 2a-c 3.1a-d 3.2a-d 3.3a-b 4a-e 5a-d 6.1a-c 6.2a-d 6.3a-b 6.4a-b 7a-c 8a-c"),
    (
        "S2",
        "0a-d 1.1a-d 1.2a-c 1.3a-e 1.4a-e 1.5a-c 2.1a-d 2.2a-e 2.3a-c 2.4a-b 2.5a-b 2.6a-b 3.1a-f 3.2a-d 3.3a-d \
         3.4a-f 3.5a-c 4a-b 5a 6a",
    ),
    (
        "S3",
        "1a-e 2a-e 3a-d 4a-f 5a-c 6a-f 7a-e 8a-e 9a-e 10a-e 11a-i 12a-g 13a-d 14a-d 15a-e 16a-e 17a-c 18a-d 19a-e \
         20a-e 21a-e 22a-e 23",
    ),
];
/// Ids that are numbers, and how many: the fourth document, and the claims that were not kept.
const NUMBERED: &[(&str, usize)] = &[("S4.", 28), ("C", 32)];

/// The first cells of rows that are no id.
const HEADINGS: &[&str] = &["id", "---"];
const ENDINGS: &[&str] = &[".rs", ".md", ".sql", ".py", ".js", ".toml"];
const OPEN: &str = "open: ";
const DECIDED: &str = "decided: ";

/// A row of one of the page's tables.
struct Row<'a> {
    line: usize,
    id: &'a str,
    /// Where it is met.
    place: &'a str,
    cells: usize,
}

impl Row<'_> {
    fn is_open(&self) -> bool {
        self.place.contains(OPEN)
    }

    fn is_decided(&self) -> bool {
        self.place.starts_with(DECIDED)
    }

    fn faults(&self, text_of: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        let named: Vec<&str> = self.place.split('`').skip(1).step_by(2).filter(|name| is_path(name)).collect();
        let mut found: Vec<String> = named.iter().filter_map(|name| missing(name, text_of)).collect();
        if self.cells != 3 {
            found.push(format!("a row has 3 cells, not {}", self.cells));
        } else if named.is_empty() && !self.is_open() && !self.is_decided() {
            found.push("names no file, and is neither open nor decided".to_owned());
        }
        found.into_iter().map(|what| format!("docs/seeds.md:{}: {}: {what}", self.line, self.id)).collect()
    }
}

/// All that is wrong with the page. `text_of` reads a file of the repository.
pub(crate) fn faults(page: &str, text_of: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = miscounted(page);
    found.extend(rows(page).flat_map(|row| row.faults(text_of)));
    found
}

/// Every id there is, in order.
pub(crate) fn ids() -> Vec<String> {
    let groups = LETTERED.iter().flat_map(|(document, groups)| groups.split(' ').map(move |group| (document, group)));
    let lettered = groups.flat_map(|(document, group)| expand(document, group));
    let numbered = NUMBERED.iter().flat_map(|(stem, last)| (1..=*last).map(move |number| format!("{stem}{number}")));
    lettered.chain(numbered).collect()
}

fn expand(document: &str, group: &str) -> Vec<String> {
    let stem = group.trim_end_matches(|c: char| c == '-' || c.is_ascii_lowercase());
    let mut letters = group.chars().filter(char::is_ascii_lowercase);
    let Some(first) = letters.next() else { return vec![format!("{document}.{stem}")] };
    let last = letters.next().unwrap_or(first);
    (first..=last).map(|letter| format!("{document}.{stem}{letter}")).collect()
}

fn rows(page: &str) -> impl Iterator<Item = Row<'_>> {
    page.lines().enumerate().filter_map(|(before, text)| {
        let cells: Vec<&str> = text.strip_prefix('|')?.trim_end().trim_end_matches('|').split('|').collect();
        let (id, place) = (cells.first()?.trim(), cells.get(2).map_or("", |cell| cell.trim()));
        let row = Row { line: before + 1, id, place, cells: cells.len() };
        (!HEADINGS.contains(&id)).then_some(row)
    })
}

fn miscounted(page: &str) -> Vec<String> {
    let mut times: BTreeMap<String, usize> = ids().into_iter().map(|id| (id, 0)).collect();
    let mut found = Vec::new();
    for row in rows(page) {
        match times.get_mut(row.id) {
            Some(times) => *times += 1,
            None => found.push(format!("docs/seeds.md:{}: {} is no id", row.line, row.id)),
        }
    }
    found.extend(times.iter().filter(|(_, times)| **times != 1).map(|(id, times)| format!("{id} has {times} rows")));
    found
}

fn is_path(name: &str) -> bool {
    let path = name.split("::").next().unwrap_or(name);
    // In the root, only what is written like `SECURITY.md`: an installation's `farthing.toml` is not ours.
    let ours = path.contains('/') || path.starts_with(|c: char| c.is_ascii_uppercase());
    ours && !path.starts_with('/') && ENDINGS.iter().any(|ending| path.ends_with(ending))
}

fn missing(name: &str, text_of: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (path, function) = name.split_once("::").unwrap_or((name, ""));
    let Some(text) = text_of(path) else { return Some(format!("{path} is not there")) };
    let there = function.is_empty() || ["fn", "def"].iter().any(|word| text.contains(&format!("{word} {function}(")));
    (!there).then(|| format!("{path} has no function {function}"))
}

#[test]
fn every_seed_has_its_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text_of = |path: &str| fs::read_to_string(root.join(path)).ok();
    let page = text_of("docs/seeds.md").expect("docs/seeds.md is there");
    let found = faults(&page, &text_of);
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
    let open: Vec<&str> = rows(&page).filter(Row::is_open).map(|row| row.id).collect();
    println!("{} of {} rows are open: {}", open.len(), rows(&page).count(), open.join(" "));
}

#[test]
fn there_are_as_many_ids_as_the_documents_have() {
    let all = ids();
    let of = |document: &str| all.iter().filter(|id| id.starts_with(document)).count();
    assert_eq!(["S1.", "S2.", "S3.", "S4.", "C"].map(of), [42, 69, 111, 28, 32]);
    let there = |id: &str| all.iter().any(|known| known == id);
    assert!(["S1.1a", "S1.3.1d", "S2.5a", "S3.12g", "S3.23", "S4.1", "S4.28", "C32"].into_iter().all(there));
    assert!(!["S1.1d", "S2.5b", "S3.23a", "S4.0", "S4.29", "C0"].into_iter().any(there));
}

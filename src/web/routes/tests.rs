//! The table held against what was decided about it, and against its page in the documentation.

use std::collections::BTreeSet;

use super::line::Needs;
use super::table;

/// Management routes that have no permission: whoever signs in has none yet.
const WITHOUT_PERMISSION: [&str; 0] = [];

#[test]
fn every_route_is_there_once() {
    let mut seen = BTreeSet::new();
    for line in table() {
        assert!(seen.insert((line.path, line.method.to_string())), "{line:?} is there twice");
    }
}

#[test]
fn management_needs_a_permission_and_applications_a_key() {
    for line in table() {
        match line.path {
            path if WITHOUT_PERMISSION.contains(&path) => assert_eq!(line.needs, Needs::Nothing, "{line:?}"),
            path if path.starts_with("/api/") => {
                assert!(matches!(line.needs, Needs::Can(_)), "{line:?}");
            }
            path if path.starts_with("/v1") => assert_eq!(line.needs, Needs::Key, "{line:?}"),
            _ => {}
        }
    }
}

#[test]
fn the_page_about_permissions_is_the_table() {
    let lines = table().into_iter().map(|line| {
        let path = line.path.replace(":.+}", "}");
        format!("| {} | `{path}` | {} | {} |\n", line.method, line.needs, line.about)
    });
    let table: String = std::iter::once("| method | path | needs | what it does |\n|---|---|---|---|\n".to_owned())
        .chain(lines)
        .collect();
    let page = include_str!("../../../docs/permissions.md");
    assert!(page.contains(&table), "docs/permissions.md should contain:\n{table}");
}

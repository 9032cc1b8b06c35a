//! The table held against what was decided about it, and against its page in the documentation.

use std::collections::BTreeSet;

use super::line::Needs;
use super::table;

/// Where people sign in, look after their own sessions, and are told who they are: everybody may.
const OF_ONESELF: &str = "/api/session";

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
            path if path == OF_ONESELF && line.method == "POST" => assert_eq!(line.needs, Needs::Nothing, "{line:?}"),
            path if path.starts_with(OF_ONESELF) => assert_eq!(line.needs, Needs::Known, "{line:?}"),
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

//! The shell around every page: who is signed in, where one can go, and the word that forms must bring.
//! Owns the places and their order. Refuses to show a place to those who may not go there.

use farthing_actors::domain::Permission;

use super::assets;
use crate::web::extract::who::Who;

/// What every page shows around itself.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The version of the files, for their addresses.
    pub assets: &'static str,
    /// Who is signed in.
    pub name: String,
    /// As what.
    pub role: &'static str,
    /// What every form brings as `_csrf`.
    pub csrf: String,
    /// Where they can go, by subject.
    pub groups: Vec<Group>,
}

/// Places of one subject.
#[derive(Debug, Clone)]
pub struct Group {
    /// What they have in common; empty for the first.
    pub name: &'static str,
    /// In order.
    pub places: Vec<Place>,
}

/// A page one can go to.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its address.
    pub href: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Whether one is there, or at a page below.
    pub here: bool,
}

type Listed = (&'static str, &'static str, Option<Permission>);

const PLACES: [(&str, &[Listed]); 4] = [
    (
        "",
        &[
            ("/", "Overview", Some(Permission::ViewUsage)),
            ("/requests", "Requests", Some(Permission::ViewUsage)),
            ("/usage", "Usage", Some(Permission::ViewUsage)),
            ("/costs", "Costs", Some(Permission::ViewUsage)),
        ],
    ),
    (
        "Callers",
        &[
            ("/projects", "Projects", Some(Permission::ViewSettings)),
            ("/keys", "Keys", Some(Permission::ViewSettings)),
            ("/playground", "Playground", Some(Permission::ManageKeys)),
        ],
    ),
    (
        "Supply",
        &[
            ("/providers", "Providers", Some(Permission::ViewSettings)),
            ("/models", "Models", Some(Permission::ViewSettings)),
        ],
    ),
    (
        "House",
        &[
            ("/users", "Users", Some(Permission::ViewUsers)),
            ("/sessions", "Sessions", None),
            ("/audit", "Audit", Some(Permission::ViewAudit)),
            ("/system", "System", Some(Permission::ViewSystem)),
        ],
    ),
];

impl Shell {
    /// The shell of a page at `path` for somebody.
    pub fn new(name: String, who: &Who, csrf: String, path: &str) -> Self {
        let groups = PLACES.iter().map(|(name, places)| Group { name, places: open(places, who, path) });
        let groups = groups.filter(|group| !group.places.is_empty()).collect();
        Self { assets: assets::version(), name, role: who.role.name(), csrf, groups }
    }
}

fn open(places: &[Listed], who: &Who, path: &str) -> Vec<Place> {
    let may = |needs: Option<Permission>| needs.is_none_or(|permission| who.may(permission));
    let place = |(href, name, _): &Listed| Place { href, name, here: is_at(href, path) };
    places.iter().filter(|(_, _, needs)| may(*needs)).map(place).collect()
}

fn is_at(href: &str, path: &str) -> bool {
    let rest = path.strip_prefix(href);
    rest.is_some_and(|rest| rest.is_empty() || href != "/" && rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_at_a_place_and_at_what_is_below_it() {
        let at = |href, path| is_at(href, path);
        assert!(at("/", "/") && at("/keys", "/keys") && at("/keys", "/keys/key_1"));
        assert!(!at("/", "/keys") && !at("/keys", "/keyset") && !at("/keys", "/"));
    }
}

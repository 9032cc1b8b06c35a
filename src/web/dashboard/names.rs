//! Names for live rows: events carry ids, and people read names.
//! Owns how many names a page carries. Refuses to grow with the number of keys: an id without a name is shown shortened.

use std::collections::BTreeMap;

use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;

/// About 20 KiB of page; the newest of each kind are the likeliest to call.
const MOST: usize = 250;

/// A JSON object from id to name, of providers, projects and keys.
pub(super) fn names(keys: &Keys, catalogue: &Catalogue) -> String {
    let providers = catalogue.providers().rev().take(MOST).map(|it| (it.id.to_string(), it.name.as_str()));
    let projects = keys.projects().rev().take(MOST).map(|it| (it.id.to_string(), it.name.as_str()));
    let callers = keys.keys().rev().take(MOST).map(|it| (it.key.id.to_string(), it.key.name.as_str()));
    let names: BTreeMap<String, &str> = providers.chain(projects).chain(callers).collect();
    // A map of texts always has a JSON form; without names the page shows ids.
    serde_json::to_string(&names).unwrap_or_else(|_| "{}".to_owned())
}

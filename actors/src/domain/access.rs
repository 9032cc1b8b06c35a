//! Access: which models a key or a project may name, which paths a key may call, and with which values.
//! Owns the patterns. A model's has a `*` at the end only, so that a reader can tell at a glance what it admits; a path's
//! and a value's are globs. Refuses what no list names: an empty list admits nothing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern::globs;

/// A list of allowed model names; `*` allows all, `gpt-*` all that begin so. Absent means all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Allowed(pub Vec<String>);

impl Default for Allowed {
    fn default() -> Self {
        Self(vec!["*".to_owned()])
    }
}

impl Allowed {
    /// Whether the list admits `model`.
    pub fn admits(&self, model: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, model))
    }

    /// Whether the list admits everything that `pattern` does.
    pub fn covers(&self, pattern: &str) -> bool {
        let wider =
            |own: &String| own == pattern || own.strip_suffix('*').is_some_and(|stem| pattern.starts_with(stem));
        self.0.iter().any(wider)
    }
}

/// Patterns with `*` for any characters and `?` for one, anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Globs(pub Vec<String>);

/// The most patterns of one list, and the longest.
const MOST: usize = 100;
const LONGEST: usize = 256;

impl Globs {
    /// Whether one of them covers `text`.
    pub fn admits(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| globs(pattern, text))
    }

    /// What is wrong with them, to be read after the field's name.
    pub fn fault(&self) -> Option<String> {
        let sound = |pattern: &String| (1..=LONGEST).contains(&pattern.len()) && !pattern.contains(char::is_control);
        if self.0.len() > MOST || !self.0.iter().all(sound) {
            return Some(format!("must be at most {MOST} patterns of 1 to {LONGEST} bytes"));
        }
        None
    }
}

/// The values that parameters may have, by the parameter's name. A parameter that is not named may have any.
///
/// A name with dots leads into objects. Upper case and underscores do not tell names apart, because providers take
/// `maxOutputTokens` and `max_output_tokens` for the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, Globs>);

impl Parameters {
    /// What is wrong with them, to be read after the field's name.
    pub fn fault(&self) -> Option<String> {
        let sound = |name: &String| (1..=LONGEST).contains(&name.len()) && name.split('.').all(|part| !part.is_empty());
        if self.0.len() > MOST || !self.0.keys().all(sound) {
            return Some(format!("must be at most {MOST} names of 1 to {LONGEST} bytes"));
        }
        self.0.iter().find_map(|(name, values)| Some(format!(".{name} {}", values.fault()?)))
    }

    /// Whether a parameter as a request spells it is the one that is called `name` here.
    pub fn is_same(name: &str, spelled: &str) -> bool {
        let letters =
            |text: &str| text.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect::<Vec<_>>();
        letters(name) == letters(spelled)
    }
}

fn matches(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix),
        None => pattern == model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_admit_what_they_say() {
        let allowed = Allowed(vec!["gpt-*".to_owned(), "o3".to_owned()]);
        assert!(allowed.admits("gpt-4o") && allowed.admits("o3"));
        assert!(!allowed.admits("o3-mini") && !allowed.admits("claude"));
        assert!(Allowed::default().admits("anything"));
        assert!(!Allowed(vec![]).admits("anything"));
    }

    #[test]
    fn a_list_covers_what_it_admits_whatever_comes_of_it() {
        let allowed = Allowed(vec!["gpt-*".to_owned(), "o3".to_owned()]);
        for (pattern, covered) in [
            ("gpt-4o", true),
            ("gpt-4*", true),
            ("gpt-*", true),
            ("o3", true),
            ("o3*", false),
            ("g*", false),
            ("*", false),
        ] {
            assert_eq!(allowed.covers(pattern), covered, "{pattern}");
        }
        assert!(Allowed::default().covers("*"));
    }

    #[test]
    fn globs_and_parameters_are_bounded_and_names_have_one_spelling() {
        let globs = |list: &[&str]| Globs(list.iter().map(|text| (*text).to_owned()).collect());
        assert!(globs(&["/v1/chat/*"]).admits("/v1/chat/completions") && !globs(&[]).admits("/v1/chat/completions"));
        assert_eq!(globs(&["a*"]).fault(), None);
        for wrong in [globs(&[""]), globs(&["a\n"]), globs(&[&"x".repeat(257)]), globs(&["a"; 101])] {
            assert!(wrong.fault().is_some(), "{wrong:?}");
        }
        let named = |name: &str, values| Parameters(BTreeMap::from([(name.to_owned(), values)]));
        assert_eq!(named("a.b", globs(&["*"])).fault(), None);
        assert!(named("a..b", globs(&["*"])).fault().is_some() && named("a", globs(&[""])).fault().is_some());
        assert!(Parameters::is_same("generationConfig", "generation_config") && !Parameters::is_same("a", "ab"));
    }
}

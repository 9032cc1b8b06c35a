//! Access: which models a key or a project may name.
//! Owns the pattern (`*` at the end only, so that a reader can tell at a glance what it admits).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
}

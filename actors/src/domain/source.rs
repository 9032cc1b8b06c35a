//! Who says what a model costs. Owns the words. Refuses precedence by date: an operator's word goes before any list's.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

/// Who says what a model costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PriceSource {
    /// An operator; no list changes it.
    Own,
    /// A list that was fetched.
    Refreshed,
    /// The list that comes with the program.
    Bundled,
}

/// A text that names nobody who says prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected own, refreshed or bundled")]
pub struct UnknownSource;

impl PriceSource {
    /// As rows and answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Refreshed => "refreshed",
            Self::Bundled => "bundled",
        }
    }

    /// Whether a list may change the price.
    pub fn follows_list(self) -> bool {
        self != Self::Own
    }
}

impl FromStr for PriceSource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        let all = [Self::Own, Self::Refreshed, Self::Bundled];
        all.into_iter().find(|source| source.name() == text).ok_or(UnknownSource)
    }
}

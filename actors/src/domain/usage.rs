//! Usage: what one upstream attempt consumed, in disjoint classes, and how we know.
//! Owns the classes and their provenance. Refuses overlap: a cached token is never also an input token.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Tokens of one attempt in disjoint classes: `input` excludes cached tokens, `output` excludes reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Prompt tokens neither read from nor written to a cache.
    pub input: u64,
    /// Prompt tokens served from a provider cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache of the default (5 minute) lifetime.
    pub cache_write_5m: u64,
    /// Prompt tokens written to a one-hour cache.
    pub cache_write_1h: u64,
    /// Generated tokens without reasoning.
    pub output: u64,
    /// Generated reasoning tokens.
    pub reasoning: u64,
}

impl Usage {
    /// All tokens of the prompt, whatever their class.
    pub fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
    }

    /// All generated tokens, reasoning included.
    pub fn generated(&self) -> u64 {
        self.output.saturating_add(self.reasoning)
    }

    /// Every token of the attempt.
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.generated())
    }
}

/// Why a figure is an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimate {
    /// The provider sent none.
    Missing,
    /// The client left before the provider could say.
    ClientGone,
    /// The provider's stream ended early.
    UpstreamCut,
    /// Farthing died while the call was in flight.
    Crash,
    /// The provider's figures were impossible.
    Insane,
}

/// Where a usage figure comes from. Text form: `provider`, `counted`, `estimated:<why>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// The provider's own final figures.
    Provider,
    /// Counted here with the model's tokenizer.
    Counted,
    /// Estimated here, with the reason.
    Estimated(Estimate),
}

impl Provenance {
    /// The family without the reason: `provider`, `counted` or `estimated`.
    pub fn family(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Counted => "counted",
            Self::Estimated(_) => "estimated",
        }
    }
}

impl Estimate {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Missing, "missing"),
        (Self::ClientGone, "client_gone"),
        (Self::UpstreamCut, "upstream_cut"),
        (Self::Crash, "crash"),
        (Self::Insane, "insane"),
    ];
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(why, _)| why == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estimated(why) => write!(f, "estimated:{why}"),
            other => f.write_str(other.family()),
        }
    }
}

/// A text that names no provenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected provider, counted or estimated:<why>")]
pub struct UnknownProvenance;

impl FromStr for Provenance {
    type Err = UnknownProvenance;

    fn from_str(text: &str) -> Result<Self, UnknownProvenance> {
        match text {
            "provider" => Ok(Self::Provider),
            "counted" => Ok(Self::Counted),
            _ => {
                let why = text.strip_prefix("estimated:").ok_or(UnknownProvenance)?;
                let known = Estimate::ALL.iter().find(|(_, name)| *name == why);
                known.map(|(why, _)| Self::Estimated(*why)).ok_or(UnknownProvenance)
            }
        }
    }
}

super::ids::serde_as_text!(Provenance);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provenance_text_round_trips() {
        let estimates = Estimate::ALL.iter().map(|(why, _)| Provenance::Estimated(*why));
        for provenance in [Provenance::Provider, Provenance::Counted].into_iter().chain(estimates) {
            assert_eq!(provenance.to_string().parse(), Ok(provenance));
        }
    }

    #[test]
    fn classes_add_up() {
        let usage = Usage { input: 1, cache_read: 2, cache_write_5m: 4, cache_write_1h: 8, output: 16, reasoning: 32 };
        assert_eq!((usage.prompt(), usage.generated(), usage.total()), (15, 48, 63));
    }
}

//! Usage: what one upstream attempt consumed, in disjoint classes, and how we know.
//! Owns the classes and their provenance. Refuses overlap: a cached token is never also an input token.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::names;
use super::tier::ServiceTier;

/// What one attempt consumed, in disjoint classes: `input` excludes cached tokens, `output` excludes reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
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
    /// What is not text.
    #[serde(skip_serializing_if = "Units::is_none")]
    pub units: Units,
    /// How the provider served it, which multiplies its price.
    #[serde(skip_serializing_if = "ServiceTier::is_standard")]
    pub tier: ServiceTier,
}

/// What is not text: tokens of sound and pictures, which no other class counts, and what is metered without tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Units {
    /// Prompt tokens of sound.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_input: u64,
    /// Generated tokens of sound.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_output: u64,
    /// Prompt tokens of pictures, where the provider counts them apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub image_input: u64,
    /// Generated tokens of pictures, where the provider counts them apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub image_output: u64,
    /// Pictures made.
    #[serde(skip_serializing_if = "is_zero")]
    pub images: u64,
    /// Milliseconds of sound heard or made.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_ms: u64,
    /// Characters read aloud.
    #[serde(skip_serializing_if = "is_zero")]
    pub characters: u64,
    /// Searches the provider made on the way.
    #[serde(skip_serializing_if = "is_zero")]
    pub searches: u64,
}

impl Usage {
    /// All tokens of the prompt, whatever their class.
    pub fn prompt(&self) -> u64 {
        let text = [self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h];
        sum(text.into_iter().chain([self.units.audio_input, self.units.image_input]))
    }

    /// All generated tokens, reasoning included.
    pub fn generated(&self) -> u64 {
        sum([self.output, self.reasoning, self.units.audio_output, self.units.image_output])
    }

    /// Every token of the attempt.
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.generated())
    }

    /// Whether nothing was consumed, neither tokens nor anything else.
    pub fn is_nothing(&self) -> bool {
        self.total() == 0 && self.units.is_none()
    }

    /// Every class and its name, in the order of the struct; those of [`Units`] last.
    pub fn classes(&self) -> [(&'static str, u64); 14] {
        let units = &self.units;
        [
            ("input", self.input),
            ("cache_read", self.cache_read),
            ("cache_write_5m", self.cache_write_5m),
            ("cache_write_1h", self.cache_write_1h),
            ("output", self.output),
            ("reasoning", self.reasoning),
            ("audio_input", units.audio_input),
            ("audio_output", units.audio_output),
            ("image_input", units.image_input),
            ("image_output", units.image_output),
            ("images", units.images),
            ("audio_ms", units.audio_ms),
            ("characters", units.characters),
            ("searches", units.searches),
        ]
    }
}

impl Units {
    /// Nothing but text.
    pub const NONE: Self = Self {
        audio_input: 0,
        audio_output: 0,
        image_input: 0,
        image_output: 0,
        images: 0,
        audio_ms: 0,
        characters: 0,
        searches: 0,
    };

    /// Whether there is nothing but text.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn sum(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

names!(
    /// Why a figure is an estimate.
    EstimateReason {
        /// The provider sent none.
        Missing = "missing",
        /// The client left before the provider could say.
        ClientGone = "client_gone",
        /// The provider's stream ended early.
        UpstreamCut = "upstream_cut",
        /// Farthing died while the call was in flight.
        Crash = "crash",
        /// Farthing was stopped, and the call took longer than it could wait.
        Stopped = "stopped",
        /// The provider's figures were impossible.
        Insane = "insane",
    }
);

/// Where a usage figure comes from. Text form: `provider`, `counted`, `cached`, `estimated:<why>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// The provider's own final figures.
    Provider,
    /// Counted here with the model's tokenizer.
    Counted,
    /// Nothing was consumed: the answer was given before.
    Cached,
    /// Estimated here, with the reason.
    Estimated(EstimateReason),
}

impl Provenance {
    /// The family without the reason: `provider`, `counted` (nothing, where the answer was cached) or `estimated`.
    pub fn family(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Counted | Self::Cached => "counted",
            Self::Estimated(_) => "estimated",
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estimated(why) => write!(f, "estimated:{why}"),
            Self::Cached => f.write_str("cached"),
            other => f.write_str(other.family()),
        }
    }
}

/// A text that names no provenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected provider, counted, cached or estimated:<why>")]
pub struct UnknownProvenance;

impl FromStr for Provenance {
    type Err = UnknownProvenance;

    fn from_str(text: &str) -> Result<Self, UnknownProvenance> {
        match text {
            "provider" => Ok(Self::Provider),
            "counted" => Ok(Self::Counted),
            "cached" => Ok(Self::Cached),
            _ => {
                let why = text.strip_prefix("estimated:").ok_or(UnknownProvenance)?;
                why.parse().map(Self::Estimated).map_err(|_| UnknownProvenance)
            }
        }
    }
}

super::ids::serde_as_text!(Provenance);
super::ids::schema_of_text!(Provenance, "^[a-z_:]+$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provenance_text_round_trips() {
        let estimates = EstimateReason::ALL.iter().copied().map(Provenance::Estimated);
        for provenance in [Provenance::Provider, Provenance::Counted, Provenance::Cached].into_iter().chain(estimates) {
            assert_eq!(provenance.to_string().parse(), Ok(provenance));
        }
    }

    #[test]
    fn classes_add_up() {
        let units = Units { audio_input: 64, image_output: 128, images: 5, ..Units::default() };
        let usage = Usage {
            input: 1,
            cache_read: 2,
            cache_write_5m: 4,
            cache_write_1h: 8,
            output: 16,
            reasoning: 32,
            units,
            ..Usage::default()
        };
        assert_eq!((usage.prompt(), usage.generated(), usage.total()), (79, 176, 255));
    }

    #[test]
    fn what_is_nought_is_not_written() {
        let text = Usage { input: 1, ..Usage::default() };
        assert!(!serde_json::to_string(&text).unwrap().contains("units"));
        let units = Units { images: 2, ..Units::default() };
        let picture = Usage { units, ..Usage::default() };
        assert!(serde_json::to_string(&picture).unwrap().ends_with(r#""units":{"images":2}}"#));
    }
}

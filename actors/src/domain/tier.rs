//! Service tiers: how fast or patiently a provider serves a call, and by how much that multiplies its price.
//! Owns the names and the exact multiplier. Refuses to know which provider has which.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::names;

names!(
    /// How a provider served a call.
    #[derive(Default)]
    ServiceTier {
        #[default]
        /// As usual; OpenAI calls it `default`.
        Standard = "standard",
        /// Slower and cheaper.
        Flex = "flex",
        /// Faster and dearer.
        Priority = "priority",
        /// Some time within a day.
        Batch = "batch",
        /// From capacity bought in advance.
        Scale = "scale",
        /// Generated faster and much dearer; Anthropic's `speed`.
        Fast = "fast",
    }
);

impl ServiceTier {
    /// Whether it is the usual one.
    pub fn is_standard(&self) -> bool {
        *self == Self::Standard
    }

    /// The tier by any provider's word for it; `None` for one that leaves the choice open, or that nobody knows.
    pub fn of_provider(word: &str) -> Option<Self> {
        match word {
            "default" | "on_demand" | "SERVICE_TIER_STANDARD" => Some(Self::Standard),
            "SERVICE_TIER_FLEX" => Some(Self::Flex),
            // `fast` is OpenRouter's other word for it; Anthropic's fast mode is no tier on the wire.
            "SERVICE_TIER_PRIORITY" | "fast" => Some(Self::Priority),
            word => word.parse().ok(),
        }
    }
}

const DECIMALS: usize = 6;
const WHOLE: u32 = 1_000_000;

/// A factor on a price, in millionths. Text form: a decimal such as `0.5`, up to 1,000 and with at most six decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multiplier(u32);

/// A text that is no multiplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a factor such as \"0.5\", at most 1000 and with at most 6 decimals")]
pub struct UnknownMultiplier;

impl Multiplier {
    /// No change.
    pub const ONE: Self = Self(WHOLE);

    /// How many millionths of the price.
    pub fn millionths(self) -> u32 {
        self.0
    }
}

impl FromStr for Multiplier {
    type Err = UnknownMultiplier;

    fn from_str(text: &str) -> Result<Self, UnknownMultiplier> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let significant = decimals.trim_end_matches('0');
        if !digits(whole) || !digits(decimals) || significant.len() > DECIMALS {
            return Err(UnknownMultiplier);
        }
        let whole: u32 = whole.parse().map_err(|_| UnknownMultiplier)?;
        let decimals: u32 = format!("{significant:0<6}").parse().map_err(|_| UnknownMultiplier)?;
        let millionths = whole.checked_mul(WHOLE).and_then(|whole| whole.checked_add(decimals));
        millionths.filter(|millionths| *millionths <= 1_000 * WHOLE).map(Self).ok_or(UnknownMultiplier)
    }
}

impl fmt::Display for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:06}", self.0 % WHOLE);
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{}", self.0 / WHOLE),
            decimals => write!(f, "{}.{decimals}", self.0 / WHOLE),
        }
    }
}

impl fmt::Debug for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "×{self}")
    }
}

super::ids::serde_as_text!(Multiplier);
super::ids::schema_of_text!(Multiplier, r"^[0-9]+(\.[0-9]+)?$");

/// What each tier costs, as a factor on the standard price; a tier that is not listed costs the standard price.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TierMultipliers(pub std::collections::BTreeMap<ServiceTier, Multiplier>);

impl TierMultipliers {
    /// The factor of `tier`.
    pub fn of(&self, tier: ServiceTier) -> Multiplier {
        self.0.get(&tier).copied().unwrap_or(Multiplier::ONE)
    }

    /// The greatest factor a call may turn out to have: that of the tier it asks for or of the standard one, which it
    /// may be served in instead; of any tier where it leaves the choice to the provider.
    pub fn dearest(&self, asked: Option<ServiceTier>) -> Multiplier {
        let standard = self.of(ServiceTier::Standard);
        let any = |but: Option<ServiceTier>| {
            let factors = self.0.iter().filter(|(tier, _)| Some(**tier) != but).map(|(_, factor)| *factor);
            factors.fold(standard.max(Multiplier::ONE), Multiplier::max)
        };
        match asked {
            // Fast mode is asked for beside the tier, which the provider then chooses; and it is never given unasked.
            Some(ServiceTier::Fast) => any(None),
            Some(asked) => standard.max(self.of(asked)),
            None => any(Some(ServiceTier::Fast)),
        }
    }

    /// Whether every tier costs the same.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_exact_decimals() {
        let round = |text: &str| text.parse::<Multiplier>().map(|factor| factor.to_string());
        for (text, shown) in [("1", "1"), ("0.5", "0.5"), ("1.750000", "1.75"), ("0.000001", "0.000001"), ("2.0", "2")]
        {
            assert_eq!(round(text).as_deref(), Ok(shown));
        }
        for text in ["", ".5", "1.", "-1", "1e3", "0.0000001", "1001", "4294968"] {
            assert_eq!(round(text), Err(UnknownMultiplier), "{text:?}");
        }
    }

    #[test]
    fn a_call_may_be_served_in_the_standard_tier_whatever_it_asks_for() {
        let tiers = [(ServiceTier::Flex, "0.5"), (ServiceTier::Priority, "2"), (ServiceTier::Fast, "6")];
        let tiers = TierMultipliers(tiers.into_iter().map(|(tier, factor)| (tier, factor.parse().unwrap())).collect());
        assert_eq!(tiers.dearest(Some(ServiceTier::Flex)), Multiplier::ONE);
        assert_eq!(tiers.dearest(Some(ServiceTier::Priority)), tiers.of(ServiceTier::Priority));
        assert_eq!(tiers.dearest(None), tiers.of(ServiceTier::Priority), "fast mode is never given unasked");
        assert_eq!(tiers.dearest(Some(ServiceTier::Fast)), tiers.of(ServiceTier::Fast));
        assert_eq!(tiers.of(ServiceTier::Batch), Multiplier::ONE);
    }
}

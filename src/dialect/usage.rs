//! Usage as providers report it, whatever the dialect.
//! Owns the three things an answer can say of it, and which figures are possible. Refuses to repair: impossible figures
//! are reported as such and the caller estimates.

use farthing_actors::domain::{ServiceTier, Usage};

use super::members::Member;

/// More tokens than any request can have; beyond it a figure is a fault of the provider.
const ABSURD: u64 = 100_000_000;

/// What a provider's answer says about its usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nothing, or `null`.
    Absent,
    /// Figures that cannot be true, with the reason.
    Insane(&'static str),
    /// No figures, but this many pictures, which can be counted.
    Pictures(u64),
    /// Figures, an explicit zero included.
    Figures(Usage),
}

impl Reading {
    /// Takes a later word of the same answer for the truth, if it says anything. Figures before nonsense may be of the answer's
    /// beginning: then it is better counted.
    pub(super) fn follow(&mut self, later: Self) {
        if later != Self::Absent {
            *self = later;
        }
    }

    /// The same figures, of a call that was served in `tier`, if that is known.
    pub(super) fn served(mut self, tier: Option<ServiceTier>) -> Self {
        if let (Self::Figures(usage), Some(tier)) = (&mut self, tier) {
            usage.tier = tier;
        }
        self
    }

    /// The same figures, with the searches made on the way.
    pub(super) fn searched(mut self, searches: u64) -> Self {
        if let Self::Figures(usage) = &mut self {
            usage.units.searches = searches;
        }
        self
    }
}

/// The tier that an answer's member names, if it names one that is known.
pub(super) fn tier(member: Option<Member<'_>>) -> Option<ServiceTier> {
    ServiceTier::of_provider(&member?.string()?)
}

/// The tokens of one side of a call that are in no other class.
pub(super) struct Apart {
    /// Of text.
    pub(super) text: u64,
    /// Of sound.
    pub(super) audio: u64,
    /// Of pictures.
    pub(super) image: u64,
}

/// Takes sound and pictures out of `tokens`, of which `classed` stand in another class, such as the cached ones. Nobody
/// says whether those were text: as far as they can be they were, since the rest then costs no less than it may.
pub(super) fn apart(tokens: u64, classed: u64, [audio, image]: [Option<u64>; 2]) -> Result<Apart, &'static str> {
    let (audio, image) = (audio.unwrap_or(0), image.unwrap_or(0));
    if audio.saturating_add(image) > tokens {
        return Err("more tokens of sound and pictures than tokens");
    }
    let rest = tokens.saturating_sub(classed);
    let audio = audio.min(rest);
    let image = image.min(rest.saturating_sub(audio));
    Ok(Apart { text: rest.saturating_sub(audio).saturating_sub(image), audio, image })
}

/// The searches that a usage object itself tells of: xAI counts calls, and before that counted sources; Perplexity and OpenRouter
/// have names of their own. `None` where it tells of none.
pub(super) fn searches_told(usage: Option<Member<'_>>) -> Result<Option<u64>, &'static str> {
    const NAMES: [&str; 4] =
        ["server_side_tool_usage_details", "num_sources_used", "num_search_queries", "server_tool_use"];
    // Nearly always there are none, and the object is not read a second time.
    let may_tell = |usage: &Member<'_>| usage.text.contains("search") || usage.text.contains("sources");
    let usage = usage.filter(may_tell);
    let Some(object) = usage.and_then(|usage| usage.members(&NAMES)) else { return Ok(None) };
    let [of_xai, sources, queries, of_openrouter] = object.present();
    let calls = details(of_xai, &["web_search_calls", "x_search_calls"])?;
    let calls = calls.into_iter().flatten().reduce(u64::saturating_add);
    let [requests] = details(of_openrouter, &["web_search_requests"])?;
    let told = [calls, count(sources)?, count(queries)?, requests];
    Ok(told.into_iter().flatten().max().filter(|searches| *searches > 0))
}

/// A figure as tokens; `None` where it is absent.
pub(super) fn count(figure: Option<Member<'_>>) -> Result<Option<u64>, &'static str> {
    let Some(figure) = figure else { return Ok(None) };
    match figure.whole() {
        Some(tokens) if tokens <= ABSURD => Ok(Some(tokens)),
        Some(_) => Err("a figure is above 100 million tokens"),
        None => Err("a figure is not a whole number of tokens"),
    }
}

/// The figures inside an object of details, in the order of their `names`.
pub(super) fn details<const N: usize>(
    object: Option<Member<'_>>,
    names: &[&'static str; N],
) -> Result<[Option<u64>; N], &'static str> {
    let mut counts = [None; N];
    let Some(object) = object else { return Ok(counts) };
    let figures = object.members(names).filter(|object| object.duplicate.is_none());
    let figures = figures.ok_or("the details of a figure are not an object")?;
    for (slot, figure) in counts.iter_mut().zip(figures.present()) {
        *slot = count(figure)?;
    }
    Ok(counts)
}

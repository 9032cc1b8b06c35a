//! Usage as Anthropic counts it, both directions.
//! Owns the merging of figures that come in pieces, and the judgement whether they are possible. Refuses to repair:
//! impossible figures are reported as such and the caller estimates.

use farthing_actors::domain::{ServiceTier, Units, Usage};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::dialect::canonical::Json;
use crate::dialect::members::{self, Member};
use crate::dialect::usage::{Reading, count, details};

const FIGURES: [&str; 9] = [
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "cache_creation",
    "output_tokens_details",
    "service_tier",
    "server_tool_use",
    "speed",
];

/// The figures that have come so far. They are cumulative, and not every object has all of them: each figure that comes
/// replaces the one before.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    input: Option<u64>,
    cache_write: Option<u64>,
    cache_read: Option<u64>,
    output: Option<u64>,
    /// Of the cache writes, those for five minutes and for an hour. May be older than their total.
    split: [Option<u64>; 2],
    thinking: Option<u64>,
    /// What shortening the context took, which Anthropic bills and leaves out of every other figure.
    compacting: Option<Usage>,
    tier: Option<String>,
    is_fast: Option<bool>,
    searches: Option<u64>,
    fault: Option<&'static str>,
}

impl Tally {
    /// Takes in a member `usage`.
    pub(super) fn take(&mut self, usage: Option<Member<'_>>) {
        let Some(usage) = usage.filter(|usage| !usage.is_null()) else { return };
        let outcome = self.merge(usage.text).and_then(|()| compacting(usage));
        match outcome {
            Ok(sum) => replace(&mut self.compacting, sum),
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn merge(&mut self, usage: &str) -> Result<(), &'static str> {
        let object = members::read(usage, &FIGURES).map_err(|_| "usage is not an object")?;
        if object.duplicate.is_some() {
            return Err("usage gives a figure twice");
        }
        let [input, cache_write, cache_read, output, split, of_output, tier, tools, speed] = object.present();
        replace(&mut self.input, count(input)?);
        replace(&mut self.cache_write, count(cache_write)?);
        replace(&mut self.cache_read, count(cache_read)?);
        replace(&mut self.output, count(output)?);
        let [short, long] = details(split, &["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"])?;
        let [of_short, of_long] = &mut self.split;
        replace(of_short, short);
        replace(of_long, long);
        let [thinking] = details(of_output, &["thinking_tokens"])?;
        replace(&mut self.thinking, thinking);
        let [searches] = details(tools, &["web_search_requests"])?;
        replace(&mut self.searches, searches);
        replace(&mut self.tier, tier.and_then(|tier| tier.string()));
        replace(&mut self.is_fast, speed.map(|speed| speed.text == r#""fast""#));
        Ok(())
    }

    /// What the figures say.
    pub(super) fn reading(&self) -> Reading {
        if self.input.is_none() && self.output.is_none() && self.fault.is_none() {
            return Reading::Absent;
        }
        self.figures().map_or_else(Reading::Insane, Reading::Figures)
    }

    fn figures(&self) -> Result<Usage, &'static str> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let input = self.input.ok_or("input_tokens is missing")?;
        let generated = self.output.ok_or("output_tokens is missing")?;
        let reasoning = self.thinking.unwrap_or(0);
        let output = generated.checked_sub(reasoning).ok_or("more thinking tokens than output tokens")?;
        // The total is the newer figure: of the split only the hour's share is used, as far as the total allows. Where all was
        // for an hour, so is what came after.
        let [short, long] = self.split.map(|share| share.unwrap_or(0));
        let written = self.cache_write.unwrap_or_else(|| short.saturating_add(long));
        let cache_write_1h = if short == 0 && long > 0 { written } else { long.min(written) };
        let cache_write_5m = written.saturating_sub(cache_write_1h);
        let cache_read = self.cache_read.unwrap_or(0);
        let units = Units { searches: self.searches.unwrap_or(0), ..Units::NONE };
        let tier = self.served().unwrap_or_default();
        let usage = Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, units, tier };
        Ok(sum(usage, self.compacting.unwrap_or_default()))
    }

    /// The service tier, if it is one that is known. Fast mode is one of its own: it is billed like one.
    pub(super) fn served(&self) -> Option<ServiceTier> {
        if self.is_fast == Some(true) {
            return Some(ServiceTier::Fast);
        }
        self.tier.as_deref().and_then(ServiceTier::of_provider)
    }

    /// The service tier, in OpenAI's words.
    pub(super) fn tier(&self) -> Option<&str> {
        self.tier.as_deref().map(|tier| if tier == "standard" { "default" } else { tier })
    }
}

/// The sum of a request's compactions; `None` where the usage object lists no iterations.
fn compacting(usage: Member<'_>) -> Result<Option<Usage>, &'static str> {
    let list = usage.members(&["iterations"]).and_then(|object| {
        let [list] = object.present();
        list
    });
    let Some(list) = list else { return Ok(None) };
    let items: Vec<&RawValue> = serde_json::from_str(list.text).map_err(|_| "iterations is not a list")?;
    let mut total = Usage::default();
    for item in items {
        let kind = members::read(item.get(), &["type"]).map_err(|_| "an iteration is not an object")?.values;
        if kind.iter().flatten().any(|kind| kind.text == r#""compaction""#) {
            let mut tally = Tally::default();
            tally.merge(item.get())?;
            total = sum(total, tally.figures()?);
        }
    }
    Ok(Some(total))
}

fn sum(one: Usage, other: Usage) -> Usage {
    Usage {
        input: one.input.saturating_add(other.input),
        cache_read: one.cache_read.saturating_add(other.cache_read),
        cache_write_5m: one.cache_write_5m.saturating_add(other.cache_write_5m),
        cache_write_1h: one.cache_write_1h.saturating_add(other.cache_write_1h),
        output: one.output.saturating_add(other.output),
        reasoning: one.reasoning.saturating_add(other.reasoning),
        ..one
    }
}

fn replace<T>(figure: &mut Option<T>, newer: Option<T>) {
    if newer.is_some() {
        *figure = newer;
    }
}

/// A usage object as Anthropic writes it. Its clients read figures without asking whether there are any, so what was
/// not counted is written as zero.
#[derive(Debug, Serialize)]
pub(super) struct Figures<'a> {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: Split,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_tool_use: Option<ServerTools>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    farthing: Option<Json>,
}

#[derive(Debug, Serialize)]
struct Split {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Debug, Serialize)]
struct ServerTools {
    web_search_requests: u64,
}

#[derive(Debug, Serialize)]
struct Thinking {
    thinking_tokens: u64,
}

impl<'a> Figures<'a> {
    /// `tier` in OpenAI's words; `farthing` is one line of JSON to put beside the figures.
    pub(super) fn new(reading: Reading, tier: Option<&'a str>, farthing: Option<&str>) -> Self {
        let usage = match reading {
            Reading::Figures(usage) => usage,
            Reading::Absent | Reading::Insane(_) | Reading::Pictures(_) => Usage::default(),
        };
        let writes = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
        let cached = usage.cache_read.saturating_add(writes);
        let searches = usage.units.searches;
        Self {
            // Sound and pictures have no place of their own.
            input_tokens: usage.prompt().saturating_sub(cached),
            cache_creation_input_tokens: writes,
            cache_read_input_tokens: usage.cache_read,
            cache_creation: Split {
                ephemeral_5m_input_tokens: usage.cache_write_5m,
                ephemeral_1h_input_tokens: usage.cache_write_1h,
            },
            output_tokens: usage.generated(),
            output_tokens_details: (usage.reasoning > 0).then_some(Thinking { thinking_tokens: usage.reasoning }),
            server_tool_use: (searches > 0).then_some(ServerTools { web_search_requests: searches }),
            service_tier: tier.and_then(own_tier),
            farthing: farthing.and_then(Json::parse),
        }
    }
}

/// Anthropic's word for a tier in OpenAI's words; it has three.
fn own_tier(tier: &str) -> Option<&str> {
    match tier {
        "default" | "standard" => Some("standard"),
        "priority" | "batch" => Some(tier),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! Flags that several commands share: budgets, limits, prices. Owns their parsing into the domain's types, so that a
//! wrong amount or time zone is found before anything is sent. Refuses amounts below zero.

use std::collections::BTreeMap;

use clap::Args;
use farthing_actors::domain::call::UnknownName;
use farthing_actors::domain::money::MoneyError;
use farthing_actors::domain::tier::{Multiplier, UnknownMultiplier};
use farthing_actors::domain::window::Zone;
use farthing_actors::domain::{Budget, ContextTier, Limits, Mode, Money, Rate, ServiceTier, Thresholds, WindowKind};
use serde_json::{Map, Value, json};

/// A budget, for a new project or key.
#[derive(Debug, Clone, Args)]
pub(super) struct BudgetFlags {
    /// The most that may be spent in one window, in US dollars, such as 25.00
    #[arg(long, value_name = "USD", value_parser = amount)]
    budget: Option<Money>,
    /// How long the budget lasts: total, day, week or month
    #[arg(long, value_name = "WINDOW", default_value = "total", requires = "budget")]
    window: WindowKind,
    /// Whose midnight ends a day, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC", requires = "budget")]
    time_zone: Zone,
    /// Of which percents of it operators are told when they are spent, such as 50,90; or none
    #[arg(long, value_name = "PERCENTS", default_value = "80,95,100", requires = "budget")]
    warn_percent: Thresholds,
    /// Refuse nothing for it: only count what it would have refused (see `farthing shadow`)
    #[arg(long, requires = "budget")]
    shadow_budget: bool,
}

impl BudgetFlags {
    /// The budget, if one was given.
    pub(super) fn budget(&self) -> Option<Budget> {
        let limit_usd = self.budget?;
        let (time_zone, warn_percent) = (self.time_zone.clone(), self.warn_percent.clone());
        Some(Budget { limit_usd, window: self.window, time_zone, warn_percent, mode: mode(self.shadow_budget) })
    }
}

/// Limits on traffic and models.
#[derive(Debug, Clone, Args)]
pub(super) struct LimitFlags {
    /// Requests per minute
    #[arg(long, value_name = "N")]
    rpm: Option<u32>,
    /// Tokens per minute
    #[arg(long, value_name = "N")]
    tpm: Option<u64>,
    /// Requests in flight at once
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,
    /// Refuse nothing for these three: only count what they would have refused (see `farthing shadow`)
    #[arg(long)]
    shadow_limits: bool,
    /// A model that may be used, such as gpt-4o or claude-*; may be given several times; all if never
    #[arg(long = "allow", value_name = "MODEL")]
    allowed_models: Vec<String>,
}

/// Puts what was given into the body of a request; what was not given stays absent.
pub(super) fn put_grants(body: &mut Map<String, Value>, budget: &BudgetFlags, limits: &LimitFlags) {
    if let Some(budget) = budget.budget() {
        body.insert("budget".to_owned(), json!(budget));
    }
    let mode = mode(limits.shadow_limits);
    let traffic = Limits { rpm: limits.rpm, tpm: limits.tpm, concurrency: limits.concurrency, mode };
    if !traffic.is_unlimited() {
        body.insert("limits".to_owned(), json!(traffic));
    }
    if !limits.allowed_models.is_empty() {
        body.insert("allowed_models".to_owned(), json!(limits.allowed_models));
    }
}

fn mode(shadow: bool) -> Mode {
    if shadow { Mode::Shadow } else { Mode::Enforce }
}

/// An amount of money that is not negative.
pub(super) fn amount(text: &str) -> Result<Money, String> {
    let money: Money = text.parse().map_err(|error: MoneyError| error.to_string())?;
    if money.is_negative() { Err("the amount is negative".to_owned()) } else { Ok(money) }
}

/// Prices in US dollars per million tokens.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Prices in US dollars per million tokens")]
pub(super) struct PriceFlags {
    /// Uncached prompt tokens
    #[arg(long, value_name = "USD")]
    input: Option<Rate>,
    /// Generated tokens
    #[arg(long, value_name = "USD")]
    output: Option<Rate>,
    /// Prompt tokens read from a cache
    #[arg(long, value_name = "USD")]
    cache_read: Option<Rate>,
    /// Prompt tokens written to a cache
    #[arg(long, value_name = "USD")]
    cache_write: Option<Rate>,
    /// Prompt tokens written to a one-hour cache
    #[arg(long, value_name = "USD")]
    cache_write_1h: Option<Rate>,
    /// Reasoning tokens; the output price if absent
    #[arg(long, value_name = "USD")]
    reasoning: Option<Rate>,
    /// A fee for each request, in US dollars
    #[arg(long, value_name = "USD", value_parser = amount)]
    request_fee: Option<Money>,
    /// A fee for each picture made, in US dollars
    #[arg(long, value_name = "USD", value_parser = amount)]
    image_fee: Option<Money>,
    /// Other prices for prompts of more tokens than N, such as 200000:input=2.50,output=15; may be given several times and
    /// replaces all there were
    #[arg(long, value_name = "N:CLASS=USD,…", value_parser = longer)]
    above: Vec<ContextTier>,
    /// A factor by how the provider serves the call, such as flex=0.5; may be given several times and replaces all there were
    #[arg(long, value_name = "TIER=FACTOR", value_parser = served)]
    service_tier: Vec<(ServiceTier, Multiplier)>,
}

impl PriceFlags {
    /// What was given, by its name on the wire.
    pub(super) fn given(&self) -> Vec<(&'static str, Value)> {
        let all = [
            ("input_cost_per_m", self.input),
            ("output_cost_per_m", self.output),
            ("cache_read_cost_per_m", self.cache_read),
            ("cache_write_cost_per_m", self.cache_write),
            ("cache_write_1h_cost_per_m", self.cache_write_1h),
            ("reasoning_cost_per_m", self.reasoning),
        ];
        let fees = [("request_fee_usd", self.request_fee), ("image_fee_usd", self.image_fee)];
        let rates = all.into_iter().filter_map(|(name, rate)| Some((name, json!(rate?))));
        let fees = fees.into_iter().filter_map(|(name, fee)| Some((name, json!(fee?))));
        let tiers = (!self.above.is_empty()).then(|| ("context_tiers", json!(self.above)));
        let served: BTreeMap<_, _> = self.service_tier.iter().copied().collect();
        let served = (!served.is_empty()).then(|| ("service_tiers", json!(served)));
        rates.chain(fees).chain(tiers).chain(served).collect()
    }
}

/// `200000:input=2.50,output=15`: where a tier begins, and its rates.
fn longer(text: &str) -> Result<ContextTier, String> {
    let form = || "expected a number of tokens and prices, such as 200000:input=2.50,output=15".to_owned();
    let (above, rates) = text.split_once(':').ok_or_else(form)?;
    let above_input_tokens = above.parse().map_err(|_| form())?;
    let mut tier = ContextTier { above_input_tokens, ..ContextTier::default() };
    for pair in rates.split(',') {
        let (class, rate) = pair.split_once('=').ok_or_else(form)?;
        let place = match class {
            "input" => &mut tier.input_cost_per_m,
            "output" => &mut tier.output_cost_per_m,
            "cache-read" => &mut tier.cache_read_cost_per_m,
            "cache-write" => &mut tier.cache_write_cost_per_m,
            "cache-write-1h" => &mut tier.cache_write_1h_cost_per_m,
            "reasoning" => &mut tier.reasoning_cost_per_m,
            _ => return Err(form()),
        };
        *place = Some(rate.parse().map_err(|error: MoneyError| error.to_string())?);
    }
    Ok(tier)
}

/// `flex=0.5`: a tier and its factor.
fn served(text: &str) -> Result<(ServiceTier, Multiplier), String> {
    let (tier, factor) = text.split_once('=').ok_or("expected a tier and a factor, such as flex=0.5")?;
    let tier = tier.parse().map_err(|error: UnknownName| error.to_string())?;
    Ok((tier, factor.parse().map_err(|error: UnknownMultiplier| error.to_string())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_read_or_refused_before_anything_is_sent() {
        let tier = longer("200000:input=2.50,cache-write-1h=4").unwrap();
        let shown =
            json!({"above_input_tokens": 200_000, "input_cost_per_m": "2.50", "cache_write_1h_cost_per_m": "4.00"});
        assert_eq!(json!(tier), shown);
        for text in ["", "200000", "x:input=1", "1:", "1:input", "1:inputs=1", "1:input=-1", "1:input=1e3"] {
            assert!(longer(text).is_err(), "{text:?}");
        }
        assert_eq!(served("flex=0.5").unwrap(), (ServiceTier::Flex, "0.5".parse().unwrap()));
        for text in ["flex", "turbo=1", "flex=", "flex=-1", "flex=5000"] {
            assert!(served(text).is_err(), "{text:?}");
        }
    }
}

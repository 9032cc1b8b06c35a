//! Flags that several commands share: budgets, limits, prices. Owns their parsing into the domain's types, so that a
//! wrong amount or time zone is found before anything is sent. Refuses amounts below zero.

use clap::Args;
use farthing_actors::domain::money::MoneyError;
use farthing_actors::domain::window::Zone;
use farthing_actors::domain::{Budget, Limits, Money, Rate, WindowKind};
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
}

impl BudgetFlags {
    /// The budget, if one was given.
    pub(super) fn budget(&self) -> Option<Budget> {
        let limit_usd = self.budget?;
        Some(Budget { limit_usd, window: self.window, time_zone: self.time_zone.clone() })
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
    /// A model that may be used, such as gpt-4o or claude-*; may be given several times; all if never
    #[arg(long = "allow", value_name = "MODEL")]
    allowed_models: Vec<String>,
}

/// Puts what was given into the body of a request; what was not given stays absent.
pub(super) fn put_grants(body: &mut Map<String, Value>, budget: &BudgetFlags, limits: &LimitFlags) {
    if let Some(budget) = budget.budget() {
        body.insert("budget".to_owned(), json!(budget));
    }
    let traffic = Limits { rpm: limits.rpm, tpm: limits.tpm, concurrency: limits.concurrency };
    if !traffic.is_unlimited() {
        body.insert("limits".to_owned(), json!(traffic));
    }
    if !limits.allowed_models.is_empty() {
        body.insert("allowed_models".to_owned(), json!(limits.allowed_models));
    }
}

/// An amount of money that is not negative.
fn amount(text: &str) -> Result<Money, String> {
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
}

impl PriceFlags {
    /// What was given, by its name on the wire.
    pub(super) fn given(&self) -> Vec<(&'static str, Rate)> {
        let all = [
            ("input_cost_per_m", self.input),
            ("output_cost_per_m", self.output),
            ("cache_read_cost_per_m", self.cache_read),
            ("cache_write_cost_per_m", self.cache_write),
            ("cache_write_1h_cost_per_m", self.cache_write_1h),
            ("reasoning_cost_per_m", self.reasoning),
        ];
        all.into_iter().filter_map(|(name, rate)| Some((name, rate?))).collect()
    }
}

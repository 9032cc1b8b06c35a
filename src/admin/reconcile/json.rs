//! Reports: the JSON of OpenAI's and Anthropic's usage and cost APIs. Owns their shapes, of which only what is compared is
//! read. Refuses amounts in other currencies.

use farthing_actors::domain::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::csv::model_of;
use super::reading::{Figures, Lines, Tokens, dollars};
use crate::admin::books::Day;

#[derive(Deserialize)]
struct Report<B> {
    data: Vec<B>,
}

#[derive(Deserialize)]
struct OpenaiBucket {
    start_time: i64,
    results: Vec<OpenaiResult>,
}

/// `organization.usage.completions.result` or `organization.costs.result`.
#[derive(Deserialize)]
struct OpenaiResult {
    input_tokens: Option<i64>,
    #[serde(default)]
    input_cached_tokens: i64,
    #[serde(default)]
    output_tokens: i64,
    model: Option<String>,
    amount: Option<OpenaiAmount>,
    line_item: Option<String>,
}

#[derive(Deserialize)]
struct OpenaiAmount {
    value: Box<RawValue>,
    currency: String,
}

#[derive(Deserialize)]
struct AnthropicBucket {
    starting_at: String,
    results: Vec<AnthropicResult>,
}

/// A line of the messages usage report or of the cost report, whose amount is in cents.
#[derive(Deserialize)]
struct AnthropicResult {
    uncached_input_tokens: Option<i64>,
    #[serde(default)]
    cache_read_input_tokens: i64,
    #[serde(default)]
    output_tokens: i64,
    #[serde(default)]
    cache_creation: AnthropicWrites,
    model: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AnthropicWrites {
    ephemeral_5m_input_tokens: i64,
    ephemeral_1h_input_tokens: i64,
}

/// `GET /v1/organization/usage/completions` or `/v1/organization/costs`.
pub(super) fn openai(text: &str) -> Result<Lines, String> {
    let (mut days, mut figures) = (Vec::new(), Vec::new());
    for bucket in parsed::<OpenaiBucket>(text)? {
        let day = Day::of(Timestamp(bucket.start_time.saturating_mul(1_000)));
        days.push(day);
        for result in bucket.results {
            figures.push(openai_result(day, result)?);
        }
    }
    Ok((days, figures))
}

fn openai_result(day: Day, result: OpenaiResult) -> Result<Figures, String> {
    if let Some(amount) = result.amount {
        in_dollars(&amount.currency)?;
        let cost = Some(dollars(amount.value.get().trim_matches('"'), 0)?);
        let item = result.line_item.ok_or("has costs without line_item; ask for it with group_by=line_item")?;
        return Ok(Figures { day, model: model_of(&item), tokens: None, cost });
    }
    let input = result.input_tokens.ok_or("has a result that is neither usage nor costs")?;
    let cached = result.input_cached_tokens;
    let tokens = Some(Tokens { input: input.saturating_sub(cached), cached, output: result.output_tokens });
    Ok(Figures {
        day,
        model: result.model.ok_or("has usage without model; ask for it with group_by=model")?,
        tokens,
        cost: None,
    })
}

/// `GET /v1/organizations/usage_report/messages` or `/v1/organizations/cost_report`.
pub(super) fn anthropic(text: &str) -> Result<Lines, String> {
    let (mut days, mut figures) = (Vec::new(), Vec::new());
    for bucket in parsed::<AnthropicBucket>(text)? {
        let moment = &bucket.starting_at;
        let day: Day = moment.get(..10).unwrap_or(moment).parse().map_err(|_| format!("has the day {moment:?}"))?;
        days.push(day);
        for result in bucket.results {
            figures.push(anthropic_result(day, result)?);
        }
    }
    Ok((days, figures))
}

fn anthropic_result(day: Day, result: AnthropicResult) -> Result<Figures, String> {
    if let Some(amount) = result.amount {
        in_dollars(result.currency.as_deref().unwrap_or("USD"))?;
        // Searches and code execution have no model; they are nobody's.
        let model = result.model.unwrap_or_else(|| "-".to_owned());
        return Ok(Figures { day, model, tokens: None, cost: Some(dollars(&amount, -2)?) });
    }
    let input = result.uncached_input_tokens.ok_or("has a result that is neither usage nor cost")?;
    let writes = result.cache_creation;
    let written = writes.ephemeral_5m_input_tokens.saturating_add(writes.ephemeral_1h_input_tokens);
    let (cached, output) = (result.cache_read_input_tokens, result.output_tokens);
    let tokens = Some(Tokens { input: input.saturating_add(written), cached, output });
    Ok(Figures {
        day,
        model: result.model.ok_or("has usage without model; ask for it with group_by[]=model")?,
        tokens,
        cost: None,
    })
}

fn parsed<B: DeserializeOwned>(text: &str) -> Result<Vec<B>, String> {
    let report: Result<Report<B>, _> = serde_json::from_str(text);
    report.map(|report| report.data).map_err(|error| format!("is not the report it should be: {error}"))
}

/// Refuses another currency.
pub(super) fn in_dollars(currency: &str) -> Result<(), String> {
    if currency.eq_ignore_ascii_case("usd") { Ok(()) } else { Err(format!("has amounts in {currency}, not in USD")) }
}

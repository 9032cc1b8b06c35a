//! Google's bill: rows of Cloud Billing's usage cost export about the Gemini API, as JSON or as a table. Owns which rows
//! count and how. Refuses to drop a row: what is not understood keeps its SKU's name, other services are told with their sums.

use std::collections::BTreeMap;

use farthing_actors::domain::Money;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::csv::{Line, Table};
use super::json::in_dollars;
use super::reading::{Figures, Lines, Tokens, dollars};
use super::sku::{Class, Sku};
use crate::admin::books::Day;

/// The services that are the Gemini API, by the names it has had.
const SERVICES: [&str; 2] = ["Gemini API", "Generative Language API"];
/// The unit of a row that counts tokens.
const COUNT: &str = "count";
/// The model of what Google gives back: free amounts, promotions, discounts.
const CREDITS: &str = "credits";
/// What the model of a row begins with whose SKU names none.
pub(super) const UNMAPPED: &str = "sku:";
const PICOS_PER_UNIT: i128 = 1_000_000_000_000;

/// What was billed for other services of the same account, by their names.
pub(super) type Elsewhere = BTreeMap<String, Money>;

/// A row by the names of BigQuery's schema.
#[derive(Deserialize)]
struct Row {
    service: Described,
    sku: Described,
    usage_start_time: String,
    #[serde(default)]
    usage: Option<Amount>,
    cost: Box<RawValue>,
    currency: String,
    #[serde(default)]
    credits: Option<Vec<Credit>>,
}

#[derive(Deserialize)]
struct Described {
    description: String,
}

#[derive(Deserialize)]
struct Amount {
    amount: Option<Box<RawValue>>,
    unit: Option<String>,
}

#[derive(Deserialize)]
struct Credit {
    amount: Box<RawValue>,
}

/// A row as far as it matters here.
struct Billed {
    service: String,
    sku: String,
    day: Day,
    /// How much of which unit.
    usage: Option<(String, String)>,
    cost: Money,
    credit: Money,
    currency: String,
}

/// JSON, one row in each line or all in a list, or a table with the schema's names.
pub(super) fn read(text: &str) -> Result<(Lines, Elsewhere), String> {
    let rows = match text.chars().next() {
        Some('{') => serde_json::Deserializer::from_str(text).into_iter::<Row>().map(Billed::of_json).collect(),
        Some('[') => {
            let rows: Vec<Row> = serde_json::from_str(text).map_err(|error| odd(&error))?;
            rows.into_iter().map(|row| Billed::of_json(Ok(row))).collect()
        }
        _ => Table::read(text)?.lines().map(|line| Billed::of_table(&line)).collect::<Result<Vec<_>, _>>(),
    };
    let (mut days, mut figures, mut elsewhere) = (Vec::new(), Vec::new(), Elsewhere::new());
    for row in rows? {
        if SERVICES.contains(&row.service.as_str()) {
            in_dollars(&row.currency)?;
            days.push(row.day);
            figures.extend(row.figures()?);
        } else {
            *elsewhere.entry(row.service).or_default() += row.cost + row.credit;
        }
    }
    Ok(((days, figures), elsewhere))
}

impl Billed {
    fn of_json(row: Result<Row, serde_json::Error>) -> Result<Self, String> {
        let row = row.map_err(|error| odd(&error))?;
        let credits = row.credits.unwrap_or_default();
        let usage = row.usage.and_then(|usage| Some((plain(&usage.amount?).to_owned(), usage.unit?)));
        Ok(Self {
            service: row.service.description,
            sku: row.sku.description,
            day: day(&row.usage_start_time)?,
            usage,
            cost: dollars(plain(&row.cost), 0)?,
            credit: sum(&credits)?,
            currency: row.currency,
        })
    }

    fn of_table(line: &Line<'_>) -> Result<Self, String> {
        let either = |dotted: &str, flat: &str| line.text(if line.has(dotted) { dotted } else { flat });
        let (amount, unit) = (either("usage.amount", "usage_amount")?, either("usage.unit", "usage_unit")?);
        let credits = if line.has("credits") { line.text("credits")? } else { "" };
        let credit = match credits {
            "" => Money::ZERO,
            list if list.starts_with('[') => sum(&serde_json::from_str::<Vec<Credit>>(list).map_err(|it| odd(&it))?)?,
            amount => dollars(amount, 0)?,
        };
        Ok(Self {
            service: either("service.description", "service_description")?.to_owned(),
            sku: either("sku.description", "sku_description")?.to_owned(),
            day: day(line.text("usage_start_time")?)?,
            usage: (!amount.is_empty()).then(|| (amount.to_owned(), unit.to_owned())),
            cost: dollars(line.text("cost")?, 0)?,
            credit,
            currency: line.text("currency")?.to_owned(),
        })
    }

    /// What it says of its model, and of credits.
    fn figures(self) -> Result<Vec<Figures>, String> {
        let sku = Sku::read(&self.sku);
        let tokens = match (&sku, &self.usage) {
            (Some(sku), Some((amount, unit))) if unit == COUNT => Some(sku.class.tokens(whole(amount)?)),
            _ => None,
        };
        let unmapped = || format!("{UNMAPPED}{}", self.sku.trim().to_lowercase());
        let model = sku.map_or_else(unmapped, |sku| sku.model);
        let mut figures = vec![Figures { day: self.day, model, tokens, cost: Some(self.cost) }];
        if !self.credit.is_zero() {
            let cost = Some(self.credit);
            figures.push(Figures { day: self.day, model: CREDITS.to_owned(), tokens: None, cost });
        }
        Ok(figures)
    }
}

impl Class {
    fn tokens(self, count: i64) -> Tokens {
        match self {
            Self::Input => Tokens { input: count, ..Tokens::default() },
            Self::Cached => Tokens { cached: count, ..Tokens::default() },
            Self::Output => Tokens { output: count, ..Tokens::default() },
        }
    }
}

/// A day of a moment in UTC, such as `2026-11-24 07:00:00 UTC`.
fn day(moment: &str) -> Result<Day, String> {
    moment.get(..10).and_then(|day| day.parse().ok()).ok_or_else(|| format!("has {moment:?} as usage_start_time"))
}

/// Numbers come as numbers or as texts.
fn plain(number: &RawValue) -> &str {
    number.get().trim_matches('"')
}

fn sum(credits: &[Credit]) -> Result<Money, String> {
    credits.iter().map(|credit| dollars(plain(&credit.amount), 0)).sum()
}

fn whole(amount: &str) -> Result<i64, String> {
    let picos = dollars(amount, 0)?.picos();
    let count = i64::try_from(picos / PICOS_PER_UNIT).ok().filter(|_| picos % PICOS_PER_UNIT == 0);
    count.ok_or_else(|| format!("has {amount:?} as a count of tokens"))
}

fn odd(error: &serde_json::Error) -> String {
    format!("is not a usage cost export: {error}")
}

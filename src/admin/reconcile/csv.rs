//! Tables: our own generic one, and those that OpenAI's dashboard and Anthropic's console export. Owns the columns' names. Refuses a table that
//! lacks a column it needs.

use super::reading::{Figures, Lines, Tokens, dollars};
use crate::admin::books::Day;

/// `day,model,input_tokens,cached_tokens,output_tokens,cost_usd`: `input_tokens` without the cached ones.
pub(super) fn generic(text: &str) -> Result<Lines, String> {
    let table = Table::read(text)?;
    table.figures(|row| {
        let tokens = Tokens {
            input: row.count("input_tokens")?,
            cached: row.count("cached_tokens")?,
            output: row.count("output_tokens")?,
        };
        let day = row.day("day")?;
        let cost = row.text("cost_usd")?;
        let cost = (!cost.is_empty()).then(|| dollars(cost, 0)).transpose()?;
        Ok((day, Some(Figures { day, model: row.text("model")?.to_owned(), tokens: Some(tokens), cost })))
    })
}

/// The dashboard's usage (`input_tokens` includes cached ones) or costs (`line_item` is the model and what of it).
pub(super) fn openai(text: &str) -> Result<Lines, String> {
    let table = Table::read(text)?;
    let costs = table.has("amount_value");
    table.figures(|row| {
        let day = row.day("start_time_iso")?;
        let found = if costs { row.cost(day)? } else { row.usage(day)? };
        Ok((day, found))
    })
}

/// The console's usage (`model_version`), or its costs (`model` is a name for people, one row for each class of tokens).
pub(super) fn anthropic(text: &str) -> Result<Lines, String> {
    let table = Table::read(text)?;
    let costs = table.has("cost_usd");
    table.figures(|row| {
        let day = row.day("usage_date_utc")?;
        Ok((day, Some(if costs { row.console_cost(day)? } else { row.console_usage(day)? })))
    })
}

/// A model by its name for people, such as `Claude Sonnet 4.5`, as the API spells it.
fn spelled(name: &str) -> String {
    if name.is_empty() { "-".to_owned() } else { name.to_lowercase().replace([' ', '.'], "-") }
}

/// The model of a line of OpenAI's costs, such as `gpt-4o-mini-2024-07-18, input`.
pub(super) fn model_of(item: &str) -> String {
    let model = item.split(',').next().unwrap_or(item).trim();
    if model.is_empty() { "-".to_owned() } else { model.to_owned() }
}

/// A table with a heading.
pub(super) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A row of a table.
pub(super) struct Line<'a> {
    table: &'a Table,
    number: usize,
    cells: &'a [String],
}

impl Table {
    /// The text as a table.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut rows = split(text)?.into_iter();
        let heading = rows.next().ok_or("is empty")?;
        Ok(Self { heading, rows: rows.collect() })
    }

    fn has(&self, column: &str) -> bool {
        self.heading.iter().any(|name| name == column)
    }

    /// Its rows.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.rows.iter().enumerate().map(|(index, cells)| Line { table: self, number: index + 2, cells })
    }

    fn figures(&self, read: impl Fn(&Line<'_>) -> Result<(Day, Option<Figures>), String>) -> Result<Lines, String> {
        let (mut days, mut figures) = (Vec::new(), Vec::new());
        for line in self.lines() {
            let (day, found) = read(&line)?;
            days.push(day);
            figures.extend(found);
        }
        Ok((days, figures))
    }
}

impl Line<'_> {
    /// Whether there is such a column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.table.has(column)
    }

    /// The cell of a column, without blanks around it.
    pub(super) fn text(&self, column: &str) -> Result<&str, String> {
        let index = self.table.heading.iter().position(|name| name == column);
        let index = index.ok_or_else(|| format!("has no column {column}"))?;
        Ok(self.cells.get(index).map_or("", |cell| cell.trim()))
    }

    fn count(&self, column: &str) -> Result<i64, String> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(0);
        }
        let count = text.parse().ok().filter(|count| *count >= 0);
        count.ok_or_else(|| format!("has {text:?} as {column} in line {}", self.number))
    }

    fn day(&self, column: &str) -> Result<Day, String> {
        let text = self.text(column)?;
        let day = text.get(..10).unwrap_or(text).parse();
        day.map_err(|_| format!("has {text:?} as {column} in line {}", self.number))
    }

    fn cost(&self, day: Day) -> Result<Option<Figures>, String> {
        let amount = self.text("amount_value")?;
        if amount.is_empty() {
            return Ok(None);
        }
        let (cost, model) = (Some(dollars(amount, 0)?), model_of(self.text("line_item")?));
        Ok(Some(Figures { day, model, tokens: None, cost }))
    }

    fn console_cost(&self, day: Day) -> Result<Figures, String> {
        let (cost, model) = (Some(dollars(self.text("cost_usd")?, 0)?), spelled(self.text("model")?));
        Ok(Figures { day, model, tokens: None, cost })
    }

    fn console_usage(&self, day: Day) -> Result<Figures, String> {
        let written = ["usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h"];
        let mut input = self.count("usage_input_tokens_no_cache")?;
        for column in written {
            input = input.saturating_add(self.count(column)?);
        }
        let (cached, output) = (self.count("usage_input_tokens_cache_read")?, self.count("usage_output_tokens")?);
        let (tokens, model) = (Some(Tokens { input, cached, output }), self.text("model_version")?.to_owned());
        Ok(Figures { day, model, tokens, cost: None })
    }

    fn usage(&self, day: Day) -> Result<Option<Figures>, String> {
        let model = self.text("model")?.to_owned();
        if model.is_empty() {
            return Ok(None);
        }
        let cached = self.count("input_cached_tokens")?;
        let input = self.count("input_tokens")?.saturating_sub(cached);
        let tokens = Some(Tokens { input, cached, output: self.count("output_tokens")? });
        Ok(Some(Figures { day, model, tokens, cost: None }))
    }
}

/// The cells of a table by RFC 4180; empty lines are passed over.
fn split(text: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut letters) = (false, text.chars().peekable());
    while let Some(letter) = letters.next() {
        match (quoted, letter) {
            (true, '"') if letters.next_if_eq(&'"').is_some() => cell.push('"'),
            (true, '"') => quoted = false,
            (true, letter) => cell.push(letter),
            (false, '"') if cell.is_empty() => quoted = true,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\n') => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (false, '\r') => {}
            (false, letter) => cell.push(letter),
        }
    }
    if quoted {
        return Err("ends within quotes".to_owned());
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    Ok(rows)
}

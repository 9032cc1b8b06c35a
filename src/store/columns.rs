//! Columns: how the domain's words are spelled in a row and read back.
//! Owns the conversions that several tables share. Refuses to guess: a value it cannot read makes the row damaged.

use std::fmt::Display;
use std::str::FromStr;

use farthing_actors::domain::{Allowed, Budget, Limits, Mode, Scope, Thresholds, WindowKind};
use serde::de::DeserializeOwned;

use super::StoreError;

/// A row being read: what a complaint about one of its values names.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) table: &'static str,
    pub(super) id: &'a str,
}

/// The columns of a budget: limit, window, time zone, the percents of which operators are told, and the mode.
pub(super) type BudgetColumns = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

impl Row<'_> {
    /// A value kept by its text form.
    pub(super) fn parse<T: FromStr<Err: Display>>(self, column: &str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.damaged(column, error))
    }

    /// A value kept as JSON.
    pub(super) fn json<T: DeserializeOwned>(self, column: &str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.damaged(column, error))
    }

    /// As [`Row::json`], where there may be none.
    pub(super) fn optional_json<T: DeserializeOwned>(
        self,
        column: &str,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.json(column, text)).transpose()
    }

    /// A number that is narrower than its column.
    pub(super) fn number<T: TryFrom<i64>>(self, column: &str, value: i64) -> Result<T, StoreError> {
        value.try_into().map_err(|_| self.damaged(column, format!("{value} is out of range")))
    }

    /// As [`Row::number`], where there may be none.
    pub(super) fn optional<T: TryFrom<i64>>(self, column: &str, value: Option<i64>) -> Result<Option<T>, StoreError> {
        value.map(|value| self.number(column, value)).transpose()
    }

    /// The budget, if the row has one.
    pub(super) fn budget(self, columns: &BudgetColumns) -> Result<Option<Budget>, StoreError> {
        match columns {
            (None, None, None, _, _) => Ok(None),
            (Some(limit), Some(window), Some(zone), warn, mode) => Ok(Some(Budget {
                limit_usd: self.parse("budget_limit", limit)?,
                window: self.parse::<WindowKind>("budget_window", window)?,
                time_zone: self.parse("budget_time_zone", zone)?,
                warn_percent: match warn {
                    Some(warn) => self.json("budget_warn", warn)?,
                    None => Thresholds::default(),
                },
                mode: self.mode("budget_mode", mode.as_deref())?,
            })),
            _ => Err(self.damaged("budget_limit", "a budget needs limit, window and time zone")),
        }
    }

    /// The mode; a row of before there was one refuses.
    fn mode(self, column: &str, mode: Option<&str>) -> Result<Mode, StoreError> {
        Ok(mode.map(|mode| self.parse(column, mode)).transpose()?.unwrap_or_default())
    }

    /// The limits.
    pub(super) fn limits(
        self,
        (rpm, tpm, concurrency): (Option<i64>, Option<i64>, Option<i64>),
        mode: Option<&str>,
    ) -> Result<Limits, StoreError> {
        Ok(Limits {
            rpm: self.optional("rpm", rpm)?,
            tpm: self.optional("tpm", tpm)?,
            concurrency: self.optional("concurrency", concurrency)?,
            mode: self.mode("limits_mode", mode)?,
        })
    }

    /// The complaint about a column.
    pub(super) fn damaged(self, column: &str, reason: impl Display) -> StoreError {
        StoreError::Damaged { row: format!("{} {}", self.table, self.id), reason: format!("{column}: {reason}") }
    }
}

/// The columns of a budget.
pub(super) fn budget_columns(budget: Option<&Budget>) -> BudgetColumns {
    let limit = budget.map(|budget| budget.limit_usd.to_string());
    let window = budget.map(|budget| budget.window.name().to_owned());
    let warn = budget.map(|budget| serde_json::json!(budget.warn_percent).to_string());
    let mode = budget.map(|budget| budget.mode.name().to_owned());
    (limit, window, budget.map(|budget| budget.time_zone.to_string()), warn, mode)
}

/// A number for a signed column. The owners refuse figures that would not fit, long before this.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A list of names as JSON.
pub(super) fn json_list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(names).to_string()
}

/// The patterns as JSON.
pub(super) fn allowed_column(allowed: &Allowed) -> String {
    json_list(allowed.0.iter().map(String::as_str))
}

/// The budgets of rows that have one, by what they limit.
pub(super) fn budgets(
    table: &'static str,
    rows: &[(String, BudgetColumns)],
) -> Result<Vec<(Scope, Budget)>, StoreError> {
    let mut budgets = Vec::with_capacity(rows.len());
    for (id, columns) in rows {
        let row = Row { table, id };
        let scope = row.parse("id", id)?;
        budgets.extend(row.budget(columns)?.map(|budget| (scope, budget)));
    }
    Ok(budgets)
}

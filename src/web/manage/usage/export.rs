//! `/api/usage/export`: usage as a file, a row for each day, project, key, model and provider, or for one of these.
//! Owns the columns and the bound. Refuses to cut a file short: one that would be too long is an error that says so.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::calendar::Interval;
use super::group::{Group, Names, sum_by};
use super::query;
use super::question::{Asked, Question, invalid, usage_query};
use super::view::{Frame, Rows, cells};
use crate::admin::AdminError;
use crate::admin::books::{Figures, Range};
use crate::store::csv;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{Operator, ReadUsage};

/// Days of one file: ten years.
const MOST_DAYS: usize = 3_660;
/// Rows of one file.
const MOST_ROWS: usize = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Csv,
    Json,
}

usage_query!(ExportQuery { format: Option<Format>, by: Option<Group> });

/// GET `/api/usage/export`.
pub async fn export(
    operator: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut asked: ExportQuery = query(&request)?;
    let question = Question::new(&gateway, &operator.who.sight, asked.shared())?;
    let groups = asked.by.as_ref().map_or(Group::ALL, std::slice::from_ref);
    let (frame, rows) = rows(&gateway, &question, groups).await?;
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let table = Table { groups, names: Names { keys: &keys, catalogue: &catalogue }, rows };
    if asked.format == Some(Format::Json) {
        return Ok(HttpResponse::Ok().json(Rows { frame, data: table.json(), next_cursor: None }));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"usage.csv\""))
        .body(table.csv()))
}

/// The ids of each row's groups, and its figures.
type Ids = Vec<(Vec<String>, Figures)>;

async fn rows(gateway: &Gateway, question: &Question, groups: &[Group]) -> Result<(Frame, Ids), Problem> {
    let ranges = ranges(question, groups)?;
    let books = gateway.admin.books();
    let behind = books.behind().await.map_err(AdminError::Store)?;
    let days = books.usage_by_subject(ranges.clone(), question.filter.clone()).await.map_err(AdminError::Store)?;
    let mut rows = Vec::new();
    for (range, subjects) in ranges.iter().zip(&days) {
        let day = question.calendar.label(range.from, Interval::Day);
        rows.extend(sum_by(groups, &day, subjects));
        if rows.len() > MOST_ROWS {
            return Err(invalid("from", format!("a file has at most {MOST_ROWS} rows; ask for less at a time")));
        }
    }
    Ok((Frame::new(question, behind), rows))
}

/// The days of the range, or all of it at once where days are not told apart.
fn ranges(question: &Question, groups: &[Group]) -> Result<Vec<Range>, Problem> {
    if !groups.contains(&Group::Day) {
        return Ok(vec![question.range]);
    }
    let days = question.calendar.points(question.range, Interval::Day, None).take(MOST_DAYS + 1);
    let days: Vec<_> = days.collect();
    if days.len() > MOST_DAYS {
        return Err(invalid("from", format!("a file has at most {MOST_DAYS} days; ask for less at a time")));
    }
    Ok(days)
}

/// What is to be written.
struct Table<'a> {
    groups: &'a [Group],
    names: Names<'a>,
    rows: Ids,
}

impl Table<'_> {
    fn csv(&self) -> String {
        let groups = self.groups.iter().flat_map(|group| group.columns()).copied();
        let heads = groups.chain(cells(&Figures::default()).map(|(column, _)| column));
        let mut text = csv::line(heads.map(str::to_owned));
        for (ids, figures) in &self.rows {
            let words = self.words(ids).into_iter().map(|(_, words)| csv::text(&words));
            text.push_str(&csv::line(words.chain(cells(figures).map(|(_, cell)| cell.to_string()))));
        }
        text
    }

    fn json(&self) -> Vec<Value> {
        self.rows.iter().map(|(ids, figures)| self.object(ids, figures)).collect()
    }

    fn object(&self, ids: &[String], figures: &Figures) -> Value {
        let words = self.words(ids).into_iter().map(|(column, words)| (column.to_owned(), json!(words)));
        let figures = cells(figures).map(|(column, cell)| (column.to_owned(), json!(cell)));
        Value::Object(words.chain(figures).collect::<Map<_, _>>())
    }

    /// The columns of the row's groups and what stands in them.
    fn words(&self, ids: &[String]) -> Vec<(&'static str, String)> {
        let cells = self.groups.iter().zip(ids).flat_map(|(group, id)| {
            let name = self.names.of(*group, id).unwrap_or_default();
            group.columns().iter().copied().zip([id.clone(), name])
        });
        cells.collect()
    }
}

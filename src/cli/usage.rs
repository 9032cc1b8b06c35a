//! `farthing usage`: what was used and what it cost, by who or what used it. Owns the queries and the table.
//! Refuses arithmetic: every sum is the server's.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::http::{Api, query};
use super::output::{Reply, harmless};
use super::table::{Column, listed};

const BREAKDOWN: &str = "/api/usage/breakdown";
const EXPORT: &str = "/api/usage/export";
/// More pages than this are a server that never ends its list.
const MOST_PAGES: usize = 10_000;

const FIGURES: &[Column] = &[
    ("REQUESTS", "/requests"),
    ("ERRORS", "/errors"),
    ("REFUSED", "/refused"),
    ("INPUT", "/usage/input"),
    ("CACHE READ", "/usage/cache_read"),
    ("CACHE WRITE", "/usage/cache_write"),
    ("OUTPUT", "/usage/output"),
    ("REASONING", "/usage/reasoning"),
    ("COST", "/cost_usd"),
    ("ADJUSTED", "/adjustments_usd"),
];

/// See what was used and what it cost, the dearest first; of the last 30 days unless --from and --to say otherwise
#[derive(Debug, Args)]
pub(super) struct Usage {
    /// What to break it down by
    #[arg(long, value_enum, default_value_t = By::Project)]
    by: By,
    /// Only of this project, by its name or id
    #[arg(long)]
    project: Option<String>,
    /// With --project: of the projects below it too
    #[arg(long, requires = "project")]
    include_children: bool,
    /// Only of this key, by its id
    #[arg(long)]
    key: Option<String>,
    /// Only of this model, as clients name it
    #[arg(long)]
    model: Option<String>,
    /// Only at this provider, by its name or id
    #[arg(long)]
    provider: Option<String>,
    /// The first moment: a date, or a moment such as 2026-11-21T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// The first moment that counts no more; a date means its beginning
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Whose days and dates, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Answer in CSV, for spreadsheets
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Project,
    Key,
    Model,
    Provider,
    Day,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Key => "key",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Day => "day",
        }
    }

    /// What tells the rows apart: a name and an id, or an id that is the name.
    fn columns(self) -> &'static [Column] {
        match self {
            Self::Project => &[("PROJECT", "/name"), ("ID", "/id")],
            Self::Key => &[("KEY", "/name"), ("ID", "/id")],
            Self::Provider => &[("PROVIDER", "/name"), ("ID", "/id")],
            Self::Model => &[("MODEL", "/id")],
            Self::Day => &[("DAY", "/id")],
        }
    }
}

impl Usage {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        if self.csv {
            let csv = api.get_text(&query(EXPORT, &self.values("format", Some("csv".to_owned())))).await?;
            let text = lines(&csv);
            return Ok(Reply { json: json!({ "csv": text }), text });
        }
        let json = self.whole_breakdown(api).await?;
        let columns: Vec<_> = self.by.columns().iter().chain(FIGURES).copied().collect();
        Ok(listed(json, &columns, "nothing was used"))
    }

    /// Every page of the breakdown as one.
    async fn whole_breakdown(&self, api: &Api) -> Result<Value, CliError> {
        let mut rows = Vec::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let mut page = api.get(&query(BREAKDOWN, &self.values("cursor", cursor))).await?;
            if let Some(data) = page.get_mut("data").and_then(Value::as_array_mut) {
                rows.append(data);
            }
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if let (None, Some(fields)) = (&cursor, page.as_object_mut()) {
                fields.insert("data".to_owned(), json!(rows));
                return Ok(page);
            }
        }
        Err(CliError::Failed(format!("the list at {BREAKDOWN} does not end")))
    }

    /// The parameters, and one more.
    fn values(&self, name: &'static str, value: Option<String>) -> [(&'static str, Option<String>); 10] {
        [
            ("by", Some(self.by.name().to_owned())),
            ("project", self.project.clone()),
            ("include_children", self.include_children.then(|| "true".to_owned())),
            ("key", self.key.clone()),
            ("model", self.model.clone()),
            ("provider", self.provider.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("time_zone", Some(self.time_zone.clone())),
            (name, value),
        ]
    }
}

/// The lines of a file as they came, each harmless to a terminal.
fn lines(text: &str) -> String {
    text.split_inclusive("\r\n")
        .map(|line| match line.strip_suffix("\r\n") {
            Some(line) => format!("{}\r\n", harmless(line)),
            None => harmless(line),
        })
        .collect()
}

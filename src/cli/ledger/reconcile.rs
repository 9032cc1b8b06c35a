//! `farthing ledger reconcile`: a provider's export beside the books, and the approval of what it proposes.
//! Owns the table and the order of both calls; the comparison is the server's.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::http::{Api, query};
use crate::cli::output::{Reply, harmless};
use crate::cli::table::{Column, listed};

const COLUMNS: &[Column] = &[
    ("DAY", "/day"),
    ("MODEL", "/model"),
    ("INPUT", "/difference/input_tokens"),
    ("CACHED", "/difference/cached_tokens"),
    ("OUTPUT", "/difference/output_tokens"),
    ("OURS", "/ours/cost_usd"),
    ("THEIRS", "/theirs/cost_usd"),
    ("DIFFERENCE", "/difference/cost_usd"),
];

/// Compare a provider's usage export with the books, by model and day; tokens are shown as theirs less ours
///
/// Books nothing, unless --approve is given: then one adjustment for each day and model whose dollars differ.
#[derive(Debug, Args)]
pub(super) struct Reconcile {
    /// The export
    file: PathBuf,
    /// How it is written: docs/reconcile.md
    #[arg(long, value_enum)]
    format: Form,
    /// Whose it is, by id or name
    #[arg(long)]
    provider: String,
    /// Who is charged what the books lack, by id or name
    #[arg(long)]
    project: Option<String>,
    /// Book what is proposed
    #[arg(long, requires = "project")]
    approve: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Openai,
    Anthropic,
    Gemini,
    Csv,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Csv => "csv",
        }
    }
}

impl Reconcile {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let unread = CliError::io(format!("cannot read {}", self.file.display()));
        let export = std::fs::read(&self.file).map_err(unread)?;
        let values = [
            ("format", Some(self.format.name().to_owned())),
            ("provider", Some(self.provider.clone())),
            ("project", self.project.clone()),
        ];
        let found = api.post_text(&query("/api/ledger/reconcile", &values), export).await?;
        let list = |name: &str| found.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let (rows, proposals) = (list("rows"), list("proposals"));
        let mut booked = Vec::new();
        for proposal in proposals.iter().filter(|_| self.approve) {
            booked.push(api.post("/api/ledger/adjustments", proposal).await?);
        }
        let table = listed(json!({ "data": rows }), COLUMNS, "neither side has anything").text;
        let others: String = list("other_services").iter().map(passed_over).collect();
        let agrees = found.get("agrees").and_then(Value::as_bool).unwrap_or(false);
        let verdict = if agrees { "the books agree with the provider" } else { "the books differ from the provider" };
        let count = format!("{} proposed, {} booked", proposals.len(), booked.len());
        let json = json!({ "comparison": found, "booked": booked });
        Ok(Reply { text: format!("{table}{others}{verdict}; adjustments: {count}\n"), json })
    }
}

/// A line for a service that is not compared.
fn passed_over(service: &Value) -> String {
    let text = |name: &str| harmless(service.get(name).and_then(Value::as_str).unwrap_or("-"));
    format!("not compared: ${} for {}\n", text("cost_usd"), text("name"))
}

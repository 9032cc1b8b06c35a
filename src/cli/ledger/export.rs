//! `farthing ledger export`: every line of the books, from the database itself. Owns where it is written.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::app::{self, ExportOrder};
use crate::cli::error::CliError;
use crate::cli::output::{self, Progress, Reply};
use crate::cli::server;
use crate::config::Sources;
use crate::store::day::Day;
use crate::store::export::Format;

/// Write every line of the books, with all that its hash covers; also beside a running server
///
/// An outsider can compute every amount, balance and hash again from it: docs/ledger.md. An export with --from, --to or
/// --project is a part: its amounts can be checked, its chain cannot.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// In which form
    #[arg(long, value_enum, default_value = "csv")]
    format: Form,
    /// From this day on (UTC), such as 2026-11-01
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// Up to this day (UTC), included
    #[arg(long, value_name = "DAY")]
    to: Option<Day>,
    /// Only what this project's keys called, and what was booked on it; by name or id
    #[arg(long)]
    project: Option<String>,
    /// Where to write; standard output if absent
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Csv,
    Jsonl,
}

impl Export {
    pub(super) fn run(&self, sources: &Sources) -> Result<Option<Reply>, CliError> {
        let config = server::for_reading(sources)?;
        let order = self.order();
        let Some(path) = &self.output else {
            app::export(&config, &order, &mut output::print)?;
            return Ok(None);
        };
        let unwritten = || CliError::io(format!("cannot write {}", path.display()));
        let mut file = create(path).map_err(unwritten())?;
        let (mut shown, mut bytes) = (Progress::default(), 0_u64);
        let done = app::export(&config, &order, &mut |text| {
            bytes = bytes.saturating_add(u64::try_from(text.len()).unwrap_or(0));
            shown.tell(&format!("{} MiB written", bytes >> 20));
            file.write_all(text.as_bytes())
        });
        shown.end();
        let lines = done?;
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(unwritten())?;
        let text = format!("{lines} lines written to {}\n", path.display());
        Ok(Some(Reply { text, json: json!({ "lines": lines, "file": path }) }))
    }

    fn order(&self) -> ExportOrder {
        let format = match self.format {
            Form::Csv => Format::Csv,
            Form::Jsonl => Format::Jsonl,
        };
        ExportOrder { format, from: self.from, to: self.to, project: self.project.clone() }
    }
}

/// The books are for their owner's eyes.
fn create(path: &Path) -> io::Result<BufWriter<std::fs::File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(BufWriter::new(file))
}

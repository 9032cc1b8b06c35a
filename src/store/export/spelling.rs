//! Spelling: a line as CSV or as JSON. Owns the heading. Refuses to change a text for good: one that a spreadsheet would run is marked
//! in CSV, and fits its hash when the mark is taken away.

use super::{ExportLine, Value};
use crate::store::csv;
use farthing_actors::domain::Money;

/// What the export calls a line that no request made.
pub(super) const ADJUSTMENT: &str = "adjustment";

/// Columns in dollars, each with the one in picodollars that it repeats.
pub(super) const DOLLARS: [(&str, &str); 2] = [("held_usd", "held"), ("amount_usd", "amount")];

/// The heading of the CSV: the columns of requests' lines in the order of their hash, those that only adjustments have,
/// the dollars, the hash.
const HEADING: &str = "seq,kind,request_id,placed_at,closed_at,key_id,project_id,scopes,model,dialect,stream,run,\
    provider_id,deployment_id,upstream_model,price_id,price,input,cache_read,cache_write_5m,cache_write_1h,output,\
    reasoning,units,tier,provenance,status,http_status,attempts,latency_ms,first_token_ms,held,amount,debit_account,\
    credit_account,route,id,booked_at,reason,actor,held_usd,amount_usd,hash";

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with a heading (RFC 4180, lines end in a line feed).
    Csv,
    /// One JSON object in each line.
    Jsonl,
}

/// Writes lines one after the other.
#[derive(Debug)]
pub struct Spelling {
    format: Format,
    begun: bool,
}

impl Spelling {
    /// Nothing is written yet.
    pub fn new(format: Format) -> Self {
        Self { format, begun: false }
    }

    /// Appends `lines` to `text`; before the first of all, the heading, even if there are none.
    pub fn append(&mut self, text: &mut String, lines: &[ExportLine]) {
        if !self.begun && self.format == Format::Csv {
            text.push_str(HEADING);
            text.push('\n');
        }
        self.begun = true;
        for line in lines {
            match self.format {
                Format::Csv => row(text, line),
                // Plain texts and numbers, which always have a JSON form.
                Format::Jsonl => text.push_str(&serde_json::to_string(line).unwrap_or_default()),
            }
            text.push('\n');
        }
    }
}

fn row(text: &mut String, line: &ExportLine) {
    for (index, column) in HEADING.split(',').enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&cell(line, column));
    }
}

fn cell(line: &ExportLine, column: &str) -> String {
    if let Some((_, picos)) = DOLLARS.iter().find(|(name, _)| *name == column) {
        return line.dollars(picos).as_ref().map(Money::to_string).unwrap_or_default();
    }
    match (column, line.value(column)) {
        ("hash", _) => line.hash(),
        ("kind", _) => line.kind.clone(),
        (_, Some(Value::Text(text))) => csv::text(text),
        (_, Some(Value::Number(number) | Value::Picos(number))) => number.to_string(),
        (_, Some(Value::Absent) | None) => String::new(),
    }
}

//! Reconcile: a provider's own figures beside the books, for each day in UTC and each model.
//! Owns the comparison and the adjustments it proposes. Refuses to book: an operator approves a proposal by posting it.

mod csv;
mod gemini;
mod json;
mod reading;
mod sku;

use std::collections::BTreeMap;

use farthing_actors::domain::{AdjustmentId, Money, ProviderId};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::books::Day;
use super::{Admin, AdminError};
use crate::store::charged::{Charged, RECONCILE};
use gemini::UNMAPPED;
pub use reading::{Figures, Layout, Statement, Tokens};

/// What to compare with what.
#[derive(Debug)]
pub struct Comparison {
    /// How the export is written.
    pub layout: Layout,
    /// Whose it is, by id or name.
    pub provider: String,
    /// Who is charged what the books lack, by id or name; without it nothing is proposed.
    pub project: Option<String>,
    /// The export.
    pub export: String,
}

/// The books beside the provider's figures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reconciliation {
    /// The provider.
    pub provider: String,
    /// The first day the export covers.
    pub first_day: Day,
    /// The last.
    pub last_day: Day,
    /// Whether there is no difference.
    pub agrees: bool,
    /// Every day and model that either side has.
    pub rows: Vec<Row>,
    /// What the export says was charged for services that are not compared.
    pub other_services: Vec<Service>,
    /// One adjustment for each row whose dollars differ, as `POST /api/ledger/adjustments` takes it.
    pub proposals: Vec<Proposal>,
}

/// A service that the provider charges for and that no call through here is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Service {
    name: String,
    cost_usd: Money,
}

/// One day of one model. What the export does not say is null.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    day: Day,
    model: String,
    /// Whether the provider charges for something that could not be assigned to a model; `model` is then its name for it.
    unmapped: bool,
    ours: Side,
    theirs: Side,
    /// Theirs less ours.
    difference: Side,
}

/// Tokens and dollars of one side.
#[derive(Debug, Serialize, JsonSchema)]
struct Side {
    input_tokens: Option<i64>,
    cached_tokens: Option<i64>,
    output_tokens: Option<i64>,
    cost_usd: Option<Money>,
}

/// An adjustment that would settle a difference.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Proposal {
    id: AdjustmentId,
    account: String,
    amount_usd: Money,
    reason: String,
    provider: String,
}

impl Admin {
    /// Compares the provider's export with the books. Books nothing.
    ///
    /// # Errors
    /// If the export cannot be read, or the provider or project is not known.
    pub async fn reconcile(&self, asked: Comparison) -> Result<Reconciliation, AdminError> {
        let found = self.find_provider(&asked.provider);
        let provider = found.ok_or_else(|| AdminError::absent("provider", &asked.provider))?;
        let project =
            asked.project.map(|wanted| self.find_project(&wanted).ok_or_else(|| AdminError::absent("project", wanted)));
        let account = project.transpose()?.map(|project| project.id.to_string());
        let statement =
            reading::read(asked.layout, &asked.export).map_err(|reason| AdminError::invalid("export", reason))?;
        let ours = self.books().charged(provider.id, (statement.first, statement.last)).await?;
        let rows = rows(ours, statement.figures, asked.layout);
        let service = |(name, cost_usd)| Service { name, cost_usd };
        let proposals = account.map(|account| {
            rows.iter().filter_map(|row| Proposal::new(row, (provider.id, &provider.name), &account)).collect()
        });
        Ok(Reconciliation {
            provider: provider.name.clone(),
            first_day: statement.first,
            last_day: statement.last,
            agrees: rows.iter().all(|row| row.difference.is_nothing()),
            rows,
            other_services: statement.elsewhere.into_iter().map(service).collect(),
            proposals: proposals.unwrap_or_default(),
        })
    }
}

/// A model under one name on both sides: providers report a dated version where the books have what was asked for.
fn canonical(model: &str) -> String {
    let name = model.trim().trim_start_matches("models/").to_lowercase();
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<_> = name.split('-').collect();
    let kept = match parts.as_slice() {
        [kept @ .., year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => kept,
        [kept @ .., date] if digits(date, 8) => kept,
        all => all,
    };
    if kept.is_empty() { name } else { kept.join("-") }
}

/// As [`canonical`], but Google's bill does not tell previews and numbered versions from what they are versions of.
fn undated(model: &str) -> String {
    let name = canonical(model);
    if name.starts_with(UNMAPPED) {
        return name;
    }
    let name = name.split_once("-preview").map_or(name.as_str(), |(name, _)| name);
    let number = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let version = name.rsplit_once('-').filter(|(_, last)| number(last));
    version.map_or(name, |(name, _)| name).to_owned()
}

fn rows(ours: Vec<Charged>, theirs: Vec<Figures>, layout: Layout) -> Vec<Row> {
    let named = if layout == Layout::Gemini { undated } else { canonical };
    let mut sides: BTreeMap<(Day, String), (Figures, Option<Figures>)> = BTreeMap::new();
    let says = (theirs.iter().any(|it| it.tokens.is_some()), theirs.iter().any(|it| it.cost.is_some()));
    for line in ours {
        let tokens = Tokens { input: line.input, cached: line.cached, output: line.output };
        let key = (line.day, named(&line.model));
        let blank = || (Figures::nothing(line.day, &key.1, (true, true)), None);
        let side = sides.entry(key.clone()).or_insert_with(blank);
        side.0.add(Some(tokens), Some(line.cost));
    }
    for line in theirs {
        let key = (line.day, named(&line.model));
        let blank = || (Figures::nothing(line.day, &key.1, (true, true)), None);
        let side = sides.entry(key.clone()).or_insert_with(blank);
        side.1.get_or_insert_with(|| Figures::nothing(line.day, &key.1, says)).add(line.tokens, line.cost);
    }
    sides
        .into_iter()
        .map(|((day, model), (ours, theirs))| {
            let theirs = theirs.unwrap_or_else(|| Figures::nothing(day, &model, says));
            let difference = Figures {
                tokens: theirs.tokens.zip(ours.tokens).map(|(theirs, ours)| theirs.less(ours)),
                cost: theirs.cost.zip(ours.cost).map(|(theirs, ours)| theirs - ours),
                ..theirs.clone()
            };
            let unmapped = model.starts_with(UNMAPPED);
            Row { day, model, unmapped, ours: ours.into(), theirs: theirs.into(), difference: difference.into() }
        })
        .collect()
}

impl Proposal {
    fn new(row: &Row, (provider, name): (ProviderId, &str), account: &str) -> Option<Self> {
        let amount_usd = row.difference.cost_usd.filter(|amount| !amount.is_zero())?;
        let reason = format!("{RECONCILE}{} {}", row.day, row.model);
        // The same difference has the same id, so that approving it twice books it once.
        let facts = format!("{provider} {account} {reason} {:?} {:?}", row.ours.cost_usd, row.theirs.cost_usd);
        let digest: [u8; 32] = Sha256::digest(facts.as_bytes()).into();
        let id = digest.iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let (id, account) = (AdjustmentId::from_u128(id), account.to_owned());
        Some(Self { id, account, amount_usd, reason, provider: name.to_owned() })
    }
}

impl Side {
    fn is_nothing(&self) -> bool {
        let tokens = [self.input_tokens, self.cached_tokens, self.output_tokens];
        tokens.iter().all(|count| count.unwrap_or(0) == 0) && self.cost_usd.unwrap_or_default().is_zero()
    }
}

impl From<Figures> for Side {
    fn from(figures: Figures) -> Self {
        let count = |of: fn(&Tokens) -> i64| figures.tokens.as_ref().map(of);
        Self {
            input_tokens: count(|it| it.input),
            cached_tokens: count(|it| it.cached),
            output_tokens: count(|it| it.output),
            cost_usd: figures.cost,
        }
    }
}

#[cfg(test)]
mod tests;

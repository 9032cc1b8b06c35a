//! `/costs`: what was spent by day, how near budgets are to their limit and where they will end, what each model charges, and
//! what providers' caches saved. Owns what is on it and what one may ask. Refuses to add up calls: sums are rollups.

mod budgets;
mod burn;
mod prices;
mod projection;
mod savings;
mod spend;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{Money, Permission, Timestamp};
use farthing_actors::ledger::hold::Balance;
use serde::Deserialize;

use super::chart::Chart;
use super::page;
use super::shell::Shell;
use super::shown::{self, Amount, Moment};
use super::visitor::Visitor;
use crate::admin::AdminError;
use crate::admin::books::{Figures, Range, SubjectName, UsageFilter};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadUsage;
use budgets::{Budgets, Kept, kept};
use burn::{Burn, counted};
use prices::Prices;
use savings::Savings;
use spend::{By, Spend, days};

/// How many days can be asked for; the second unless another is.
const DAYS: [u32; 3] = [7, 30, 90];
const USUAL_DAYS: u32 = 30;

#[derive(Template)]
#[template(path = "costs/page.html")]
struct CostsPage {
    shell: Shell,
    time: Moment,
    behind: Option<String>,
    asked: Asked,
    days: [u32; 3],
    spend: Spend,
    budgets: Budgets,
    burn: Option<Chart>,
    savings: Savings,
    prices: Prices,
    may_manage: bool,
}

/// What one may ask; what is not understood is the usual.
#[derive(Debug, Deserialize)]
pub struct Query {
    days: Option<String>,
    by: Option<String>,
    /// The project or key whose budget is drawn.
    budget: Option<String>,
}

struct Asked {
    days: u32,
    by: By,
    budget: Option<String>,
}

impl From<Query> for Asked {
    fn from(query: Query) -> Self {
        let days = query.days.and_then(|days| days.parse().ok()).filter(|days| DAYS.contains(days));
        let by = if query.by.as_deref() == Some("model") { By::Model } else { By::Project };
        Self { days: days.unwrap_or(USUAL_DAYS), by, budget: query.budget.filter(|budget| !budget.is_empty()) }
    }
}

/// GET `/costs`.
///
/// # Errors
/// If the ledger or the books do not answer.
pub async fn show(
    visitor: Visitor<ReadUsage>,
    gateway: web::Data<Gateway>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::from(query.into_inner());
    let now = gateway.clock.now();
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let (days, kept) = (days(now, asked.days), kept(&keys, now));
    let (sums, balances) = tokio::join!(sums(&gateway, &days), balances(&gateway, &kept));
    let ((behind, sums), balances) = (sums?, balances?);
    let mut budgets = Budgets::new(&kept, &balances, now);
    let drawn = budgets.drawn(&kept, asked.budget.as_deref());
    let drawn = drawn.and_then(|place| Some((kept.get(place)?, balances.get(place)?.as_ref()?)));
    let page = CostsPage {
        shell: visitor.shell(),
        time: now.into(),
        behind: (behind > 0).then(|| shown::count(behind)),
        spend: Spend::new(&days, &sums, asked.by, &keys),
        burn: burn(&gateway, drawn, now).await?,
        budgets,
        savings: Savings::new(&together(sums), &catalogue),
        prices: Prices::new(&catalogue),
        may_manage: visitor.may(Permission::ManageModels),
        days: DAYS,
        asked,
    };
    page::render(StatusCode::OK, &page)
}

type Sums = BTreeMap<SubjectName, Figures>;

/// What everybody used on each day, and how many finished calls are not counted yet.
async fn sums(gateway: &Gateway, days: &[Range]) -> Result<(u64, Vec<Sums>), Problem> {
    let books = gateway.admin.books();
    let behind = books.behind().await.map_err(AdminError::Store)?;
    let sums = books.usage_by_subject(days.to_vec(), UsageFilter::default()).await;
    Ok((behind, sums.map_err(AdminError::Store)?))
}

async fn balances(gateway: &Gateway, kept: &[Kept]) -> Result<Vec<Option<Balance>>, Problem> {
    Ok(gateway.admin.balances(kept.iter().map(|kept| kept.scope).collect()).await?)
}

/// The chart of a budget, if its window has an end.
async fn burn(gateway: &Gateway, drawn: Option<(&Kept, &Balance)>, now: Timestamp) -> Result<Option<Chart>, Problem> {
    let Some((kept, burn)) = drawn.and_then(|(kept, balance)| Some((kept, Burn::new(balance, now)?))) else {
        return Ok(None);
    };
    let counted = counted(kept.scope, &gateway.admin.keys());
    let sums = gateway.admin.books().usage(burn.begun(), counted).await.map_err(AdminError::Store)?;
    Ok(Some(burn.chart(&kept.name, &sums)))
}

fn together(sums: Vec<Sums>) -> Sums {
    let mut all = Sums::new();
    for (subject, figures) in sums.into_iter().flatten() {
        *all.entry(subject).or_default() += figures;
    }
    all
}

/// Money on an axis.
fn dollars(picos: i128) -> String {
    Amount::from(Money::from_picos(picos)).short
}

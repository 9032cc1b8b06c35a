//! Usage: what was used over time, of which class, how well and how fast it went, and by whom. Owns what is on the page.
//! Refuses to scan lines: it asks the rollups what `/api/usage/*` asks.

mod charts;
mod tables;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::Timestamp;
use serde::Deserialize;

use self::charts::{Points, latency_charts, usage_charts};
use self::tables::{Breakdown, Latency, Summary, breakdown, latencies};
use super::chart::Chart;
use super::filters::Filters;
use super::page;
use super::requests::{Choices, or_refused};
use super::shell::Shell;
use super::shown::Moment;
use super::visitor::Visitor;
use crate::admin::AdminError;
use crate::admin::books::Range;
use crate::store::StoreError;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadUsage;
use crate::web::extract::who::Sight;
use crate::web::manage::list::Page;
use crate::web::manage::usage::calendar::Interval;
use crate::web::manage::usage::group::Group;
use crate::web::manage::usage::latency::{Timed, timed};
use crate::web::manage::usage::question::{Asked, Question};
use crate::web::manage::usage::ranges;

/// Points of a chart: a year of days, and no more than can be told apart.
const MOST_POINTS: u32 = 366;
const HOUR_MS: u64 = 3_600_000;

/// What the form asks: what `/api/usage/series` and `/breakdown` take together.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageQuery {
    project: Option<String>,
    include_children: Option<bool>,
    key: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    from: Option<String>,
    to: Option<String>,
    time_zone: Option<String>,
    by: Option<Group>,
    interval: Option<Interval>,
}

#[derive(Template)]
#[template(path = "usage/page.html")]
struct UsagePage {
    shell: Shell,
    filters: Filters,
    choices: Choices,
    field: String,
    refused: Option<Problem>,
    from: Moment,
    to: Moment,
    behind: u64,
    /// Whether finer points were asked for than are drawn.
    is_coarser: bool,
    /// Whether the range has more points than are drawn.
    is_cut: bool,
    summary: Summary,
    charts: Vec<Chart>,
    breakdown: Breakdown,
    latency: Option<Latency>,
    /// What an export of the same asks.
    export: String,
    spans: Vec<(&'static str, String)>,
}

impl UsagePage {
    /// Whether the span that `href` leads to is the one shown.
    fn is_asked(&self, href: &str) -> bool {
        let day = self.from.iso.split('T').next().unwrap_or_default();
        self.filters.get("to").is_empty() && href.contains(&format!("from={day}"))
    }
}

/// What is asked, ready to be asked.
struct Wish {
    question: Question,
    by: Group,
    interval: Interval,
    /// Whether finer points were asked for than fit.
    is_coarser: bool,
    /// Whether latencies are of what is asked: they are kept for providers alone.
    is_timed: bool,
}

/// What the books answered.
struct Told {
    points: Points,
    timed: Option<Timed>,
    behind: u64,
    is_cut: bool,
}

/// GET `/usage`.
///
/// # Errors
/// If the books do not answer. What cannot be asked is shown at the form, above the last thirty days.
pub async fn show(
    visitor: Visitor<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (sight, filters) = (&visitor.who.sight, Filters::of(&request));
    let (wish, refused) = or_refused(filters.query().and_then(|query| Wish::new(&gateway, sight, query)))?;
    let status = if refused.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let wish = wish.map_or_else(|| Wish::new(&gateway, sight, UsageQuery::default()), Ok)?;
    let told = wish.ask(&gateway).await?;
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let mut charts = usage_charts(&told.points, wish.by, &keys, &catalogue);
    charts.extend(told.timed.as_ref().map(|timed| latency_charts(timed, &told.points.times)).into_iter().flatten());
    let rest = filters.without("by").without("interval");
    let page = UsagePage {
        shell: visitor.shell(),
        choices: Choices::new(sight, &keys, &catalogue),
        field: refused.as_ref().and_then(|problem| problem.param.clone()).unwrap_or_default(),
        refused,
        from: wish.question.range.from.into(),
        to: wish.question.range.to.into(),
        behind: told.behind,
        is_coarser: wish.is_coarser,
        is_cut: told.is_cut,
        summary: Summary::new(&told.points.total(), told.timed.as_ref()),
        charts,
        breakdown: breakdown(&told.points, wish.by, &keys, &catalogue),
        latency: told.timed.as_ref().map(|timed| latencies(timed, &catalogue)),
        export: rest.with("by", wish.by.columns().last().copied().unwrap_or_default()).address(),
        spans: spans(&wish.question, gateway.clock.now(), &filters),
        filters,
    };
    page::render(status, &page)
}

impl Wish {
    fn new(gateway: &Gateway, sight: &Sight, query: UsageQuery) -> Result<Self, Problem> {
        let is_of_some = query.project.is_some() || query.key.is_some() || query.model.is_some();
        let (by, interval) = (query.by.unwrap_or(Group::Project), query.interval);
        let asked = Asked {
            project: query.project,
            include_children: query.include_children,
            key: query.key,
            model: query.model,
            provider: query.provider,
            from: query.from,
            to: query.to,
            time_zone: query.time_zone,
        };
        let question = Question::new(gateway, sight, asked)?;
        let wished = interval.filter(|interval| fits(question.range, *interval));
        let (is_coarser, interval) = (wished != interval, wished.unwrap_or_else(|| fitting(question.range)));
        Ok(Self { question, by, interval, is_coarser, is_timed: !is_of_some && *sight == Sight::All })
    }

    async fn ask(&self, gateway: &Gateway) -> Result<Told, Problem> {
        let page = Page::<i64>::new(Some(MOST_POINTS), None)?;
        let (ranges, next) = ranges(&self.question, self.interval, &page);
        let behind = gateway.admin.books().behind().await.map_err(AdminError::Store)?;
        let times = ranges.iter().map(|range| charts::words(&self.question.calendar, range.from, self.interval));
        let times = times.collect();
        let timed = match self.is_timed {
            true => Some(timed(gateway, &self.question, self.interval, &page).await?),
            false => None,
        };
        let points = self.points(gateway, times, ranges).await.map_err(AdminError::Store)?;
        Ok(Told { points, timed, behind, is_cut: next.is_some() })
    }

    /// Days of UTC are rows of the rollups for every group; those of another zone are sums of so many quarters that only
    /// the sums over everybody are asked for each.
    async fn points(
        &self,
        gateway: &Gateway,
        times: Vec<(String, String)>,
        ranges: Vec<Range>,
    ) -> Result<Points, StoreError> {
        let (books, filter) = (gateway.admin.books(), || self.question.filter.clone());
        if self.question.calendar.is_utc() {
            return Ok(Points::of_groups(times, books.usage_by_subject(ranges, filter()).await?));
        }
        let ends = ranges.first().zip(ranges.last()).map(|(first, last)| Range { from: first.from, to: last.to });
        let whole = books.usage_by_subject(ends.into_iter().collect(), filter()).await?;
        let figures = books.usage(ranges, filter()).await?;
        Ok(Points { times, figures, by_subject: Vec::new(), whole: whole.into_iter().next().unwrap_or_default() })
    }
}

/// Points as long as makes some dozens of them.
fn fitting(range: Range) -> Interval {
    match range.to.millis_since(range.from) / HOUR_MS {
        0..=72 => Interval::Hour,
        73..=3_000 => Interval::Day,
        _ => Interval::Month,
    }
}

/// Whether so many points can be drawn.
fn fits(range: Range, interval: Interval) -> bool {
    let hours = range.to.millis_since(range.from) / HOUR_MS;
    let most = u64::from(MOST_POINTS);
    match interval {
        Interval::Hour => hours <= most,
        Interval::Day => hours / 24 < most,
        Interval::Month => true,
    }
}

/// The usual ranges, each with the address that asks for it and for all else that is asked now.
fn spans(question: &Question, now: Timestamp, filters: &Filters) -> Vec<(&'static str, String)> {
    let spans = [("Today", 0), ("7 days", 6), ("30 days", 29), ("90 days", 89)];
    let address = |days: i64| {
        let from = question.calendar.label(question.calendar.days_before(now, days), Interval::Day);
        format!("/usage?{}", filters.without("to").with("from", &from).address())
    };
    spans.into_iter().map(|(name, days)| (name, address(days))).collect()
}

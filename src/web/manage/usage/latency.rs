//! GET `/api/usage/latency`: how long calls took, over time and by provider. Owns the shapes on the wire.
//! Refuses averages, which hide the calls that people remember.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calendar::Interval;
use super::group::{Group, Names};
use super::question::{Asked, Question};
use super::view::{Frame, Rows};
use super::{POINTS, Page, query, ranges, rfc3339};
use crate::admin::AdminError;
use crate::admin::books::{Latencies, Range, Steps};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{Operator, ReadUsage};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LatencyQuery {
    provider: Option<String>,
    from: Option<String>,
    to: Option<String>,
    time_zone: Option<String>,
    interval: Option<Interval>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Milliseconds that so many of a hundred calls did not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Percentiles {
    pub(in crate::web) p50: u64,
    pub(in crate::web) p90: u64,
    pub(in crate::web) p99: u64,
}

/// What is told of some calls: how many, how long they took, and those that were streamed until their first token.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct LatencyView {
    pub(in crate::web) calls: u64,
    pub(in crate::web) latency_ms: Option<Percentiles>,
    pub(in crate::web) first_token_ms: Option<Percentiles>,
}

/// A point of the series.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LatencyPoint {
    start: String,
    end: String,
    label: String,
    #[serde(flatten)]
    view: LatencyView,
}

/// A provider over all points of the page; without a name, one that is gone.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProviderLatency {
    id: String,
    name: Option<String>,
    #[serde(flatten)]
    view: LatencyView,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LatencyPage {
    #[serde(flatten)]
    points: Rows<LatencyPoint>,
    providers: Vec<ProviderLatency>,
}

/// A page of points, each with what providers did in it.
pub(in crate::web) struct Timed {
    pub(in crate::web) points: Vec<(Range, BTreeMap<String, Latencies>)>,
    pub(in crate::web) next_cursor: Option<String>,
    pub(in crate::web) behind: u64,
}

/// GET `/api/usage/latency`: every hour, day or month of the range, those without calls too.
pub async fn latency(
    _: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: LatencyQuery = query(&request)?;
    let interval = asked.interval.unwrap_or(Interval::Day);
    let page = Page::<i64>::new(Some(asked.limit.unwrap_or(POINTS)), asked.cursor.as_deref())?;
    let shared = Asked {
        provider: asked.provider,
        from: asked.from,
        to: asked.to,
        time_zone: asked.time_zone,
        ..Asked::default()
    };
    // Only those who see every project come here.
    let question = Question::new(&gateway, &crate::web::extract::who::Sight::All, shared)?;
    let timed = timed(&gateway, &question, interval, &page).await?;
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let names = Names { keys: &keys, catalogue: &catalogue };
    let data = timed.points.iter().map(|(range, providers)| LatencyPoint {
        start: rfc3339(range.from),
        end: rfc3339(range.to),
        label: question.calendar.label(range.from, interval),
        view: (&together(providers.values())).into(),
    });
    let points = Rows {
        frame: Frame::new(&question, timed.behind),
        data: data.collect(),
        next_cursor: timed.next_cursor.clone(),
    };
    let providers = timed.by_provider().into_iter().map(|(id, latencies)| ProviderLatency {
        name: names.of(Group::Provider, &id),
        id,
        view: (&latencies).into(),
    });
    Ok(HttpResponse::Ok().json(LatencyPage { points, providers: providers.collect() }))
}

/// How long calls took, point by point.
pub(in crate::web) async fn timed(
    gateway: &Gateway,
    question: &Question,
    interval: Interval,
    page: &Page<i64>,
) -> Result<Timed, Problem> {
    let (points, next_cursor) = ranges(question, interval, page);
    let books = gateway.admin.books();
    let behind = books.behind().await.map_err(AdminError::Store)?;
    let sums = books.latencies(points.clone(), question.filter.provider).await.map_err(AdminError::Store)?;
    Ok(Timed { points: points.into_iter().zip(sums).collect(), next_cursor, behind })
}

impl Timed {
    /// What each provider did in all points.
    pub(in crate::web) fn by_provider(&self) -> BTreeMap<String, Latencies> {
        let mut sums: BTreeMap<String, Latencies> = BTreeMap::new();
        for (id, latencies) in self.points.iter().flat_map(|(_, providers)| providers) {
            sums.entry(id.clone()).or_default().merge(latencies);
        }
        sums
    }
}

/// The sum of them.
pub(in crate::web) fn together<'a>(all: impl Iterator<Item = &'a Latencies>) -> Latencies {
    let mut sum = Latencies::default();
    all.for_each(|latencies| sum.merge(latencies));
    sum
}

impl Percentiles {
    /// `None` without calls.
    fn of(steps: &Steps) -> Option<Self> {
        Some(Self { p50: steps.percentile(50)?, p90: steps.percentile(90)?, p99: steps.percentile(99)? })
    }
}

impl From<&Latencies> for LatencyView {
    fn from(latencies: &Latencies) -> Self {
        Self {
            calls: latencies.whole.count(),
            latency_ms: Percentiles::of(&latencies.whole),
            first_token_ms: Percentiles::of(&latencies.first_token),
        }
    }
}

//! `/api/usage/*`: what was used, as one sum, as a series in time, by who or what used it, and as a file.
//! Owns which of them takes which parameters. Refuses to scan the books: everything is read from the ledger's rollups.

pub(in crate::web) mod calendar;
mod export;
pub(in crate::web) mod group;
pub(in crate::web) mod latency;
pub(in crate::web) mod question;
pub(in crate::web) mod view;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::Timestamp;

use self::calendar::Interval;
use self::group::{Group, Names, sum_by};
pub use self::latency::latency;
pub(crate) use self::latency::{LatencyPage, LatencyQuery};
use self::question::{Asked, Question, usage_query};
use self::view::Frame;
pub(crate) use self::view::{Point, Rows, Share, Summary};
use super::list::{Page, query};
use super::rfc3339;
use crate::admin::AdminError;
use crate::admin::books::{Figures, Range};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{Operator, ReadUsage};
pub(crate) use export::ExportQuery;
pub use export::export;

/// A series' page unless another length is asked for: a month of hours.
const POINTS: u32 = 744;
/// A breakdown's page unless another length is asked for.
const SHARES: u32 = 100;

usage_query!(SummaryQuery {});
usage_query!(SeriesQuery { interval: Option<Interval>, limit: Option<u32>, cursor: Option<String> });
usage_query!(BreakdownQuery { by: Group, limit: Option<u32>, cursor: Option<String> });

/// GET `/api/usage/summary`.
pub async fn summary(
    operator: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let question = Question::new(&gateway, &operator.who.sight, query::<SummaryQuery>(&request)?.shared())?;
    let (frame, sums) = sums(&gateway, &question, vec![question.range]).await?;
    let figures = sums.first().copied().unwrap_or_default();
    Ok(HttpResponse::Ok().json(Summary { frame, figures: (&figures).into() }))
}

/// GET `/api/usage/series`: every hour, day or month of the range, those without usage too.
pub async fn series(
    operator: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut asked: SeriesQuery = query(&request)?;
    let question = Question::new(&gateway, &operator.who.sight, asked.shared())?;
    let interval = asked.interval.unwrap_or(Interval::Day);
    let page = Page::<i64>::new(Some(asked.limit.unwrap_or(POINTS)), asked.cursor.as_deref())?;
    let (frame, points, next_cursor) = points(&gateway, &question, interval, &page).await?;
    let data = points.iter().map(|(range, figures)| Point {
        start: rfc3339(range.from),
        end: rfc3339(range.to),
        label: question.calendar.label(range.from, interval),
        figures: figures.into(),
    });
    Ok(HttpResponse::Ok().json(Rows { frame, data: data.collect(), next_cursor }))
}

/// GET `/api/usage/breakdown`: the dearest first, or day after day.
pub async fn breakdown(
    operator: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut asked: BreakdownQuery = query(&request)?;
    let question = Question::new(&gateway, &operator.who.sight, asked.shared())?;
    let limit = Some(asked.limit.unwrap_or(SHARES));
    if asked.by == Group::Day {
        let page = Page::<i64>::new(limit, asked.cursor.as_deref())?;
        let (frame, points, next_cursor) = points(&gateway, &question, Interval::Day, &page).await?;
        let id = |range: &Range| Some(question.calendar.label(range.from, Interval::Day));
        let data = points.iter().map(|(range, figures)| Share { id: id(range), name: None, figures: figures.into() });
        return Ok(HttpResponse::Ok().json(Rows { frame, data: data.collect(), next_cursor }));
    }
    let page = Page::<Place>::new(limit, asked.cursor.as_deref())?;
    let (frame, shares) = shares(&gateway, &question, asked.by).await?;
    let (shares, next_cursor) = page.cut(shares.into_iter(), |(place, _)| place.clone());
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let names = Names { keys: &keys, catalogue: &catalogue };
    let data = shares.into_iter().map(|(Place { id, .. }, figures)| Share {
        name: names.of(asked.by, &id),
        id: Some(id).filter(|id| !id.is_empty()),
        figures: (&figures).into(),
    });
    Ok(HttpResponse::Ok().json(Rows { frame, data: data.collect(), next_cursor }))
}

/// The sum over each of `ranges`.
async fn sums(gateway: &Gateway, question: &Question, ranges: Vec<Range>) -> Result<(Frame, Vec<Figures>), Problem> {
    let books = gateway.admin.books();
    let behind = books.behind().await.map_err(AdminError::Store)?;
    let sums = books.usage(ranges, question.filter.clone()).await.map_err(AdminError::Store)?;
    Ok((Frame::new(question, behind), sums))
}

/// One page of points, and where the next one begins.
pub(in crate::web) fn ranges(
    question: &Question,
    interval: Interval,
    page: &Page<i64>,
) -> (Vec<Range>, Option<String>) {
    let points = question.calendar.points(question.range, interval, page.after.map(Timestamp));
    page.close(points, |point| point.from.0)
}

/// One page of points with their sums, and where the next one begins.
async fn points(
    gateway: &Gateway,
    question: &Question,
    interval: Interval,
    page: &Page<i64>,
) -> Result<(Frame, Vec<(Range, Figures)>, Option<String>), Problem> {
    let (points, next) = ranges(question, interval, page);
    let (frame, sums) = sums(gateway, question, points.clone()).await?;
    Ok((frame, points.into_iter().zip(sums).collect(), next))
}

/// Everybody's share, the dearest first.
async fn shares(gateway: &Gateway, question: &Question, by: Group) -> Result<(Frame, Vec<(Place, Figures)>), Problem> {
    let books = gateway.admin.books();
    let behind = books.behind().await.map_err(AdminError::Store)?;
    let subjects = books.usage_by_subject(vec![question.range], question.filter.clone()).await;
    let subjects = subjects.map_err(AdminError::Store)?.pop().unwrap_or_default();
    let place = |(ids, figures): (Vec<String>, Figures)| {
        let saving = figures.cost.picos().saturating_neg();
        (Place { saving, id: ids.concat() }, figures)
    };
    let mut shares: Vec<_> = sum_by(&[by], "", &subjects).into_iter().map(place).collect();
    shares.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok((Frame::new(question, behind), shares))
}

/// A row's place in a breakdown: the dearest first, equals by their ids. Text form: the cursor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The cost, negative.
    saving: i128,
    id: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.saving, self.id)
    }
}

impl std::str::FromStr for Place {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let read = |(saving, id): (&str, &str)| Some(Self { saving: saving.parse().ok()?, id: id.to_owned() });
        text.split_once(':').and_then(read).ok_or_else(|| Problem::plain(Code::InvalidValue))
    }
}

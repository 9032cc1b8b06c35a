//! `/api/requests`: what happened, call by call. Owns the shape of a line of the books on the wire.
//! Refuses content: neither prompts nor answers are in the books.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{
    CallStatus, Dialect, KeyId, LineKind, Money, Price, PriceId, ProjectId, Provenance, ProviderId, RequestId, Scope,
    ServiceTier, Timestamp, Units, Usage,
};
use farthing_actors::keyring::ring::Keys;
use farthing_actors::ledger::Call;
use farthing_actors::registry::catalogue::Catalogue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys::seen_project_id;
use super::list::{List, Page, query};
use super::usage::question::{calendar, invalid, key_id, moments, provider};
use super::{id, rfc3339};
use crate::admin::AdminError;
use crate::admin::books::{Found, Line, RequestFilter};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{Operator, ReadUsage};
use crate::web::extract::who::Sight;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestsQuery {
    project: Option<String>,
    key: Option<String>,
    run: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    status: Option<CallStatus>,
    from: Option<String>,
    to: Option<String>,
    time_zone: Option<String>,
    search: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// One line. Names are of today; what has gone meanwhile is shown by its id.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RequestView {
    id: RequestId,
    time: String,
    project: String,
    project_id: ProjectId,
    key: KeyId,
    key_name: Option<String>,
    model: String,
    provider: Option<String>,
    provider_id: Option<ProviderId>,
    upstream_model: Option<String>,
    dialect: Dialect,
    stream: bool,
    status: CallStatus,
    http_status: u16,
    usage: UsageView,
    usage_source: &'static str,
    usage_detail: String,
    cost_usd: Money,
    held_usd: Money,
    /// Whether it cost more than had been set aside.
    overrun: bool,
    run: Option<String>,
    unpriced: bool,
    /// Whether it was answered by what an earlier request was given.
    cached: bool,
    attempts: u16,
    latency_ms: u64,
    first_token_ms: Option<u64>,
}

/// A page of lines, and how many finished calls are not in the database yet and so on no page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RequestsPage {
    #[serde(flatten)]
    list: List<RequestView>,
    /// Set where the page ends because enough was looked at: up to when. `next_cursor` goes on from there.
    searched_to: Option<String>,
    behind: u64,
}

/// A page of lines as the books have them.
#[derive(Default)]
pub(in crate::web) struct Listed {
    pub(in crate::web) lines: Vec<Line>,
    pub(in crate::web) next_cursor: Option<String>,
    /// When the last call was booked that was not looked at.
    pub(in crate::web) searched_to: Option<Timestamp>,
    pub(in crate::web) behind: u64,
}

/// Disjoint classes; cache writes of both lifetimes together.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageView {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
    /// What is not text, where there is any.
    #[serde(flatten)]
    units: Units,
    /// Where it is not the usual one.
    #[serde(skip_serializing_if = "ServiceTier::is_standard")]
    tier: ServiceTier,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DetailView {
    #[serde(flatten)]
    request: RequestView,
    scopes: Vec<Scope>,
    /// Why it went where it went: a text for each decision.
    route: Vec<String>,
    price: Option<PriceView>,
    entries: Vec<EntryView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PriceView {
    version: PriceId,
    rates: Price,
}

/// One line of the ledger about the request: an attempt, the last attempt, or a correction.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EntryView {
    seq: i64,
    kind: LineKind,
    debit: KeyId,
    credit: ProviderId,
    upstream_model: String,
    price_version: Option<PriceId>,
    usage: Usage,
    usage_detail: String,
    status: CallStatus,
    http_status: u16,
    attempt: u16,
    amount_usd: Money,
    time: String,
}

/// GET `/api/requests`: newest first.
pub async fn list(
    operator: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Listed { lines, next_cursor, searched_to, behind } =
        listed(&gateway, &operator.who.sight, query(&request)?).await?;
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let data = lines.iter().map(|line| RequestView::new(line, &keys, &catalogue)).collect();
    let searched_to = searched_to.map(rfc3339);
    Ok(HttpResponse::Ok().json(RequestsPage { list: List { data, next_cursor }, searched_to, behind }))
}

/// A page of lines, newest first.
pub(in crate::web) async fn listed(gateway: &Gateway, sight: &Sight, asked: RequestsQuery) -> Result<Listed, Problem> {
    let (filter, page) = filter(gateway, sight, asked)?;
    let books = gateway.admin.books();
    let behind = books.behind().await.map_err(AdminError::Store)?;
    let Found { lines, stopped } = books.requests(filter).await.map_err(AdminError::Store)?;
    let (lines, next) = page.close(lines.into_iter(), |line: &Line| line.seq);
    // A page that is full ends there, whatever was looked at beyond.
    let stopped = stopped.filter(|_| next.is_none());
    let next_cursor = next.or(stopped.map(|stopped| stopped.before_seq.to_string()));
    Ok(Listed { lines, next_cursor, searched_to: stopped.map(|stopped| stopped.at), behind })
}

/// GET `/api/requests/{id}`.
pub async fn show(
    operator: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let line = gateway.admin.books().request(id("request", &path)?).await.map_err(AdminError::Store)?;
    let line = line.filter(|line| operator.who.sight.sees(line.entry.call.project));
    let line = line.ok_or_else(|| AdminError::absent("request", &path))?;
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    Ok(HttpResponse::Ok().json(DetailView::new(&line, &operator.who.sight, (&keys, &catalogue))))
}

/// What to ask of the books: one line more than fits on the page, to know whether there is a next.
fn filter(gateway: &Gateway, sight: &Sight, asked: RequestsQuery) -> Result<(RequestFilter, Page<i64>), Problem> {
    let page = Page::<i64>::new(asked.limit, asked.cursor.as_deref())?;
    let project = asked.project.map(|wanted| seen_project_id(gateway, sight, &wanted)).transpose()?;
    let calendar = calendar(asked.time_zone.as_deref())?;
    let (from, to) = moments(&calendar, asked.from.as_deref(), asked.to.as_deref())?;
    let filter = RequestFilter {
        project: of_one(sight, project)?,
        key: asked.key.as_deref().map(key_id).transpose()?,
        run: asked.run,
        model: asked.model,
        provider: asked.provider.map(|wanted| provider(gateway, sight, &wanted)).transpose()?,
        status: asked.status,
        from,
        to,
        longest: Some(longest_call(&gateway.admin.catalogue())),
        id: asked.search.map(beginning).transpose()?,
        before_seq: page.after,
        limit: i64::from(page.limit).saturating_add(1),
    };
    Ok((filter, page))
}

/// How long a call can take: as many attempts as are made at the slowest provider, and an hour for everything else.
pub(super) fn longest_call(catalogue: &Catalogue) -> Duration {
    let slowest = catalogue.providers().map(|provider| provider.timeouts.total()).max().unwrap_or_default();
    slowest.saturating_mul(3).saturating_add(Duration::from_secs(60 * 60))
}

/// A request's id or its beginning.
fn beginning(text: String) -> Result<String, Problem> {
    let rest = RequestId::PREFIX.strip_prefix(&text).map(|_| "").or(text.strip_prefix(RequestId::PREFIX));
    let is_id = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    match rest {
        Some(rest) if is_id(rest) => Ok(text),
        _ => Err(invalid("search", "search must be a request's id or its beginning, such as req_0199")),
    }
}

/// The project asked for. Whoever sees some projects only asks for one of them at a time.
fn of_one(sight: &Sight, asked: Option<ProjectId>) -> Result<Option<ProjectId>, Problem> {
    match (sight, asked) {
        (Sight::All, asked) | (_, asked @ Some(_)) => Ok(asked),
        (Sight::Projects(own), None) if own.len() == 1 => Ok(own.first().copied()),
        (Sight::Projects(_), None) => {
            Err(Problem::new(Code::MissingField, "project must name one of the projects you see").at("project"))
        }
    }
}

impl RequestView {
    fn new(line: &Line, keys: &Keys, catalogue: &Catalogue) -> Self {
        let entry = &line.entry;
        let (call, outcome, target) = (&entry.call, line.outcome(), entry.target.as_ref());
        let provider = target.map(|target| target.provider);
        let cached = outcome.provenance == Provenance::Cached;
        Self {
            id: call.request,
            time: rfc3339(call.placed_at),
            project: keys.project(call.project).map_or_else(|| call.project.to_string(), |found| found.name.clone()),
            project_id: call.project,
            key: call.key,
            key_name: keys.key(call.key).map(|found| found.key.name.clone()),
            model: call.model.to_string(),
            provider: provider.map(|id| catalogue.provider_name(id)),
            provider_id: provider,
            upstream_model: target.map(|target| target.upstream_model.to_string()),
            dialect: call.dialect,
            stream: call.stream,
            status: outcome.status,
            http_status: outcome.http_status,
            usage: outcome.usage.into(),
            usage_source: outcome.provenance.family(),
            usage_detail: outcome.provenance.to_string(),
            cost_usd: line.cost(),
            held_usd: entry.held,
            overrun: entry.is_overrun(),
            run: call.run.as_deref().map(ToOwned::to_owned),
            unpriced: !cached && target.is_some_and(|target| target.price.is_none()),
            cached,
            attempts: outcome.attempts,
            latency_ms: outcome.latency_ms,
            first_token_ms: outcome.first_token_ms,
        }
    }
}

impl DetailView {
    /// The projects above theirs that somebody does not see were charged, too, and are not named.
    fn new(line: &Line, sight: &Sight, (keys, catalogue): (&Keys, &Catalogue)) -> Self {
        let entry = &line.entry;
        let price = entry.target.as_ref().and_then(|target| target.price.clone());
        let mut lines: Vec<_> = line.beside.iter().chain([line]).collect();
        lines.sort_by_key(|line| line.seq);
        let seen = |scope: &Scope| !matches!(scope, Scope::Project(id) if !sight.sees(*id));
        Self {
            request: RequestView::new(line, keys, catalogue),
            scopes: entry.call.scopes.iter().copied().filter(seen).collect(),
            route: story(&entry.call),
            price: price.map(|price| PriceView { version: price.0, rates: price.1.clone() }),
            entries: lines.into_iter().filter_map(EntryView::new).collect(),
        }
    }
}

impl EntryView {
    /// `None` for a refusal, which moves nothing.
    fn new(line: &Line) -> Option<Self> {
        let entry = &line.entry;
        let target = entry.target.as_ref()?;
        Some(Self {
            seq: line.seq,
            kind: entry.kind,
            debit: entry.call.key,
            credit: target.provider,
            upstream_model: target.upstream_model.to_string(),
            price_version: target.price.as_deref().map(|(id, _)| *id),
            usage: entry.outcome.usage,
            usage_detail: entry.outcome.provenance.to_string(),
            status: entry.outcome.status,
            http_status: entry.outcome.http_status,
            attempt: entry.outcome.attempts,
            amount_usd: entry.amount,
            time: rfc3339(entry.closed_at),
        })
    }
}

/// Why it went where it went; where nothing was decided, that says it too.
pub(in crate::web) fn story(call: &Call) -> Vec<String> {
    let named = || vec![format!("explicit {}", call.model)];
    call.route.as_deref().map_or_else(named, |route| route.lines().map(ToOwned::to_owned).collect())
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
            output: usage.output,
            reasoning: usage.reasoning,
            units: usage.units,
            tier: usage.tier,
        }
    }
}

#[cfg(test)]
mod tests;

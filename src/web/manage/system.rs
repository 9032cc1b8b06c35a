//! `/api/system`: how the gateway is, for operators. Owns the shapes.
//! Refuses secrets: of settings that hold one there is only whether it is given, and lines of the log are scrubbed.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::health::{BackupHealthView, EncryptionHealthView, TlsHealthView};
use super::list::{List, query};
use super::rfc3339;
use crate::background;
use crate::config::Listed;
use crate::logging;
use crate::security::scrub;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{Operator, ViewSystem};
use crate::web::metrics::Process;
use crate::web::probes;

const USUAL_LINES: usize = 100;
const MOST_LINES: usize = 1_000;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HealthView {
    /// `ok`, `degraded` or `stopping`.
    pub(crate) status: &'static str,
    pub(crate) version: &'static str,
    pub(crate) started_at: String,
    pub(crate) uptime_s: u64,
    /// The owners of state that are away.
    pub(crate) missing: Vec<&'static str>,
    /// `ok`, or why it admits no call.
    pub(crate) ledger: String,
    /// Finished calls that are only in the journal yet.
    pub(crate) database_behind: u64,
    pub(crate) audit: AuditHealth,
    pub(crate) backup: BackupHealthView,
    pub(crate) encryption: EncryptionHealthView,
    /// Null where TLS is not spoken here.
    pub(crate) tls: Option<TlsHealthView>,
    pub(crate) actors: Vec<ActorView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditHealth {
    /// `ok`, `failing` (what it lacks is in the database and follows) or `off`.
    pub(crate) file: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ActorView {
    pub(crate) name: &'static str,
    pub(crate) alive: bool,
    /// Questions that wait for it.
    pub(crate) waiting: usize,
    /// How often it was replaced.
    pub(crate) restarts: u64,
    /// Questions it was asked and things it was told since the process began.
    pub(crate) messages: u64,
    /// When the last one that was replaced died.
    pub(crate) died_at: Option<String>,
    /// Why: what its panic said and where, or that it stopped itself.
    pub(crate) last_error: Option<String>,
    /// How long it has done nothing.
    pub(crate) silent_ms: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FiguresView {
    pub(crate) resident_bytes: Option<u64>,
    /// Seconds of the processor.
    pub(crate) cpu_seconds: Option<String>,
    pub(crate) open_files: Option<usize>,
    pub(crate) most_files: Option<u64>,
    pub(crate) in_flight: usize,
    pub(crate) most_in_flight: usize,
    pub(crate) database_behind: u64,
    /// Answers by HTTP status.
    pub(crate) requests: Map<String, Value>,
    pub(crate) failed_sign_ins: u64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogsQuery {
    level: Option<Level>,
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
}

/// The least weight of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SettingView {
    pub(crate) key: &'static str,
    /// What was given; null where the default holds.
    pub(crate) value: Option<String>,
    pub(crate) default: &'static str,
    /// `file`, `environment` or `default`.
    pub(crate) source: &'static str,
    pub(crate) secret: bool,
}

/// GET `/api/system/health`.
pub async fn health(_: Operator<ViewSystem>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(HealthView::of(&gateway).await))
}

/// GET `/api/system/actors`.
pub async fn actors(_: Operator<ViewSystem>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(List { data: views(&gateway), next_cursor: None }))
}

/// GET `/api/system/metrics`.
pub async fn figures(_: Operator<ViewSystem>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(FiguresView::of(&gateway).await))
}

/// GET `/api/system/logs`: the newest first.
pub async fn logs(_: Operator<ViewSystem>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(List { data: lines(query(&request)?).await?, next_cursor: None }))
}

/// GET `/api/system/settings`.
pub async fn settings(_: Operator<ViewSystem>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(List { data: SettingView::all(&gateway), next_cursor: None }))
}

/// The latest lines of the log, the newest first.
///
/// # Errors
/// 400 if too many are asked for.
pub(crate) async fn lines(asked: LogsQuery) -> Result<Vec<Value>, Problem> {
    let limit = asked.limit.unwrap_or(USUAL_LINES);
    if !(1..=MOST_LINES).contains(&limit) {
        let message = format!("limit must be between 1 and {MOST_LINES}");
        return Err(Problem::new(Code::InvalidValue, message).at("limit"));
    }
    let lines = background::run(logging::recent).await.map_err(|_| Problem::plain(Code::Internal))?;
    let read = |line: &Vec<u8>| serde_json::from_str::<Value>(&scrub(std::str::from_utf8(line).ok()?)).ok();
    let is_asked = |line: &Value| asked.level.is_none_or(|least| weight(line) <= least);
    Ok(lines.iter().rev().filter_map(read).filter(is_asked).take(limit).collect())
}

impl LogsQuery {
    /// The least weight of a line, as it is written; empty for all.
    pub(crate) fn level_name(&self) -> &'static str {
        match self.level {
            Some(Level::Error) => "error",
            Some(Level::Warn) => "warn",
            Some(Level::Info) => "info",
            Some(Level::Debug) => "debug",
            Some(Level::Trace) => "trace",
            None => "",
        }
    }
}

impl HealthView {
    /// How the gateway is.
    pub(crate) async fn of(gateway: &Gateway) -> Self {
        let state = probes::state(gateway).await;
        let file = gateway.admin.audit_file().map_or("off", |(_, fails)| if fails { "failing" } else { "ok" });
        Self {
            status: state.status,
            version: env!("CARGO_PKG_VERSION"),
            started_at: rfc3339(gateway.tally.started()),
            uptime_s: gateway.tally.up(&gateway.clock).as_secs(),
            missing: state.missing.unwrap_or_default(),
            ledger: state.ledger,
            database_behind: state.database_behind,
            audit: AuditHealth { file },
            backup: BackupHealthView::of(gateway).await,
            encryption: EncryptionHealthView::of(gateway).await,
            tls: TlsHealthView::of(gateway),
            actors: views(gateway),
        }
    }
}

impl FiguresView {
    /// The figures of the process.
    pub(crate) async fn of(gateway: &Gateway) -> Self {
        let process = background::run(Process::read).await.unwrap_or_default();
        let requests = gateway.tally.by_status().map(|(status, count)| (status.to_string(), count.into()));
        Self {
            resident_bytes: process.resident,
            cpu_seconds: process.cpu(),
            open_files: process.open_files,
            most_files: process.most_files,
            in_flight: gateway.tasks.running(),
            most_in_flight: gateway.max_in_flight,
            database_behind: gateway.admin.books().waiting(),
            requests: requests.collect(),
            failed_sign_ins: gateway.tally.failed_sign_ins(),
        }
    }
}

impl SettingView {
    /// Every setting, without secrets.
    pub(crate) fn all(gateway: &Gateway) -> Vec<Self> {
        gateway.settings.load().iter().map(Self::from).collect()
    }
}

fn views(gateway: &Gateway) -> Vec<ActorView> {
    let vitals = gateway.vitals.iter().map(|vitals| vitals());
    vitals
        .map(|vitals| ActorView {
            name: vitals.name,
            alive: vitals.alive,
            waiting: vitals.waiting,
            restarts: vitals.restarts,
            messages: vitals.messages,
            died_at: vitals.died_at.map(rfc3339),
            last_error: vitals.died_of.map(|why| scrub(&why).into_owned()),
            silent_ms: crate::relay::millis(vitals.silent),
        })
        .collect()
}

/// How heavy a line is; one that does not say is the lightest.
fn weight(line: &Value) -> Level {
    Level::deserialize(&line["level"]).unwrap_or(Level::Trace)
}

impl From<&Listed> for SettingView {
    fn from(listed: &Listed) -> Self {
        Self {
            key: listed.key,
            value: listed.value.as_deref().map(|value| scrub(&without_user(value)).into_owned()),
            default: listed.default,
            source: listed.source,
            secret: listed.is_secret,
        }
    }
}

/// A URL without who asks and with which password.
fn without_user(value: &str) -> String {
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    let end = rest.find('/').unwrap_or(rest.len());
    match rest.split_at_checked(end).and_then(|(authority, path)| Some((authority.rsplit_once('@')?.1, path))) {
        Some((host, path)) if !scheme.is_empty() => format!("{scheme}://****@{host}{path}"),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_url_is_shown_without_its_user() {
        for (url, shown) in [
            ("https://ann:pw@example.com/x@y", "https://****@example.com/x@y"),
            ("https://example.com/a@b", "https://example.com/a@b"),
            ("ann@example.com", "ann@example.com"),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }

    #[test]
    fn heavier_lines_pass_lighter_ones_do_not() {
        assert!(weight(&json!({"level": "error"})) < weight(&json!({"level": "info"})));
        assert_eq!(weight(&json!({})), Level::Trace);
    }
}

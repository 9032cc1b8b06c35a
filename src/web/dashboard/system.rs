//! System: how the gateway is, what its process uses, its owners of state, its backups, its log and its settings.
//! Owns what is on the page. Refuses secrets: everything shown is the API's own view, and the log's lines are scrubbed there.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::Permission;
use serde_json::Value;

use super::page;
use super::shell::Shell;
use super::shown::{self, Moment};
use super::visitor::Visitor;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ViewSystem;
use crate::web::manage::backups::{BackupVerdictView, BackupView, BackupsView};
use crate::web::manage::list::query;
use crate::web::manage::system::{FiguresView, HealthView, LogsQuery, SettingView, lines};

const MEBIBYTE: u64 = 1 << 20;

#[derive(Template)]
#[template(path = "system/page.html")]
struct SystemPage {
    shell: Shell,
    can_back_up: bool,
    health: HealthView,
    tone: &'static str,
    started: Moment,
    up: String,
    figures: FiguresView,
    memory: Option<String>,
    statuses: Vec<(String, String)>,
    listeners: String,
    backups: Vec<BackupRow>,
    unreadable: Vec<BackupVerdictView>,
    level: String,
    log: Vec<LogLine>,
    settings: Vec<SettingView>,
}

/// One backup.
struct BackupRow {
    view: BackupView,
    made: Moment,
    size: String,
    entries: String,
}

/// One line of the log.
struct LogLine {
    time: Moment,
    level: String,
    tone: &'static str,
    message: String,
    rest: String,
}

/// GET `/system`: `?level=` is the least weight of the lines of the log.
///
/// # Errors
/// If the level is none.
pub async fn show(
    visitor: Visitor<ViewSystem>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: LogsQuery = query(&request)?;
    let level = asked.level_name().to_owned();
    let (health, figures, log) = tokio::join!(HealthView::of(&gateway), FiguresView::of(&gateway), lines(asked));
    // What cannot be read is told beside the figures.
    let BackupsView { data: backups, unreadable, .. } = gateway.admin.backups().await.unwrap_or_default().into();
    let page = SystemPage {
        shell: visitor.shell(),
        can_back_up: visitor.may(Permission::ManageBackups),
        tone: if health.status == "ok" { "good" } else { "bad" },
        started: Moment::read(&health.started_at),
        up: duration(health.uptime_s),
        memory: figures.resident_bytes.map(size),
        statuses: figures.requests.iter().map(|(status, count)| (status.clone(), shown::count(count))).collect(),
        listeners: shown::count(gateway.feed.listeners()),
        backups: backups.into_iter().map(BackupRow::new).collect(),
        unreadable,
        level,
        log: log?.iter().map(LogLine::new).collect(),
        settings: SettingView::all(&gateway),
        health,
        figures,
    };
    page::render(StatusCode::OK, &page)
}

impl BackupRow {
    fn new(view: BackupView) -> Self {
        let (made, size, entries) = (Moment::read(&view.created_at), size(view.bytes), shown::count(view.entries));
        Self { view, made, size, entries }
    }
}

impl LogLine {
    fn new(line: &Value) -> Self {
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let level = text("level");
        let tone = match level.as_str() {
            "error" => "bad",
            "warn" => "fair",
            _ => "plain",
        };
        let fields = line.as_object().into_iter().flatten();
        let rest = fields.filter(|(name, _)| !["time", "level", "message", "target"].contains(&name.as_str()));
        let rest = rest.map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        });
        let rest = rest.collect::<Vec<_>>().join("  ");
        Self { time: Moment::read(&text("time")), level, tone, message: text("message"), rest }
    }
}

/// `3 d 4 h`, `4 h 12 min`, `12 min`, `40 s`.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// `17.3 MiB`, `812 KiB`.
fn size(bytes: u64) -> String {
    if bytes < MEBIBYTE {
        return format!("{} KiB", bytes.div_ceil(1_024));
    }
    format!("{}.{} MiB", shown::count(bytes / MEBIBYTE), bytes % MEBIBYTE * 10 / MEBIBYTE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_and_sizes_read_well() {
        assert_eq!([40, 720, 15_120, 273_600].map(duration), ["40 s", "12 min", "4 h 12 min", "3 d 4 h"]);
        assert_eq!([1, 2_048, 18_140_365].map(size), ["1 KiB", "2 KiB", "17.3 MiB"]);
    }

    #[test]
    fn a_line_of_the_log_shows_its_fields_behind_its_message() {
        let line = json!({
            "time": "2026-11-21T12:00:00.000Z", "level": "warn", "message": "hello", "target": "farthing::x",
            "count": 3, "why": "a b",
        });
        let line = LogLine::new(&line);
        assert_eq!((line.time.text.as_str(), line.tone), ("2026-11-21 12:00:00 UTC", "fair"));
        assert_eq!((line.message.as_str(), line.rest.as_str()), ("hello", "count=3  why=a b"));
    }
}

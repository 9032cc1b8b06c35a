//! `/api/ledger/entries`: every line of the books with all that its hash covers: a list in pages (newest first), or the
//! whole as CSV or JSON Lines (oldest first), streamed. Owns the streaming. Refuses to hold more than a page of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_core::Stream;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::admin::AdminError;
use crate::admin::books::{Day, ExportLine, Format, Place, Span, Spelling};
use crate::store::StoreError;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{Operator, ReadUsage};
use crate::web::manage::keys::project_id;
use crate::web::manage::list::{List, Page, query};
use crate::web::manage::requests::longest_call;

/// Lines that are read at once for a stream.
const CHUNK: i64 = 500;
/// Chunks that wait for a slow reader.
const AHEAD: usize = 2;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntriesQuery {
    format: Option<String>,
    from: Option<Day>,
    to: Option<Day>,
    project: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// GET `/api/ledger/entries`.
pub async fn list(
    _: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: EntriesQuery = query(&request)?;
    let project = asked.project.as_deref().map(|wanted| project_id(&gateway, wanted)).transpose()?;
    let span = Span { from: asked.from, to: asked.to, project, longest: None };
    match asked.format.as_deref() {
        None | Some("json") => {
            let longest = Some(longest_call(&gateway.admin.catalogue()));
            page(&gateway, Span { longest, ..span }, &asked).await
        }
        Some("csv") => stream(gateway, span, &asked, Format::Csv),
        Some("jsonl") => stream(gateway, span, &asked, Format::Jsonl),
        Some(_) => Err(Problem::new(Code::InvalidValue, "format must be json, jsonl or csv").at("format")),
    }
}

async fn page(gateway: &Gateway, span: Span, asked: &EntriesQuery) -> Result<HttpResponse, Problem> {
    let page = Page::<i64>::new(asked.limit, asked.cursor.as_deref())?;
    let place = Place::Before(page.after.unwrap_or(i64::MAX));
    let lines = gateway.admin.books().lines(span, place, i64::from(page.limit).saturating_add(1)).await;
    let (data, next_cursor) = page.close(lines.map_err(AdminError::Store)?.into_iter(), |line: &ExportLine| line.seq);
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// The lines after the cursor, as many as the limit says; all without one.
fn stream(
    gateway: web::Data<Gateway>,
    span: Span,
    asked: &EntriesQuery,
    format: Format,
) -> Result<HttpResponse, Problem> {
    let cursor = Page::<i64>::new(None, asked.cursor.as_deref())?.after.unwrap_or(0);
    let left = asked.limit.map_or(i64::MAX, i64::from);
    let (sender, receiver) = mpsc::channel(AHEAD);
    let tasks = gateway.tasks.clone();
    tasks.spawn(async move { carry(&gateway, Carried { span, cursor, left, format }, &sender).await });
    let (kind, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"ledger.csv\""),
        Format::Jsonl => ("application/x-ndjson; charset=utf-8", "attachment; filename=\"ledger.jsonl\""),
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, kind)).insert_header((CONTENT_DISPOSITION, name));
    Ok(response.streaming(Chunks(receiver)))
}

struct Carried {
    span: Span,
    cursor: i64,
    left: i64,
    format: Format,
}

/// Reads chunk after chunk until the lines, or the reader's patience, are at an end.
async fn carry(gateway: &Gateway, mut it: Carried, sender: &mpsc::Sender<Result<Bytes, StoreError>>) {
    let mut spelling = Spelling::new(it.format);
    loop {
        let wanted = it.left.min(CHUNK);
        let lines = match gateway.admin.books().lines(it.span, Place::After(it.cursor), wanted).await {
            Ok(lines) => lines,
            Err(error) => {
                // The body breaks off, so that nobody takes a part for the whole.
                log::warn!(error:% = error; "an export breaks off");
                drop(sender.send(Err(error)).await);
                return;
            }
        };
        let count = i64::try_from(lines.len()).unwrap_or(CHUNK);
        let mut text = String::new();
        spelling.append(&mut text, &lines);
        it.cursor = lines.last().map_or(it.cursor, |line| line.seq);
        it.left -= count;
        if sender.send(Ok(text.into())).await.is_err() || count < wanted || it.left == 0 {
            return;
        }
    }
}

struct Chunks(mpsc::Receiver<Result<Bytes, StoreError>>);

impl Stream for Chunks {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(waker)
    }
}

//! The overview: money, providers, actors and the last calls on one page.
//! Owns what is on it and in which order. Refuses to decide anything: every figure is an owner's or the books'.

mod actors;
mod first_steps;
mod projects;
mod providers;
mod tiles;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::domain::Scope;

use super::calls::CallRow;
use super::names::names;
use super::page;
use super::shell::Shell;
use super::shown::Moment;
use super::visitor::Visitor;
use crate::admin::AdminError;
use crate::admin::books::{self, Line, Range, RequestFilter, UsageFilter};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadUsage;
use actors::{ActorRow, actors};
use first_steps::FirstSteps;
use projects::{ProjectRow, Projects};
use providers::{ProviderRow, providers};
use tiles::{Figures, House, Tile};

/// What the eye takes in; the page's script keeps as many.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "overview/page.html")]
struct OverviewPage {
    shell: Shell,
    first_steps: Option<FirstSteps>,
    time: Moment,
    tiles: Vec<Tile>,
    projects: Vec<ProjectRow>,
    more_projects: usize,
    providers: Vec<ProviderRow>,
    actors: Vec<ActorRow>,
    calls: Vec<CallRow>,
    names: String,
}

/// GET `/`.
///
/// # Errors
/// If the ledger or the books do not answer.
pub async fn show(visitor: Visitor<ReadUsage>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let (keys, catalogue) = (gateway.admin.keys(), gateway.admin.catalogue());
    let projects = Projects::first(&keys);
    let (balances, open_holds, lines, today) = tokio::join!(
        gateway.admin.balances(projects.shown.iter().map(|project| Scope::Project(project.id)).collect()),
        gateway.admin.open_holds(),
        last_calls(&gateway),
        today(&gateway),
    );
    let (balances, lines, today) = (balances?, lines?, today?);
    let house = House { open_holds: open_holds?, in_flight: gateway.tasks.running(), now: gateway.clock.now() };
    let figures = Figures::new((&projects, &balances), &lines, today, house);
    page::render(
        StatusCode::OK,
        &OverviewPage {
            shell: visitor.shell(),
            first_steps: FirstSteps::of(&gateway, &visitor, (&keys, &catalogue), !lines.is_empty()),
            time: gateway.clock.now().into(),
            tiles: figures.tiles(),
            more_projects: projects.more,
            projects: projects.rows(&keys, &balances),
            providers: providers(&gateway, &catalogue),
            actors: actors(&gateway),
            calls: lines.iter().take(SHOWN).map(|line| CallRow::new(line, &keys, &catalogue)).collect(),
            names: names(&keys, &catalogue),
        },
    )
}

async fn last_calls(gateway: &Gateway) -> Result<Vec<Line>, Problem> {
    let filter = RequestFilter { limit: i64::try_from(tiles::MOST).unwrap_or(i64::MAX), ..RequestFilter::default() };
    let books = gateway.admin.books();
    // A database that is slow or locked makes the page older, never absent.
    books.behind().await.map_err(AdminError::Store)?;
    Ok(books.requests(filter).await.map_err(AdminError::Store)?.lines)
}

/// What was used since midnight in UTC.
async fn today(gateway: &Gateway) -> Result<books::Figures, Problem> {
    let now = gateway.clock.now();
    let sums = gateway.admin.books().usage(vec![Range::around(now.midnight(), now)], UsageFilter::default()).await;
    Ok(sums.map_err(AdminError::Store)?.pop().unwrap_or_default())
}

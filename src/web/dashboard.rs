//! The dashboard: pages for operators, made on the server, live where a script may run and complete where none may.
//! Owns pages, their assets, and the browser's side of a session. Refuses inline code, other hosts, and any answer without
//! the headers that tell a browser so.

pub mod account;
mod agent;
pub mod assets;
pub mod audit;
pub(crate) mod budgets;
mod callers;
mod calls;
pub mod chart;
pub mod costs;
mod filters;
pub mod keys;
mod labels;
pub mod models;
mod names;
pub mod oidc;
pub mod origin;
pub mod overview;
pub mod page;
pub mod playground;
pub mod projects;
pub mod providers;
mod rates;
pub mod refusal;
pub mod requests;
pub mod samples;
pub mod sessions;
pub mod set_up;
pub mod shell;
pub mod shown;
pub mod sign_in;
pub mod system;
pub mod usage;
pub mod users;
pub mod visitor;

use actix_web::HttpResponse;

use crate::web::error::{Code, Problem};

/// The page exists, the method does not.
pub async fn wrong_method() -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::MethodNotAllowed))
}

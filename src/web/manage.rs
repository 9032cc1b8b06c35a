//! Management: JSON for operators, under `/api`. One file for each noun: its shapes on the wire, and its handlers.
//! Owns the shapes. Refuses rules and state: handlers ask the admin floor, and every one names its permission.

pub mod audit;
pub mod backups;
pub mod body;
pub mod budget;
pub mod cache;
pub mod catalogue;
pub mod groups;
pub mod health;
pub mod keys;
pub mod ledger;
pub mod list;
pub mod models;
mod prices;
pub mod projects;
pub mod providers;
pub mod requests;
pub mod routes;
pub mod runs;
pub mod secrets;
pub mod session;
pub mod sessions;
pub mod shadow;
mod strict;
pub mod system;
pub mod tokens;
pub mod usage;
pub mod users;

use actix_web::HttpResponse;
use actix_web::http::header::{ETAG, HeaderName};
use farthing_actors::domain::Timestamp;

use crate::admin::Tagged;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::Known;

/// There is nothing at this path; said only to an operator.
pub async fn unknown(_: Known) -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::NotFound))
}

/// The path exists, the method does not; said only to an operator.
pub async fn wrong_method(_: Known) -> Result<HttpResponse, Problem> {
    Err(Problem::plain(Code::MethodNotAllowed))
}

/// A moment as every answer spells it.
pub fn rfc3339(moment: Timestamp) -> String {
    moment.to_string()
}

/// The header that says which version an answer shows.
fn version(thing: &impl Tagged) -> (HeaderName, String) {
    (ETAG, thing.etag().to_string())
}

/// The object of this kind with the id in the path.
pub(in crate::web) fn id<T: std::str::FromStr>(noun: &'static str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| crate::admin::AdminError::absent(noun, text).into())
}

//! `/ws/feed`: the live feed over a WebSocket, and the one-time tickets by which programs without header or cookie open it.
//! Owns who may listen, and how many. Refuses words from clients: the feed is one way.

mod listener;
mod pace;
mod socket;
mod turn;

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::feed::SubscribeError;
use schemars::JsonSchema;
use serde::Serialize;

use super::Gateway;
use super::error::{Code, Problem};
use super::extract::operator::{Operator, ReadUsage};
use crate::admin::AdminError;
use crate::security::feed_tickets::LASTS;
use listener::{Listener, audience, holder, pass_of};

/// When whoever is one too many may come back.
const LATER: Duration = Duration::from_secs(25);

/// A ticket for one socket.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TicketView {
    /// For `/ws/feed?ticket=…`, once.
    ticket: String,
    /// How long it is good, in seconds.
    expires_in: u64,
}

/// GET `/ws/feed`.
///
/// # Errors
/// 401 for a stranger and a used ticket, 403 for another site's page or a token without the scope, 429 if the session listens
/// too often already, 503 if too many listen at all, 400 for what is no WebSocket handshake.
pub async fn open(
    listener: Listener,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    listener.redeem(&gateway).await?;
    let subscription =
        gateway.feed.subscribe(holder(&listener.pass), audience(&listener.who)).await.map_err(no_place)?;
    socket::open(gateway, (listener.pass, listener.who), subscription, (&request, payload))
}

/// POST `/api/feed/tickets`: lets somebody listen who may listen now.
///
/// # Errors
/// 403 without the permission, 503 if it cannot be recorded.
pub async fn ticket(
    operator: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    gateway.audit.record(operator.author.does("ticket.create")).await.map_err(AdminError::from)?;
    let pass = pass_of(&gateway, &request, &operator.who);
    let made = gateway.security.issue_ticket(pass, gateway.clock.now());
    let ticket = made.map_err(|error| {
        log::error!(error:%; "a ticket could not be made");
        Problem::plain(Code::Internal)
    })?;
    Ok(HttpResponse::Created().json(TicketView { ticket, expires_in: LASTS.as_secs() }))
}

fn no_place(error: SubscribeError) -> Problem {
    match error {
        SubscribeError::TooMany => Problem::new(Code::RateLimited, error.to_string()).retry_after(LATER),
        SubscribeError::Full => Problem::new(Code::Overloaded, error.to_string()).retry_after(LATER),
        SubscribeError::Actor(_) => {
            Problem::new(Code::Overloaded, error.to_string()).retry_after(Duration::from_secs(1))
        }
    }
}

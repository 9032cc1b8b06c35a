//! Listeners: by what somebody listens, and which events are for them.
//! Owns the order of checks before a socket opens. A browser must name a page that may listen, because it sends its cookie for
//! whoever asks it to. Refuses to remember rights: what somebody may is read anew whenever accounts or keys change.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use farthing_actors::domain::Permission;
use farthing_actors::feed::{Audience, Event, Holder, OneTimeTicket};

use crate::admin::sign_in::called;
use crate::admin::tokens::MANAGEMENT;
use crate::security::{Pass, Ticket};
use crate::web::Gateway;
use crate::web::dashboard::origin;
use crate::web::error::{Code, Problem};
use crate::web::extract::author::{author, remember};
use crate::web::extract::operator::ReadUsage;
use crate::web::extract::virtual_key::bearer;
use crate::web::extract::who::{Sight, Who, bearer_of, identify, session_of};
use crate::web::routes::line::Guard;
use crate::web::strangers::{Attempt, Door};

/// Where a ticket stands in the query.
const TICKET: &str = "ticket=";

/// Somebody who may listen.
pub struct Listener {
    pub(super) pass: Pass,
    pub(super) who: Who,
    ticket: Option<Ticket>,
}

/// By a session, a token or a ticket, so not an `Operator`.
impl Guard<ReadUsage> for Listener {}

impl FromRequest for Listener {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gateway = request.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal));
        ready(gateway.and_then(|gateway| admit(gateway, request)))
    }
}

impl Listener {
    /// Uses the ticket up, if it is by one that they come.
    ///
    /// # Errors
    /// 401 if it was used before.
    pub(super) async fn redeem(&self, gateway: &Gateway) -> Result<(), Problem> {
        let Some(ticket) = &self.ticket else { return Ok(()) };
        let Ticket { id, made, over, .. } = *ticket;
        match gateway.feed.redeem(OneTimeTicket { id, made, over }).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Problem::new(Code::Unauthorized, "the ticket was used; each opens one socket")),
            Err(_) => Err(Problem::plain(Code::Overloaded)),
        }
    }
}

fn admit(gateway: &web::Data<Gateway>, request: &HttpRequest) -> Result<Listener, Problem> {
    let origin = origin::of_socket(request)?;
    if let Some(ticket) = request.query_string().split('&').find_map(|part| part.strip_prefix(TICKET)) {
        return by_ticket(gateway, request, ticket);
    }
    let (_, who) = identify(request)?;
    who.allow(Permission::ViewUsage)?;
    if who.session.is_some() && origin.is_none() {
        return Err(Problem::new(Code::Forbidden, "a session is only taken together with an Origin header"));
    }
    Ok(Listener { pass: pass_of(gateway, request, &who), who, ticket: None })
}

fn by_ticket(gateway: &web::Data<Gateway>, request: &HttpRequest, presented: &str) -> Result<Listener, Problem> {
    let attempt = Attempt::begin(gateway, request, (Door::Operator, presented))?;
    let now = gateway.clock.now();
    let read = gateway.security.verify_ticket(presented, now);
    let ticket = attempt.ended(read.map_err(|error| Problem::new(Code::Unauthorized, error.to_string())))?;
    let over = || Problem::new(Code::Unauthorized, "whoever made the ticket may not listen any more");
    let who = who(&ticket.pass, gateway).ok_or_else(over)?;
    remember(request, &author(request, &name(gateway, &ticket.pass, &who), now));
    Ok(Listener { pass: ticket.pass.clone(), who, ticket: Some(ticket) })
}

fn name(gateway: &Gateway, pass: &Pass, who: &Who) -> String {
    match pass {
        Pass::Management => MANAGEMENT.to_owned(),
        Pass::Token(claims) => claims.sub.clone(),
        Pass::Session(_) => called(who.user.and_then(|id| gateway.people.get().user(id).cloned()).as_deref()),
    }
}

/// By what somebody listens who was let in.
pub(super) fn pass_of(gateway: &Gateway, request: &HttpRequest, who: &Who) -> Pass {
    if let Some(session) = who.session {
        return Pass::Session(session);
    }
    // What was good as a bearer a moment ago is either a scoped token or the management token.
    let claims = bearer(request).and_then(|token| gateway.security.verify_token(token, gateway.clock.now()).ok());
    claims.map_or(Pass::Management, |claims| Pass::Token(Box::new(claims)))
}

/// Whose sockets are counted together.
pub(super) fn holder(pass: &Pass) -> Holder {
    match pass {
        Pass::Management => Holder::Management,
        Pass::Token(claims) => Holder::Token(claims.jti),
        Pass::Session(id) => Holder::Session(*id),
    }
}

/// Whose events they hear. Projects are in the keyring's order, which is ascending.
pub(super) fn audience(who: &Who) -> Audience {
    match &who.sight {
        Sight::All => Audience::Everybody,
        Sight::Projects(projects) => Audience::Of(projects.clone()),
    }
}

/// Who somebody is now that listens by `pass`; `None` if they may not any more.
pub(super) fn who(pass: &Pass, gateway: &Gateway) -> Option<Who> {
    let who = match pass {
        Pass::Management => Some(Who::management()),
        Pass::Token(claims) => {
            let is_over = gateway.clock.now().0 >= claims.exp.saturating_mul(1_000);
            let is_revoked = gateway.keyring.load().is_revoked(claims.jti);
            if is_over || is_revoked { None } else { bearer_of(gateway, claims).ok() }
        }
        Pass::Session(id) => session_of(gateway, *id),
    };
    who.filter(|who| who.may(Permission::ViewUsage))
}

/// Whether an event is for them: of their projects, and of the gateway itself if they may see how it is.
pub(super) fn is_for(who: &Who, event: &Event) -> bool {
    let sees_all = who.sight == Sight::All;
    match event {
        Event::Usage(_) | Event::Budget(_) => event.project().map_or(sees_all, |project| who.sight.sees(project)),
        Event::Breaker(_) => sees_all && who.may(Permission::ViewSettings),
        Event::System(_) => sees_all && who.may(Permission::ViewSystem),
        Event::Lagged { .. } => true,
    }
}

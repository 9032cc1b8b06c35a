//! `/ws/feed`: the live feed over a WebSocket, one actor for each socket. All of actix-web-actors is in this file.
//! Owns who may listen and when a silent socket is closed. Refuses words from clients: the feed is one way.
//!
//! A client that reads too slowly costs no memory: its actor runs only while its connection takes bytes, so the feed drops
//! events for it and says how many.

use std::future::{Ready, ready};
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, StreamHandler, WrapFuture};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder};
use farthing_actors::domain::{Permission, SessionId};
use farthing_actors::feed::{Event, Subscription};
use farthing_actors::tasks::Stage;

use super::Gateway;
use super::dashboard::origin;
use super::error::{Code, Problem};
use super::extract::operator::ReadUsage;
use super::extract::virtual_key::bearer;
use super::extract::who::{Sight, Who, bearer_of, identify};
use super::routes::line::Guard;
use crate::security::Claims;

/// Shorter than the idle timeouts of usual proxies.
const PING_EVERY: Duration = Duration::from_secs(25);
/// Pings without an answer after which nobody is there.
const MISSES: u8 = 2;
/// A feed that is being restarted is back sooner than this.
const SUBSCRIBE_AGAIN: Duration = Duration::from_millis(500);
/// Clients send control frames only, and those are under 126 bytes.
const MAX_FRAME_BYTES: usize = 4 * 1024;
/// Every socket is told of every call; a dashboard needs one for each tab.
const MAX_LISTENERS: usize = 64;

/// How often it is looked whether a listener still may.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The code of a socket whose session or token is over.
const OVER: u16 = 4401;

/// What a socket is told that a stop closes.
const STOPPING: &str = "the gateway is stopping";

/// One socket.
struct Socket {
    gateway: web::Data<Gateway>,
    pass: Pass,
    unanswered: u8,
}

/// By what somebody listens.
enum Pass {
    Management,
    Token(Box<Claims>),
    Session(SessionId),
}

/// Somebody who may listen.
pub struct Listener(Pass);

/// From our own pages only, by a session or a token, so not an `Operator`.
impl Guard<ReadUsage> for Listener {}

impl FromRequest for Listener {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gateway = request.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal));
        ready(gateway.and_then(|gateway| admit(gateway, request)).map(Self))
    }
}

/// GET `/ws/feed`.
///
/// # Errors
/// 401 for a stranger, 403 for another site's page or a token without the scope, 503 if too many listen, 400 for what is
/// no WebSocket handshake.
pub async fn open(
    Listener(pass): Listener,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    if gateway.feed.listeners() >= MAX_LISTENERS {
        return Err(Problem::plain(Code::Overloaded).retry_after(PING_EVERY));
    }
    let socket = Socket { gateway, pass, unanswered: 0 };
    let answer = WsResponseBuilder::new(socket, &request, payload).frame_size(MAX_FRAME_BYTES).start();
    answer.map_err(|error| Problem::new(Code::InvalidValue, format!("/ws/feed speaks WebSocket only: {error}")))
}

/// Lets a listener in, and says by what. A browser must name our own origin, because it sends its cookie for whoever asks it
/// to.
fn admit(gateway: &Gateway, request: &HttpRequest) -> Result<Pass, Problem> {
    let origin = origin::own_origin(request)?;
    let (_, who) = identify(request)?;
    may_listen(&who)?;
    let Some(session) = who.session else {
        // What was good as a bearer a moment ago is either a scoped token or the management token.
        let claims = bearer(request).and_then(|token| gateway.security.verify_token(token, gateway.clock.now()).ok());
        return Ok(claims.map_or(Pass::Management, |claims| Pass::Token(Box::new(claims))));
    };
    if origin.is_none() {
        return Err(Problem::new(Code::Forbidden, "a session is only taken together with an Origin header"));
    }
    Ok(Pass::Session(session))
}

fn may_listen(who: &Who) -> Result<(), Problem> {
    who.allow(Permission::ViewUsage)?;
    if who.sight == Sight::All {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, "the feed tells of all projects, and the account sees some of them only"))
}

impl Actor for Socket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(PING_EVERY, Self::beat);
        context.run_interval(LOOK_EVERY, Self::look);
        let tasks = self.gateway.tasks.clone();
        let stopping = async move { tasks.reached(Stage::Closing).await };
        context.spawn(stopping.into_actor(self).map(|(), _, context| close(context, CloseCode::Away, STOPPING)));
        self.subscribe(context);
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Socket {
    fn handle(&mut self, message: Result<Message, ProtocolError>, context: &mut Self::Context) {
        match message {
            Ok(Message::Ping(bytes)) => context.pong(&bytes),
            Ok(Message::Pong(_)) => self.unanswered = 0,
            Ok(Message::Nop) => {}
            Ok(Message::Close(_)) => close(context, CloseCode::Normal, "goodbye"),
            Ok(Message::Text(_) | Message::Binary(_) | Message::Continuation(_)) => {
                close(context, CloseCode::Policy, "the feed takes no messages");
            }
            Err(ProtocolError::Overflow) => close(context, CloseCode::Size, "the frame is too large"),
            Err(_) => close(context, CloseCode::Protocol, "the frame could not be read"),
        }
    }
}

impl Socket {
    /// Asks for the feed; recent events come first.
    fn subscribe(&self, context: &mut WebsocketContext<Self>) {
        let feed = self.gateway.feed.clone();
        let asked = async move { feed.subscribe().await };
        context.spawn(asked.into_actor(self).map(|answer, socket, context| match answer {
            Ok(subscription) => socket.follow(subscription, context),
            Err(_) => {
                context.run_later(SUBSCRIBE_AGAIN, |socket, context| socket.subscribe(context));
            }
        }));
    }

    /// Passes the next event on, then waits for the one after it.
    fn follow(&self, mut subscription: Subscription, context: &mut WebsocketContext<Self>) {
        let next = async move { (subscription.next().await, subscription) };
        context.spawn(next.into_actor(self).map(|(event, subscription), socket, context| match event {
            Some(event) => {
                send(&event, context);
                socket.follow(subscription, context);
            }
            None => socket.subscribe(context),
        }));
    }

    /// Closes a socket whose listener may not listen any more.
    fn look(&mut self, context: &mut WebsocketContext<Self>) {
        if !self.pass.is_good(&self.gateway) {
            close(context, CloseCode::Other(OVER), "the session is over");
        }
    }

    /// Closes a socket whose client is gone; asks the others for a sign of life.
    fn beat(&mut self, context: &mut WebsocketContext<Self>) {
        if self.unanswered >= MISSES {
            close(context, CloseCode::Away, "no answer to pings");
        } else {
            self.unanswered = self.unanswered.saturating_add(1);
            context.ping(b"");
        }
    }
}

impl Pass {
    /// Whether it lets somebody listen now. A change of role or sight ends sessions, so that they need no second look.
    fn is_good(&self, gateway: &Gateway) -> bool {
        let now = gateway.clock.now();
        match self {
            Self::Management => true,
            Self::Token(claims) => {
                now.0 < claims.exp.saturating_mul(1_000)
                    && !gateway.keyring.load().is_revoked(claims.jti)
                    && bearer_of(gateway, claims).is_ok_and(|who| may_listen(&who).is_ok())
            }
            Self::Session(id) => gateway.people.load().session(*id).is_some_and(|session| now < session.expires_at),
        }
    }
}

fn send(event: &Event, context: &mut WebsocketContext<Socket>) {
    match serde_json::to_string(event) {
        Ok(json) => context.text(json),
        Err(error) => log::error!(error:% = error; "an event could not be written"),
    }
}

fn close(context: &mut WebsocketContext<Socket>, code: CloseCode, why: &str) {
    context.close(Some(CloseReason { code, description: Some(why.to_owned()) }));
    context.stop();
}

//! `/ws/feed`: the live feed over a WebSocket, one actor for each socket. All of actix-web-actors is in this file.
//! Owns who may listen and when a silent socket is closed. Refuses words from clients: the feed is one way.
//!
//! A client that reads too slowly costs no memory: its actor runs only while its connection takes bytes, so the feed drops
//! events for it and says how many.

use std::future::{Ready, ready};
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, StreamHandler, WrapFuture};
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder};
use farthing_actors::domain::Timestamp;
use farthing_actors::feed::{Event, Subscription};
use farthing_actors::tasks::Stage;

use super::Gateway;
use super::dashboard::{origin, visitor};
use super::error::{Code, Problem};
use super::extract::operator::{Permission, ReadUsage, identify};
use super::routes::line::Guard;

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

/// What a socket is told that a stop closes.
const STOPPING: &str = "the gateway is stopping";

/// One socket.
struct Socket {
    gateway: web::Data<Gateway>,
    /// When the session it was opened with is over; tokens are checked once.
    until: Option<Timestamp>,
    unanswered: u8,
}

/// Somebody who may listen, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    until: Option<Timestamp>,
}

/// By a session as well as by a token, so not an `Operator`.
impl Guard<ReadUsage> for Listener {}

impl FromRequest for Listener {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request).map(|until| Self { until }))
    }
}

/// GET `/ws/feed`.
///
/// # Errors
/// 401 for a stranger, 403 for another site's page or a token without the scope, 503 if too many listen, 400 for what is
/// no WebSocket handshake.
pub async fn open(
    Listener { until }: Listener,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    if gateway.feed.listeners() >= MAX_LISTENERS {
        return Err(Problem::plain(Code::Overloaded).retry_after(PING_EVERY));
    }
    let socket = Socket { gateway, until, unanswered: 0 };
    let answer = WsResponseBuilder::new(socket, &request, payload).frame_size(MAX_FRAME_BYTES).start();
    answer.map_err(|error| Problem::new(Code::InvalidValue, format!("/ws/feed speaks WebSocket only: {error}")))
}

/// Lets a listener in, and says until when. A browser must name our own origin, because it sends its cookie for whoever
/// asks it to.
fn admit(request: &HttpRequest) -> Result<Option<Timestamp>, Problem> {
    let origin = origin::own_origin(request)?;
    if request.headers().contains_key(AUTHORIZATION) {
        return identify(request, ReadUsage::PERMISSION).map(|_| None);
    }
    let session = visitor::session(request).ok_or_else(|| Problem::plain(Code::Unauthorized))?;
    if origin.is_none() {
        return Err(Problem::new(Code::Forbidden, "a session is only taken together with an Origin header"));
    }
    Ok(Some(Timestamp(session.exp.saturating_mul(1_000))))
}

impl Actor for Socket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(PING_EVERY, Self::beat);
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

    /// Closes a socket whose session is over or whose client is gone; asks the others for a sign of life.
    fn beat(&mut self, context: &mut WebsocketContext<Self>) {
        if self.until.is_some_and(|end| self.gateway.clock.now() >= end) {
            close(context, CloseCode::Policy, "the session is over");
        } else if self.unanswered >= MISSES {
            close(context, CloseCode::Away, "no answer to pings");
        } else {
            self.unanswered = self.unanswered.saturating_add(1);
            context.ping(b"");
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

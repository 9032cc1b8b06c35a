//! One socket of the feed, as an actor. All of actix-web-actors is in this file.
//! Owns what a listener is sent and when its socket is closed. Refuses to keep anything for a slow client but its place in the
//! feed, which drops the oldest events and says how many.
//!
//! Ten thousand sockets stand idle without a timer each second: all wait for word of a change of accounts or keys.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, SpawnHandle, StreamHandler, WrapFuture};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder};
use farthing_actors::feed::{Event, Notice, Subscription};
use farthing_actors::snapshot::Publications;
use farthing_actors::tasks::Stage;

use super::listener::{audience, holder, is_for, who};
use super::pace::Pace;
use super::turn::{self, Turn};
use crate::security::Pass;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::who::Who;

/// Shorter than the idle timeouts of usual proxies.
const PING_EVERY: Duration = Duration::from_secs(25);
/// How long a client may stand still while there is something for it.
const BEHIND: Duration = Duration::from_secs(30);
/// A feed that is being restarted is back sooner than this.
const SUBSCRIBE_AGAIN: Duration = Duration::from_millis(500);
/// Clients send control frames only, and those are under 126 bytes.
const MAX_FRAME_BYTES: usize = 4 * 1_024;
/// Changes of accounts and keys come in crowds: one look serves all of a second.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The code of a socket whose session or token is over.
const OVER: u16 = 4401;

/// What a socket is told that a stop closes.
const STOPPING: &str = "the gateway is stopping";

/// What a socket is told whose account sees other projects now.
const ELSEWHERE: &str = "you see other projects now; connect again";

struct Socket {
    gateway: web::Data<Gateway>,
    pass: Pass,
    who: Who,
    /// While nothing is asked of it.
    subscription: Option<Subscription>,
    pace: Pace,
    /// What closes it unless the client reads.
    deadline: Option<SpawnHandle>,
    turn: Turn,
}

/// What a socket waits for beside events.
struct Signs {
    gateway: web::Data<Gateway>,
    people: Publications,
    keys: Publications,
}

/// What happened.
enum Sign {
    Stopping,
    Change(Signs),
}

/// Opens it.
///
/// # Errors
/// 400 for what is no WebSocket handshake.
pub(super) fn open(
    gateway: web::Data<Gateway>,
    (pass, who): (Pass, Who),
    subscription: Subscription,
    (request, payload): (&HttpRequest, web::Payload),
) -> Result<HttpResponse, Problem> {
    let (pace, turn) = (Pace::default(), Turn::new(gateway.feed.listeners()));
    let socket = Socket { gateway, pass, who, subscription: Some(subscription), pace, deadline: None, turn };
    let answer = WsResponseBuilder::new(socket, request, payload).frame_size(MAX_FRAME_BYTES).start();
    answer.map_err(|error| Problem::new(Code::InvalidValue, format!("/ws/feed speaks WebSocket only: {error}")))
}

impl Actor for Socket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(PING_EVERY, Self::beat);
        let gateway = self.gateway.clone();
        let (people, keys) = (gateway.people.publications(), gateway.keyring.publications());
        Self::wait(Signs { gateway, people, keys }, context);
        // What changed since it was let in is no news.
        self.look(context);
        self.follow(Duration::ZERO, context);
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Socket {
    fn handle(&mut self, message: Result<Message, ProtocolError>, context: &mut Self::Context) {
        if let Ok(Message::Pong(bytes)) = &message
            && <[u8; 8]>::try_from(&**bytes).is_ok_and(|mark| self.pace.answer(u64::from_be_bytes(mark)))
        {
            return self.go_on(context);
        }
        if !self.pace.take(self.gateway.clock.monotonic()) {
            return close(context, CloseCode::Policy, "too many frames in a minute");
        }
        match message {
            Ok(Message::Ping(bytes)) => context.pong(&bytes),
            Ok(Message::Pong(_) | Message::Nop) => {}
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
    /// Waits for the next events, no sooner than after `pause`, and passes them on.
    fn follow(&mut self, pause: Duration, context: &mut WebsocketContext<Self>) {
        let Some(mut subscription) = self.subscription.take() else { return };
        let is_one_of_few = turn::are_few(self.gateway.feed.listeners());
        let events = async move {
            tokio::time::sleep(pause).await;
            let events =
                if is_one_of_few { turn::next(&mut subscription).await } else { turn::waiting(&mut subscription) };
            (events, subscription)
        };
        context.spawn(events.into_actor(self).map(|(events, subscription), socket, context| {
            if events.is_empty() && subscription.is_over() {
                return socket.subscribe_again(context);
            }
            socket.subscription = Some(subscription);
            socket.pass_on(&events, context);
            let pause = socket.turn.pause(events.len(), socket.gateway.feed.listeners());
            if socket.pace.is_full() { socket.stand(context) } else { socket.follow(pause, context) }
        }));
    }

    fn pass_on(&mut self, events: &[Arc<Notice>], context: &mut WebsocketContext<Self>) {
        for event in events.iter().filter(|event| is_for(&self.who, event)) {
            self.pace.send(event.json().len());
            context.text(event.json());
        }
        self.ask(context);
    }

    fn ask(&mut self, context: &mut WebsocketContext<Self>) {
        if let Some(mark) = self.pace.mark() {
            context.ping(&mark.to_be_bytes());
        }
    }

    /// Sends no more until the client has read; closes its socket if it does not.
    fn stand(&mut self, context: &mut WebsocketContext<Self>) {
        self.deadline = Some(context.run_later(BEHIND, |socket, context| {
            socket.tell_what_is_lost(context);
            close(context, CloseCode::Again, "too far behind; connect again");
        }));
    }

    fn tell_what_is_lost(&mut self, context: &mut WebsocketContext<Self>) {
        let first = self.subscription.as_mut().and_then(Subscription::waiting);
        if let Some(lagged) = first.filter(|event| matches!(***event, Event::Lagged { .. })) {
            context.text(lagged.json());
        }
    }

    /// The client has read something.
    fn go_on(&mut self, context: &mut WebsocketContext<Self>) {
        self.ask(context);
        if !self.pace.is_full() {
            if let Some(deadline) = self.deadline.take() {
                context.cancel_future(deadline);
            }
            self.follow(turn::SOON, context);
        }
    }

    /// Recent events come first then, of which the client knows some.
    fn subscribe_again(&self, context: &mut WebsocketContext<Self>) {
        let (feed, holder, audience) = (self.gateway.feed.clone(), holder(&self.pass), audience(&self.who));
        let asked = async move { feed.subscribe(holder, audience).await };
        context.spawn(asked.into_actor(self).map(|answer, socket, context| match answer {
            Ok(subscription) => {
                socket.subscription = Some(subscription);
                socket.follow(Duration::ZERO, context);
            }
            Err(_) => drop(context.run_later(SUBSCRIBE_AGAIN, |socket, context| socket.subscribe_again(context))),
        }));
    }

    /// Waits for what may end the socket.
    fn wait(signs: Signs, context: &mut WebsocketContext<Self>) {
        context.spawn(actix::fut::wrap_future::<_, Self>(signs.next()).map(|sign, socket, context| match sign {
            Sign::Stopping => close(context, CloseCode::Away, STOPPING),
            Sign::Change(signs) => {
                socket.look(context);
                context.run_later(LOOK_AGAIN, |_, context| Self::wait(signs, context));
            }
        }));
    }

    /// Reads anew what the listener may see; closes the socket if that is nothing any more, or of other projects than those
    /// it is subscribed to.
    fn look(&mut self, context: &mut WebsocketContext<Self>) {
        match who(&self.pass, &self.gateway) {
            Some(who) if audience(&who) != audience(&self.who) => close(context, CloseCode::Restart, ELSEWHERE),
            Some(who) => self.who = who,
            None => close(context, CloseCode::Other(OVER), "the session is over"),
        }
    }

    /// Closes a socket whose client is gone or whose session's time is over; asks the others for a sign of life.
    fn beat(&mut self, context: &mut WebsocketContext<Self>) {
        match self.pace.beat() {
            Some(mark) => context.ping(&mark.to_be_bytes()),
            None => return close(context, CloseCode::Away, "no answer to pings"),
        }
        self.look(context);
    }
}

impl Signs {
    async fn next(mut self) -> Sign {
        tokio::select! {
            () = self.gateway.tasks.reached(Stage::Closing) => Sign::Stopping,
            () = self.people.next() => Sign::Change(self),
            () = self.keys.next() => Sign::Change(self),
        }
    }
}

fn close(context: &mut WebsocketContext<Socket>, code: CloseCode, why: &str) {
    context.close(Some(CloseReason { code, description: Some(why.to_owned()) }));
    context.stop();
}

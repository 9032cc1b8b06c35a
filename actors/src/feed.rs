//! The feed: owns the most recent events, who listens, and which one-time tickets were used; passes new events on.
//! A crash loses all three: it starts empty, subscriptions end so that their owners come back, and older tickets are refused.
//! Refuses to be a record: an event may be lost, the ledger and the audit trail are where truth is kept.

mod audiences;
mod event;
mod handle;
mod listeners;
mod messages;
mod redeemed;
mod subscription;
mod window;

use std::sync::Arc;

use actix::{Actor, ArbiterHandle, Context, Handler, MessageResult};

pub use audiences::Audience;
pub use event::{BreakerMoved, BudgetWarned, Event, Notice, SystemNoted, UsageRecorded};
pub use handle::Feed;
pub use listeners::{Holder, MAX_LISTENERS, MAX_OF_SESSION, MAX_OF_TOKEN, SubscribeError};
pub use redeemed::OneTimeTicket;
pub use subscription::Subscription;

use crate::domain::{Clock, Timestamp};
use crate::supervisor::{StartError, Supervisor};
use audiences::Audiences;
use listeners::{Listeners, Table};
use messages::{Publish, Redeem, Subscribe};
use redeemed::Redeemed;
use window::Window;

/// The shell: remembers each event, then passes it on.
struct FeedActor {
    recent: Window,
    audiences: Audiences,
    listeners: Listeners,
    places: Table,
    redeemed: Redeemed,
}

/// Starts the feed on `arbiter`.
///
/// # Errors
/// If that thread is gone.
pub async fn start(supervisor: &Supervisor, arbiter: ArbiterHandle, clock: Clock) -> Result<Feed, StartError> {
    let listeners = Listeners::default();
    let counted = listeners.clone();
    let time = clock.clone();
    let factory = move || Ok(FeedActor::new(counted.clone(), time.now()));
    let mailbox = supervisor.start("feed", arbiter, factory).await?;
    Ok(Feed::new(mailbox, listeners, clock))
}

impl FeedActor {
    fn new(listeners: Listeners, now: Timestamp) -> Self {
        let (recent, audiences, places) = (Window::default(), Audiences::default(), Table::default());
        Self { recent, audiences, listeners, places, redeemed: Redeemed::new(now) }
    }
}

impl Actor for FeedActor {
    type Context = Context<Self>;
}

impl Handler<Publish> for FeedActor {
    type Result = ();

    fn handle(&mut self, Publish(event): Publish, _: &mut Self::Context) {
        let event = Arc::new(Notice::new(event));
        self.recent.push(Arc::clone(&event));
        self.audiences.tell(event);
    }
}

impl Handler<Subscribe> for FeedActor {
    type Result = MessageResult<Subscribe>;

    // Nothing is published between the two halves, so nothing is missed and nothing comes twice.
    fn handle(&mut self, Subscribe(holder, audience): Subscribe, _: &mut Self::Context) -> Self::Result {
        let place = self.places.admit(holder, &self.listeners);
        MessageResult(place.map(|place| {
            let live = self.audiences.join(audience);
            Subscription::new(self.recent.list(), live, place)
        }))
    }
}

impl Handler<Redeem> for FeedActor {
    type Result = bool;

    fn handle(&mut self, Redeem(ticket, now): Redeem, _: &mut Self::Context) -> bool {
        self.redeemed.redeem(ticket, now)
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(FeedActor);

//! The feed: owns the most recent events and passes new ones on to whoever listens.
//! A crash loses both: it starts empty, and subscriptions end so that their owners come back.
//! Refuses to be a record: an event may be lost, the ledger and the audit trail are where truth is kept.

mod event;
mod handle;
mod messages;
mod subscription;
mod window;

use std::sync::Arc;

use actix::{Actor, ArbiterHandle, Context, Handler, MessageResult};
use tokio::sync::broadcast;

pub use event::{BreakerMoved, BudgetWarned, Event, SystemNoted, UsageRecorded};
pub use handle::Feed;
pub use subscription::Subscription;

use crate::domain::Clock;
use crate::supervisor::{StartError, Supervisor};
use messages::{Publish, Subscribe};
use subscription::{Listeners, QUEUE};
use window::Window;

/// The shell: remembers each event, then passes it on.
struct FeedActor {
    recent: Window,
    live: broadcast::Sender<Arc<Event>>,
    listeners: Listeners,
}

/// Starts the feed on `arbiter`.
///
/// # Errors
/// If that thread is gone.
pub async fn start(supervisor: &Supervisor, arbiter: ArbiterHandle, clock: Clock) -> Result<Feed, StartError> {
    let listeners = Listeners::default();
    let counted = listeners.clone();
    let factory = move || Ok(FeedActor::new(counted.clone()));
    let mailbox = supervisor.start("feed", arbiter, factory).await?;
    Ok(Feed::new(mailbox, listeners, clock))
}

impl FeedActor {
    fn new(listeners: Listeners) -> Self {
        let (live, _) = broadcast::channel(QUEUE);
        Self { recent: Window::default(), live, listeners }
    }
}

impl Actor for FeedActor {
    type Context = Context<Self>;
}

impl Handler<Publish> for FeedActor {
    type Result = ();

    fn handle(&mut self, Publish(event): Publish, _: &mut Self::Context) {
        let event = Arc::new(event);
        self.recent.push(Arc::clone(&event));
        // Nobody need be listening.
        self.live.send(event).ok();
    }
}

impl Handler<Subscribe> for FeedActor {
    type Result = MessageResult<Subscribe>;

    // Nothing is published between the two halves, so nothing is missed and nothing comes twice.
    fn handle(&mut self, _: Subscribe, _: &mut Self::Context) -> Self::Result {
        MessageResult(Subscription::new(self.recent.to_vec(), self.live.subscribe(), &self.listeners))
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(FeedActor);

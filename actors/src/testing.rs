//! For tests only: how an actor is made to die, or to stall. Owns the one message that panics, and the orders that a test
//! leaves for the actors of a process of its own; no build without the feature has either.

use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;
use std::time::Duration;

use actix::{Actor, Context, Handler, Message};

use crate::mailbox::Mailbox;

/// Makes the actor that handles it panic.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Panic;

/// Lets an actor die of [`Panic`]. Invoke it in the actor's file behind `#[cfg(feature = "testing")]`.
macro_rules! dies_on_demand {
    ($actor:ty) => {
        impl actix::Handler<$crate::testing::Panic> for $actor {
            type Result = ();

            fn handle(&mut self, _: $crate::testing::Panic, _: &mut Self::Context) {
                panic!("a test asked this actor to die");
            }
        }
    };
}
pub(crate) use dies_on_demand;

/// The folder in which a test leaves orders: a file named after the actor.
const ORDERS: &str = "FARTHING_TEST_ORDERS";
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Obeys the orders for the actor `name` as long as it lives, where its messages are handled: `stall` and a number of
/// milliseconds, or anything else to panic. An order is gone once it is taken.
#[expect(clippy::disallowed_methods, reason = "a test's order is no setting")]
pub(crate) async fn obey(name: &str) {
    let Some(folder) = std::env::var_os(ORDERS) else { return std::future::pending().await };
    let file = Path::new(&folder).join(name);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Ok(order) = fs::read_to_string(&file) else { continue };
        // If it stays there, it is obeyed again, which the test will notice.
        fs::remove_file(&file).ok();
        match order.strip_prefix("stall ").map(str::parse) {
            Some(Ok(millis)) => thread::sleep(Duration::from_millis(millis)),
            // Says nothing, so that the log tells of panics nobody asked for.
            _ => resume_unwind(Box::new("a test asked this actor to die")),
        }
    }
}

/// Kills the actor behind `mailbox` and waits until its successor lives. Waits for ever if none is made: a test that
/// expects an end must watch the supervisor's `on_fatal` instead.
pub async fn crash<A>(mailbox: &Mailbox<A>)
where
    A: Actor<Context = Context<A>> + Handler<Panic>,
{
    let before = mailbox.restarts();
    mailbox.tell(Panic);
    while mailbox.restarts() == before || !mailbox.is_alive() {
        tokio::task::yield_now().await;
    }
}

//! For tests only: how an actor is made to die. Owns the one message that panics; no build without the feature has it.

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

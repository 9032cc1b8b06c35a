//! What the feed is asked and told. Known to the shell and the handle; nobody else sees a message.

use actix::Message;

use super::event::Event;
use super::subscription::Subscription;

/// Something happened.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Publish(pub(super) Event);

/// Somebody wants to hear of it.
#[derive(Message)]
#[rtype(result = "Subscription")]
pub(super) struct Subscribe;

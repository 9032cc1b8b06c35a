//! What the feed is asked and told. Known to the shell and the handle; nobody else sees a message.

use actix::Message;

use super::audiences::Audience;
use super::event::Event;
use super::listeners::{Holder, SubscribeError};
use super::redeemed::OneTimeTicket;
use super::subscription::Subscription;
use crate::domain::Timestamp;

/// Something happened.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Publish(pub(super) Event);

/// Somebody wants to hear of it.
#[derive(Message)]
#[rtype(result = "Result<Subscription, SubscribeError>")]
pub(super) struct Subscribe(pub(super) Holder, pub(super) Audience);

/// Somebody shows a one-time ticket.
#[derive(Message)]
#[rtype(result = "bool")]
pub(super) struct Redeem(pub(super) OneTimeTicket, pub(super) Timestamp);

//! Tickets for the live feed: by one, a program that cannot send a header or a cookie opens one socket, in the next 30 seconds.
//! Owns their form, `base64url(payload).base64url(HMAC-SHA256)`, under a key of their own, and how long they are good. Refuses to
//! remember: that one was used, the feed knows.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farthing_actors::domain::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::SecurityError;
use super::entropy::{NoEntropy, random};
use super::jwt::Claims;
use super::subkeys::{Label, MacKey, Subkeys};

/// How long a ticket is good.
pub const LASTS: Duration = Duration::from_secs(30);

/// Far more than a token with every scope needs; longer ones are refused unread.
const MAX_BYTES: usize = 4 * 1_024;
/// The payload's form; a changed one gets the next number.
const VERSION: u8 = 1;

/// By what somebody listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// The management token.
    Management,
    /// A scoped token.
    Token(Box<Claims>),
    /// A session.
    Session(SessionId),
}

/// A ticket of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// 128 random bits.
    pub id: u128,
    /// When it was made.
    pub made: Timestamp,
    /// The first moment at which it is over.
    pub over: Timestamp,
    /// By what its holder listens: no more than whoever made it.
    pub pass: Pass,
}

/// Why a ticket was not made or is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketError {
    /// Not one of ours, or altered.
    #[error("not a ticket of this gateway; POST /api/feed/tickets gives one")]
    Wrong,
    /// Its time is over.
    #[error("the ticket is over; it is good for {} s", LASTS.as_secs())]
    Over,
    /// No ticket could be made.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    v: u8,
    id: String,
    /// Unix milliseconds.
    made: i64,
    pass: Pass,
}

/// Makes and checks tickets.
pub(super) struct FeedTickets(MacKey);

impl FeedTickets {
    pub(super) fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        Ok(Self(session.mac(Label::FEED_TICKETS)?))
    }

    /// A ticket for whoever listens by `pass`.
    pub(super) fn issue(&self, pass: Pass, now: Timestamp) -> Result<String, TicketError> {
        let id = format!("{:032x}", u128::from_be_bytes(*random()?));
        let payload = Payload { v: VERSION, id, made: now.0, pass };
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&payload).map_err(|_| TicketError::Wrong)?);
        let tag = URL_SAFE_NO_PAD.encode(self.0.tag(payload.as_bytes()));
        Ok(format!("{payload}.{tag}"))
    }

    /// What a ticket says that is ours and not over.
    pub(super) fn verify(&self, ticket: &str, now: Timestamp) -> Result<Ticket, TicketError> {
        let (payload, tag) = ticket.split_once('.').filter(|_| ticket.len() <= MAX_BYTES).ok_or(TicketError::Wrong)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok().and_then(|tag| <[u8; 32]>::try_from(tag).ok());
        if !tag.is_some_and(|tag| self.0.verifies(payload.as_bytes(), &tag)) {
            return Err(TicketError::Wrong);
        }
        let json = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TicketError::Wrong)?;
        let said: Payload = serde_json::from_slice(&json).map_err(|_| TicketError::Wrong)?;
        let id = u128::from_str_radix(&said.id, 16).ok().filter(|_| said.v == VERSION).ok_or(TicketError::Wrong)?;
        let made = Timestamp(said.made);
        let over = made.plus(LASTS);
        if now >= over { Err(TicketError::Over) } else { Ok(Ticket { id, made, over, pass: said.pass }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_500);

    fn tickets(secret: u8) -> FeedTickets {
        FeedTickets::new(&Subkeys::of(&[secret; 32])).unwrap()
    }

    #[test]
    fn a_ticket_says_what_its_maker_may_until_its_time_is_over() {
        let made = tickets(7).issue(Pass::Session(SessionId::from_u128(3)), NOW).unwrap();
        let read = tickets(7).verify(&made, Timestamp(NOW.0 + 29_999)).unwrap();
        assert_eq!((read.pass, read.made), (Pass::Session(SessionId::from_u128(3)), NOW));
        assert_eq!(tickets(7).verify(&made, Timestamp(NOW.0 + 30_000)), Err(TicketError::Over));
        let other = tickets(7).issue(Pass::Management, NOW).unwrap();
        assert_ne!(tickets(7).verify(&other, NOW).unwrap().id, read.id);
    }

    #[test]
    fn what_was_altered_or_is_anothers_is_refused() {
        let made = tickets(7).issue(Pass::Management, NOW).unwrap();
        assert_eq!(tickets(8).verify(&made, NOW), Err(TicketError::Wrong));
        for at in 0..made.len() {
            let mut bytes = made.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(tickets(7).verify(&String::from_utf8(bytes).unwrap(), NOW), Err(TicketError::Wrong), "{at}");
        }
        let long = format!("{}.{made}", "A".repeat(MAX_BYTES));
        for wrong in ["", ".", "a.b", made.split('.').next().unwrap(), &long] {
            assert_eq!(tickets(7).verify(wrong, NOW), Err(TicketError::Wrong), "{wrong}");
        }
    }
}

//! Redeemed tickets: which one-time tickets were used. Pure.
//! Owns that each is good once, also across a restart: a ticket made before this began is refused, because what came before
//! is not known. Refuses to grow: what is over is forgotten, and beyond a bound nobody is let in by a ticket.

use std::collections::HashMap;

use crate::domain::Timestamp;

/// Tickets that were used and are not over; each was signed by us, so a program that makes so many is at fault.
const MAX_TICKETS: usize = 65_536;

/// A ticket as it was signed.
#[derive(Debug, Clone, Copy)]
pub struct OneTimeTicket {
    /// Which one.
    pub id: u128,
    /// When it was made.
    pub made: Timestamp,
    /// When it is over.
    pub over: Timestamp,
}

/// The tickets that were used since it began.
#[derive(Debug)]
pub(super) struct Redeemed {
    since: Timestamp,
    used: HashMap<u128, Timestamp>,
}

impl Redeemed {
    /// Knows nothing of tickets made at `since` or before.
    pub(super) fn new(since: Timestamp) -> Self {
        Self { since, used: HashMap::new() }
    }

    /// Whether the ticket is good now and used for the first time; then it is used.
    pub(super) fn redeem(&mut self, OneTimeTicket { id, made, over }: OneTimeTicket, now: Timestamp) -> bool {
        if self.used.len() >= MAX_TICKETS {
            self.used.retain(|_, over| now < *over);
        }
        let is_good = made > self.since && now < over && self.used.len() < MAX_TICKETS;
        is_good && self.used.insert(id, over).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_in_its_time() {
        let mut tickets = Redeemed::new(Timestamp(100));
        let ticket = |id, made| OneTimeTicket { id, made: Timestamp(made), over: Timestamp(130) };
        assert!(tickets.redeem(ticket(1, 101), Timestamp(129)));
        assert!(!tickets.redeem(ticket(1, 101), Timestamp(129)), "twice");
        assert!(!tickets.redeem(ticket(2, 101), Timestamp(130)), "over");
        assert!(!tickets.redeem(ticket(3, 100), Timestamp(110)), "of a time that is not known");
    }

    #[test]
    fn what_is_over_makes_room() {
        let mut tickets = Redeemed::new(Timestamp(0));
        let ticket = |id, over| OneTimeTicket { id, made: Timestamp(1), over: Timestamp(over) };
        for id in 0..MAX_TICKETS {
            assert!(tickets.redeem(ticket(id as u128, 10), Timestamp(5)));
        }
        assert!(!tickets.redeem(ticket(u128::MAX, 20), Timestamp(9)), "no room");
        assert!(tickets.redeem(ticket(u128::MAX, 20), Timestamp(10)));
        assert_eq!(tickets.used.len(), 1);
    }
}

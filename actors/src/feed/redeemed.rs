//! Redeemed tickets: which one-time tickets were used. Pure.
//! Owns that each is good once, also across a restart: a ticket made before this began is refused, because what came before
//! is not known. Refuses to grow: what is over is forgotten, and beyond a bound nobody is let in by a ticket.

use std::collections::HashMap;

use crate::domain::Timestamp;

/// Tickets that were used and are not over; each was signed by us, so a program that makes so many is at fault.
const MOST: usize = 65_536;

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

    /// Whether a ticket, made and over at these times, is used for the first time.
    pub(super) fn redeem(&mut self, id: u128, (made, over): (Timestamp, Timestamp), now: Timestamp) -> bool {
        if self.used.len() >= MOST {
            self.used.retain(|_, over| now < *over);
        }
        let is_good = made > self.since && now < over && self.used.len() < MOST;
        is_good && self.used.insert(id, over).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_in_its_time() {
        let mut tickets = Redeemed::new(Timestamp(100));
        let life = (Timestamp(101), Timestamp(130));
        assert!(tickets.redeem(1, life, Timestamp(129)));
        assert!(!tickets.redeem(1, life, Timestamp(129)), "twice");
        assert!(!tickets.redeem(2, life, Timestamp(130)), "over");
        assert!(!tickets.redeem(3, (Timestamp(100), Timestamp(130)), Timestamp(110)), "of a time that is not known");
    }

    #[test]
    fn what_is_over_makes_room() {
        let mut tickets = Redeemed::new(Timestamp(0));
        for id in 0..MOST {
            assert!(tickets.redeem(id as u128, (Timestamp(1), Timestamp(10)), Timestamp(5)));
        }
        assert!(!tickets.redeem(u128::MAX, (Timestamp(1), Timestamp(20)), Timestamp(9)), "no room");
        assert!(tickets.redeem(u128::MAX, (Timestamp(1), Timestamp(20)), Timestamp(10)));
        assert_eq!(tickets.used.len(), 1);
    }
}

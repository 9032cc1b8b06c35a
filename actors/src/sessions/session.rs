//! A session: one sign-in, and whether a request that shows its token is let in. Pure.
//! Owns the idle and the absolute end, when a token is renewed, and what binds a session to who opened it.
//! Refuses the secret in the token: a session is known here by its digest only.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use std::sync::Arc;

use crate::domain::{Binding, SessionId, Timestamp, UserId};

/// The keyed hash of what a session's token carries.
pub type SessionDigest = [u8; 32];

/// What tells a management token from others, and says nothing about it.
pub type TokenMark = [u8; 8];

/// How long a token is good after it was renewed: what is already under way arrives.
pub const FORMER_LASTS: Duration = Duration::from_secs(30);

/// A longer name of a program is cut.
const MAX_AGENT_CHARS: usize = 256;

/// How long sessions last, how many one person has, and what binds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a session lasts that nobody uses.
    pub idle: Duration,
    /// How long a session lasts whatever happens in it.
    pub absolute: Duration,
    /// What it is bound to.
    pub binding: Binding,
    /// How many sessions one person has; the oldest makes room.
    pub per_user: usize,
}

/// From where somebody comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// With which program, by its own word; at most 256 characters.
    pub agent: Arc<str>,
    /// From which address.
    pub address: Option<IpAddr>,
}

/// One sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, which is no secret.
    pub id: SessionId,
    /// Whose it is; `None` for the management token's.
    pub user: Option<UserId>,
    /// What it is found by.
    pub digest: SessionDigest,
    /// The token before, and until when it is good.
    pub former: Option<(SessionDigest, Timestamp)>,
    /// Who opened it.
    pub seen: Seen,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When its token was made.
    pub issued_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// The first moment at which it is over, unless it is used.
    pub expires_at: Timestamp,
    /// The first moment at which it is over in any case.
    pub ends_at: Timestamp,
    /// Which management token opened it; `None` for a person's.
    pub opened_by: Option<TokenMark>,
}

/// Whether a request with a session's token is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is.
    Fine {
        /// Whether more than half of the token's time is over, so that it is renewed.
        stale: bool,
    },
    /// For reading; changes need the password again, because it comes from another network.
    Elsewhere,
    /// The session is over.
    Over,
    /// It is not, and the session must end: somebody else has the token.
    Stolen,
}

impl Seen {
    /// A request by this program from this address.
    pub fn new(agent: &str, address: Option<IpAddr>) -> Self {
        Self { agent: agent.chars().take(MAX_AGENT_CHARS).collect::<String>().into(), address }
    }
}

impl Policy {
    /// When a token made at `now` is over, in a session that ends at `ends_at`.
    pub fn expires_at(&self, now: Timestamp, ends_at: Timestamp) -> Timestamp {
        now.plus(self.idle).min(ends_at)
    }
}

impl Session {
    /// Whether a request at `now` is let in that shows `presented` and comes from `seen`.
    pub fn judge(&self, presented: &SessionDigest, seen: &Seen, (policy, now): (&Policy, Timestamp)) -> Judgement {
        let is_former = *presented != self.digest;
        let former_over = !self.former.is_some_and(|(digest, until)| digest == *presented && now < until);
        if now >= self.expires_at || now >= self.ends_at || (is_former && former_over) {
            return Judgement::Over;
        }
        match policy.binding {
            Binding::Off => {}
            _ if seen.agent != self.seen.agent => return Judgement::Stolen,
            Binding::Exact if seen.address != self.seen.address => return Judgement::Stolen,
            Binding::Network if network(seen.address, 48) != network(self.seen.address, 48) => {
                return Judgement::Elsewhere;
            }
            Binding::Exact | Binding::Network | Binding::UserAgent => {}
        }
        Judgement::Fine { stale: !is_former && self.is_stale(now) }
    }

    /// Whether more than half of the token's time is over and a new one would last longer.
    fn is_stale(&self, now: Timestamp) -> bool {
        let (used, life) = (now.millis_since(self.issued_at), self.expires_at.millis_since(self.issued_at));
        used.saturating_mul(2) > life && self.expires_at < self.ends_at
    }

    /// The same session with a new token.
    pub(super) fn renewed(&self, fresh: SessionDigest, (policy, now): (&Policy, Timestamp)) -> Self {
        Self {
            digest: fresh,
            former: Some((self.digest, now.plus(FORMER_LASTS))),
            issued_at: now,
            seen_at: now,
            expires_at: policy.expires_at(now, self.ends_at),
            ..self.clone()
        }
    }
}

/// The network of an address: 24 bits of an IPv4 address, `v6` bits of an IPv6 one. Whoever has no address is in a network
/// of their own.
pub fn network(address: Option<IpAddr>, v6: u32) -> IpAddr {
    match address {
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        Some(IpAddr::V4(address)) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))),
        Some(IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(v6)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

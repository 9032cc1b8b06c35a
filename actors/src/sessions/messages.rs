//! What the sessions' handle says to its actor. Owns no rule: every verb is a command with a record in it.

use core::net::IpAddr;

use actix::Message;

use super::changes::Which;
use super::error::SessionsError;
use super::lockout::Verdict;
use super::session::{Session, SessionDigest, TokenMark};
use super::user::{PasswordHash, User, UserChanges};
use crate::domain::{Event, SessionId, Timestamp, UserId};

#[derive(Message)]
#[rtype(result = "Result<(), SessionsError>")]
pub(super) struct CreateUser(pub(super) User, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), SessionsError>")]
pub(super) struct CreateFirstUser(pub(super) User, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<usize, SessionsError>")]
pub(super) struct UpdateUser {
    pub(super) id: UserId,
    pub(super) changes: UserChanges,
    pub(super) keep: Option<SessionId>,
    pub(super) event: Event,
}

#[derive(Message)]
#[rtype(result = "Result<usize, SessionsError>")]
pub(super) struct DeleteUser(pub(super) UserId, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), SessionsError>")]
pub(super) struct Rehash {
    pub(super) id: UserId,
    pub(super) former: PasswordHash,
    pub(super) fresh: PasswordHash,
    pub(super) event: Event,
}

#[derive(Message)]
#[rtype(result = "Verdict")]
pub(super) struct Attempt {
    pub(super) user: Option<UserId>,
    pub(super) address: Option<IpAddr>,
    pub(super) at: Timestamp,
}

#[derive(Message)]
#[rtype(result = "Result<(), SessionsError>")]
pub(super) struct Open(pub(super) Session, pub(super) Option<Timestamp>, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<usize, SessionsError>")]
pub(super) struct Renew {
    pub(super) id: SessionId,
    pub(super) presented: SessionDigest,
    pub(super) fresh: SessionDigest,
    pub(super) moved: Option<Option<IpAddr>>,
    pub(super) password: Option<PasswordHash>,
    pub(super) event: Event,
}

#[derive(Message)]
#[rtype(result = "Result<usize, SessionsError>")]
pub(super) struct End(pub(super) Which, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<usize, SessionsError>")]
pub(super) struct EndOfOtherTokens(pub(super) Vec<TokenMark>, pub(super) Event);

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Touch(pub(super) SessionId, pub(super) Timestamp);

#[derive(Message)]
#[rtype(result = "Result<(), SessionsError>")]
pub(super) struct Unlock(pub(super) UserId, pub(super) Event);

#[derive(Message)]
#[rtype(result = "usize")]
pub(super) struct Sweep;

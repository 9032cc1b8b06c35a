//! What the limiters are asked and told. Known to the shell, the handle and the permit; nobody else sees a message.

use std::sync::Arc;

use actix::Message;

use super::LimitersActor;
use super::answer::LimitError;
use super::permit::Permit;
use crate::domain::{Limits, Scope};
use crate::mailbox::Mailbox;

/// Takes one call's share of every limit, or of none.
#[derive(Message)]
#[rtype(result = "Result<Permit, LimitError>")]
pub(super) struct Admit {
    pub(super) limits: Arc<[(Scope, Limits)]>,
    pub(super) tokens: u64,
    /// Where the permit goes when the call is over.
    pub(super) back: Mailbox<LimitersActor>,
}

/// A call is over: frees its places and corrects its tokens.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Close {
    pub(super) limits: Arc<[(Scope, Limits)]>,
    /// The estimate it was admitted with.
    pub(super) tokens: u64,
    /// What it came to; `None` keeps the estimate.
    pub(super) actual: Option<u64>,
    pub(super) life: u64,
}

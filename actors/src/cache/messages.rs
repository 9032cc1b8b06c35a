//! What the cache is asked and told. Private: callers use the handle.

use std::sync::Arc;
use std::time::Duration;

use actix::Message;

use super::entries::{Kept, Purged, Slot, Tally};
use crate::domain::ProjectId;

/// The answer in a slot, if it is younger than this.
#[derive(Message)]
#[rtype(result = "Option<Arc<Kept>>")]
pub(super) struct Find(pub Slot, pub Duration);

/// Keep an answer.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Keep(pub Slot, pub Box<Kept>);

/// Throw away a project's answers, or all.
#[derive(Message)]
#[rtype(result = "Purged")]
pub(super) struct Purge(pub Option<ProjectId>);

/// What is kept and what was counted.
#[derive(Message)]
#[rtype(result = "Tally")]
pub(super) struct Count;

//! What the shadow is asked and told. Private: callers use the handle.

use actix::Message;

use super::record::{Instance, Report};
use crate::domain::Shadowed;

/// A call passed that would have been refused.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Note(pub Shadowed, pub Box<Instance>);

/// What was counted.
#[derive(Message)]
#[rtype(result = "Report")]
pub(super) struct Read;

/// Begin anew.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Forget;

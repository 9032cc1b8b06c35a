//! What the shadow is asked and told. Private: callers use the handle.

use actix::Message;

use super::record::{Instance, Report};
use super::routes::Detour;
use crate::domain::Shadowed;

/// A call passed that would have been refused.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Note(pub Shadowed, pub Box<Instance>);

/// A group in the shadow has decided about a call.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct NoteRoute(pub Box<Detour>);

/// What was counted.
#[derive(Message)]
#[rtype(result = "Report")]
pub(super) struct Read;

/// Begin anew.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Forget;

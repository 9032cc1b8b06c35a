//! What the audit trail's handle says to its actor. Owns no rule.

use actix::Message;

use crate::domain::Event;
use crate::error::SaveError;

/// Something happened that changed nothing.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Note(pub(super) Event);

/// Something is about to happen, and may not unless this is written.
#[derive(Message)]
#[rtype(result = "Result<(), SaveError>")]
pub(super) struct Record(pub(super) Event);

/// Write everything now.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Flush;

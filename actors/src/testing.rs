//! What only tests need: a way to kill an actor on demand. Compiled with the feature `testing` alone.

use actix::Message;

/// Kills the actor that handles it, the way a defect would.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Panic;

//! Placeholder so that this clone compiles; the lead's file replaces it.

use std::net::SocketAddr;

use crate::app::AppError;

/// Runs the demo until a signal.
///
/// # Errors
/// Which part stopped.
pub fn run(_listen: SocketAddr) -> Result<(), AppError> {
    Err(crate::app::absent())
}

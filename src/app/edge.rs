//! The edge's files before anything listens: whether TLS can be spoken with what the settings name. Owns that `check` and `serve`
//! read them alike and say the same.

use super::AppError;
use crate::config::{Config, Problem};
use crate::web::tls::{Certificate, TlsError};

/// Why `serve` would refuse the certificate or its key: the setting, and what is wrong with the file that it names.
pub fn tls_fault(config: &Config) -> Option<(&'static str, Problem)> {
    let files = config.server.edge.tls.as_ref()?;
    Certificate::read(files).err().map(|error| error.problem())
}

/// The same, as an error of the start.
pub(super) fn untaken(error: TlsError) -> AppError {
    let (part, Problem { what, hint }) = error.problem();
    AppError { part, reason: format!("{what}; {hint}") }
}

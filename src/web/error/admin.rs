//! The admin floor's errors as problems. Exhaustive, like its neighbour: a new kind does not compile until it has a code.

use std::time::Duration;

use super::{Code, Problem};
use crate::admin::AdminError;
use crate::security::TokenError;

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let message = error.to_string();
        match error {
            AdminError::Absent { .. } => Self::new(Code::NotFound, message),
            AdminError::Invalid { field, .. } => Self::new(Code::InvalidValue, message).at(field),
            AdminError::Keyring(error) => error.into(),
            AdminError::Registry(error) => error.into(),
            AdminError::People(error) => error.into(),
            AdminError::WrongCredentials => Self::plain(Code::InvalidCredentials),
            AdminError::HashingBusy => Self::plain(Code::SignInBusy).retry_after(Duration::from_secs(1)),
            AdminError::AboveRank(_) => Self::new(Code::Forbidden, message),
            AdminError::Budget(_) => Self::new(Code::LedgerUnavailable, message).at("budget"),
            AdminError::Adjustment(_) => Self::new(Code::LedgerUnavailable, message),
            AdminError::Breakers(_) => Self::new(Code::Overloaded, message).retry_after(Duration::from_secs(1)),
            AdminError::Changed => Self::plain(Code::PreconditionFailed),
            AdminError::Conflict(_) => Self::new(Code::Conflict, message),
            AdminError::Ledger(_) => Self::plain(Code::LedgerUnavailable),
            AdminError::Store(error) => error.into(),
            AdminError::Unrecorded(_) => Self::new(Code::AuditUnavailable, message),
            AdminError::Token(TokenError::Lifetime) => Self::new(Code::InvalidValue, message).at("expires_in_hours"),
            AdminError::Vault(_)
            | AdminError::NoEntropy(_)
            | AdminError::Token(_)
            | AdminError::Session(_)
            | AdminError::Password(_) => {
                log::error!(error:% = message; "a management request met a defect");
                Self::plain(Code::Internal)
            }
        }
    }
}

//! What a failed write or read means to the owner of the state.
//! Owns the judgement whether a change is certainly absent. Refuses to retry: the caller decides.

use diesel::result::{DatabaseErrorKind, Error};
use farthing_actors::error::{LoadError, SaveError};

use super::StoreError;

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<StoreError> for SaveError {
    /// A statement that fails is rolled back with its transaction. Only where the rollback failed too, or nobody knows
    /// what became of the work, may the change be there.
    fn from(error: StoreError) -> Self {
        let reason = error.to_string();
        match error {
            StoreError::Database(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
                Self::Referenced(reason)
            }
            StoreError::Database(Error::RollbackErrorOnCommit { .. } | Error::BrokenTransactionManager)
            | StoreError::Abandoned => Self::Unknown(reason),
            _ => Self::Failed(reason),
        }
    }
}

//! The shadow: what limits and budgets that are not enforced would have refused. Owns nothing but the verbs.

use farthing_actors::domain::Author;
use farthing_actors::shadow::Report;

use super::{Admin, AdminError};

impl Admin {
    /// What would have been refused since the start, or since it was forgotten.
    ///
    /// # Errors
    /// If the shadow did not answer.
    pub async fn shadow(&self) -> Result<Report, AdminError> {
        Ok(self.parts.shadow.report().await?)
    }

    /// Begins counting anew.
    ///
    /// # Errors
    /// If the shadow did not answer.
    pub async fn forget_shadow(&self, by: &Author) -> Result<(), AdminError> {
        self.parts.audit.record(by.does("shadow.forget")).await?;
        Ok(self.parts.shadow.forget().await?)
    }
}

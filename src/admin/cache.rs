//! The response cache: seen and emptied. Owns nothing but the verbs. Refuses to show an answer.

use farthing_actors::cache::{Bounds, Purged, Tally};
use farthing_actors::domain::Author;

use super::{Admin, AdminError};

impl Admin {
    /// How much may be kept, and what is.
    ///
    /// # Errors
    /// If the cache did not answer.
    pub async fn cache(&self) -> Result<(Bounds, Tally), AdminError> {
        Ok((self.parts.cache.bounds(), self.parts.cache.tally().await?))
    }

    /// Throws away the answers of a project, by name or id, or all.
    ///
    /// # Errors
    /// If there is no such project, or the cache did not answer.
    pub async fn purge_cache(&self, project: Option<&str>, by: &Author) -> Result<Purged, AdminError> {
        let found = |wanted: &str| self.find_project(wanted).ok_or_else(|| AdminError::absent("project", wanted));
        let project = project.map(found).transpose()?.map(|project| project.id);
        let event = by.does("cache.purge");
        let event = project.map_or(event.clone(), |project| event.of(project));
        self.parts.audit.record(event).await?;
        Ok(self.parts.cache.purge(project).await?)
    }
}

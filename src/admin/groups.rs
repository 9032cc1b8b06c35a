//! Groups: several models under one name. Owns what a change is made of. Refuses rules: whether names are free, targets are
//! there and nothing goes in circles are the registry's questions.

use std::sync::Arc;

use farthing_actors::domain::{Author, GroupId, Strategy, Timestamp};
use farthing_actors::registry::classifier::Classifier;
use farthing_actors::registry::group::{Group, Target};

use super::etag::expect;
use super::{Admin, AdminError, Tagged};

/// A group to be made, or to stand where another stood.
#[derive(Debug, Clone)]
pub struct GroupDraft {
    /// The model as clients name it.
    pub name: String,
    /// How it chooses.
    pub strategy: Strategy,
    /// Who rates requests, where it chooses by that.
    pub classifier: Option<Classifier>,
    /// Among what, in order.
    pub targets: Vec<Target>,
    /// The model or group whose calls it decides about without serving them.
    pub shadows: Option<String>,
}

impl GroupDraft {
    fn into_group(self, id: GroupId, (created_at, updated_at): (Timestamp, Timestamp)) -> Group {
        let Self { name, strategy, classifier, targets, shadows } = self;
        let (name, shadows) = (name.into(), shadows.map(Arc::from));
        Group { id, name, strategy, classifier, targets, shadows, created_at, updated_at }
    }
}

impl Admin {
    /// The group with this id or name.
    ///
    /// # Errors
    /// If there is none.
    pub fn group(&self, wanted: &str) -> Result<Arc<Group>, AdminError> {
        let catalogue = self.catalogue();
        let by_id = wanted.parse().ok().and_then(|id| catalogue.group(id));
        by_id.or_else(|| catalogue.group_by_name(wanted)).cloned().ok_or_else(|| AdminError::absent("group", wanted))
    }

    /// Makes a group.
    ///
    /// # Errors
    /// As the registry refuses.
    pub async fn create_group(&self, draft: GroupDraft, by: &Author) -> Result<Arc<Group>, AdminError> {
        let _one = self.changing.lock().await;
        let now = self.parts.clock.now();
        let id = GroupId::generate();
        let group = draft.into_group(id, (now, now));
        self.parts.registry.create_group(group, by.does("group.create").about(id)).await?;
        self.group(&id.to_string())
    }

    /// Puts `draft` where the group with this id or name stood.
    ///
    /// # Errors
    /// If there is none, or as the registry refuses.
    pub async fn replace_group(&self, wanted: &str, draft: GroupDraft, by: &Author) -> Result<Arc<Group>, AdminError> {
        let _one = self.changing.lock().await;
        let present = self.group(wanted)?;
        expect(by, &present.etag())?;
        let id = present.id;
        let group = draft.into_group(id, (present.created_at, self.parts.clock.now()));
        self.parts.registry.update_group(group, by.does("group.update").about(id)).await?;
        self.group(&id.to_string())
    }

    /// Removes a group.
    ///
    /// # Errors
    /// If there is none, or another group uses it.
    pub async fn delete_group(&self, wanted: &str, by: &Author) -> Result<(), AdminError> {
        let _one = self.changing.lock().await;
        let present = self.group(wanted)?;
        expect(by, &present.etag())?;
        Ok(self.parts.registry.delete_group(present.id, by.does("group.delete").about(present.id)).await?)
    }
}

//! Projects: made, changed and removed. Owns what a new one is made of and what may change.
//! Refuses rules: which project is sound is the keyring's question.

use std::sync::Arc;

use farthing_actors::domain::{Allowed, Author, Budget, Limits, ProjectId, ResponseCache, Scope};
use farthing_actors::keyring::ring::Project;

use super::budgets::BudgetChange;
use super::etag::expect;
use super::{Admin, AdminError, Tagged};

/// A project to be made.
#[derive(Debug, Clone)]
pub struct ProjectDraft {
    /// Its unique name.
    pub name: String,
    /// The project above it, by name or id.
    pub parent: Option<String>,
    /// Its budget, if it has one.
    pub budget: Option<Budget>,
    /// Its traffic limits.
    pub limits: Limits,
    /// The models its keys may use.
    pub allowed_models: Allowed,
    /// Whether its answers are given again.
    pub response_cache: Option<ResponseCache>,
}

/// What changes about a project; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ProjectChanges {
    /// Its name.
    pub name: Option<String>,
    /// The project above it, by name or id, or none.
    pub parent: Option<Option<String>>,
    /// Its budget, or none.
    pub budget: Option<Option<Budget>>,
    /// All its limits.
    pub limits: Option<Limits>,
    /// All its models.
    pub allowed_models: Option<Allowed>,
    /// Whether its answers are given again.
    pub response_cache: Option<Option<ResponseCache>>,
    /// Whether its keys and those of projects below it may call.
    pub active: Option<bool>,
}

impl ProjectChanges {
    fn names(&self) -> [(&'static str, bool); 7] {
        [
            ("name", self.name.is_some()),
            ("parent", self.parent.is_some()),
            ("budget", self.budget.is_some()),
            ("limits", self.limits.is_some()),
            ("allowed_models", self.allowed_models.is_some()),
            ("response_cache", self.response_cache.is_some()),
            ("active", self.active.is_some()),
        ]
    }

    /// What it is called in the audit trail: opening or closing a project is told by name.
    fn action(&self, present: &Project) -> &'static str {
        match (self.active, present.deactivated_at) {
            (Some(false), None) => "project.deactivate",
            (Some(true), Some(_)) => "project.activate",
            _ => "project.update",
        }
    }
}

impl Admin {
    /// The project with this name or id, if there is one.
    pub fn find_project(&self, wanted: &str) -> Option<Arc<Project>> {
        let keys = self.keys();
        let by_id = wanted.parse().ok().and_then(|id| keys.project(id));
        by_id.or_else(|| keys.project_by_name(wanted)).cloned()
    }

    /// The project with this id.
    ///
    /// # Errors
    /// If there is none.
    pub fn project(&self, id: ProjectId) -> Result<Arc<Project>, AdminError> {
        self.keys().project(id).cloned().ok_or_else(|| AdminError::absent("project", id))
    }

    /// Makes a project; its budget is enforced before anybody can use it.
    ///
    /// # Errors
    /// As the keyring refuses.
    pub async fn create_project(&self, draft: ProjectDraft, by: &Author) -> Result<Arc<Project>, AdminError> {
        let project = Project {
            id: ProjectId::generate(),
            parent: self.parent(draft.parent.as_deref())?,
            name: draft.name,
            budget: draft.budget,
            limits: draft.limits,
            allowed_models: draft.allowed_models,
            response_cache: draft.response_cache,
            deactivated_at: None,
            created_at: self.parts.clock.now(),
        };
        let (id, after) = (project.id, project.budget.clone());
        let _one = self.changing.lock().await;
        let save = self.parts.keyring.create_project(project, by.does("project.create").of(id).about(id));
        match after {
            None => save.await?,
            after => self.with_budget(BudgetChange { scope: Scope::Project(id), before: None, after }, save).await?,
        }
        self.project(id)
    }

    /// Changes a project.
    ///
    /// # Errors
    /// If there is none, or as the keyring refuses.
    pub async fn change_project(
        &self,
        id: ProjectId,
        changes: ProjectChanges,
        by: &Author,
    ) -> Result<Arc<Project>, AdminError> {
        let _one = self.changing.lock().await;
        let present = self.project(id)?;
        expect(by, &present.etag())?;
        let project = self.changed_project(&present, &changes)?;
        let event = by.does(changes.action(&present)).of(id).about(id).changing(&changes.names());
        let save = self.parts.keyring.update_project(project, event);
        match changes.budget {
            None => save.await?,
            Some(after) => {
                let change = BudgetChange { scope: Scope::Project(id), before: present.budget.clone(), after };
                self.with_budget(change, save).await?;
            }
        }
        self.project(id)
    }

    /// Removes a project that nothing refers to.
    ///
    /// # Errors
    /// If there is none, or projects or keys are below it.
    pub async fn delete_project(&self, id: ProjectId, by: &Author) -> Result<(), AdminError> {
        let _one = self.changing.lock().await;
        let present = self.project(id)?;
        expect(by, &present.etag())?;
        let remove = self.parts.keyring.delete_project(id, by.does("project.delete").of(id).about(id));
        match present.budget.clone() {
            None => Ok(remove.await?),
            before => self.with_budget(BudgetChange { scope: Scope::Project(id), before, after: None }, remove).await,
        }
    }

    fn changed_project(&self, present: &Project, changes: &ProjectChanges) -> Result<Project, AdminError> {
        let mut project = present.clone();
        if let Some(parent) = &changes.parent {
            project.parent = self.parent(parent.as_deref())?;
        }
        if let Some(budget) = &changes.budget {
            project.budget.clone_from(budget);
        }
        if let Some(allowed) = &changes.allowed_models {
            project.allowed_models.clone_from(allowed);
        }
        project.response_cache = changes.response_cache.unwrap_or(project.response_cache);
        if let Some(active) = changes.active {
            // Deactivated again, it keeps its first moment.
            let since = project.deactivated_at.unwrap_or_else(|| self.parts.clock.now());
            project.deactivated_at = (!active).then_some(since);
        }
        project.name = changes.name.clone().unwrap_or(project.name);
        project.limits = changes.limits.unwrap_or(project.limits);
        Ok(project)
    }

    fn parent(&self, wanted: Option<&str>) -> Result<Option<ProjectId>, AdminError> {
        let Some(wanted) = wanted else { return Ok(None) };
        let found = self.find_project(wanted).map(|project| project.id);
        found.map(Some).ok_or_else(|| AdminError::invalid("parent", format!("{wanted:?} does not exist")))
    }
}

//! Who may call a model: the projects whose lists, and those of the projects above them, admit it. Owns how they are told.

use farthing_actors::keyring::ring::{Keys, Project};

/// Names a page shows.
const MOST: usize = 20;

/// Who may call a model.
pub(super) struct Visible {
    pub(super) is_everybody: bool,
    pub(super) names: Vec<String>,
    pub(super) more: usize,
}

impl Visible {
    /// Whose keys may call `model`, keys' own lists aside.
    pub(super) fn new(keys: &Keys, model: &str) -> Self {
        let admits =
            |project: &&std::sync::Arc<Project>| keys.lineage(project.id).all(|it| it.allowed_models.admits(model));
        let mut names: Vec<_> = keys.projects().filter(admits).map(|project| project.name.clone()).collect();
        let is_everybody = names.len() == keys.projects().count();
        let more = names.len().saturating_sub(MOST);
        names.truncate(MOST);
        Self { is_everybody, names, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::{Allowed, Limits, ProjectId, Timestamp};

    fn project(name: &str, parent: Option<ProjectId>, allowed: &[&str]) -> Project {
        Project {
            id: ProjectId::generate(),
            name: name.to_owned(),
            parent,
            budget: None,
            limits: Limits::default(),
            allowed_models: Allowed(allowed.iter().map(|it| (*it).to_owned()).collect()),
            response_cache: None,
            deactivated_at: None,
            created_at: Timestamp(0),
        }
    }

    #[test]
    fn a_project_sees_what_it_and_those_above_it_admit() {
        let top = project("top", None, &["gpt-*"]);
        let below = project("below", Some(top.id), &["*"]);
        let other = project("other", None, &["claude-*"]);
        let keys = Keys::new(vec![top, below, other], vec![]).unwrap();
        let names = |model: &str| {
            let mut names = Visible::new(&keys, model).names;
            names.sort();
            names
        };
        assert_eq!(names("gpt-5"), ["below", "top"]);
        assert_eq!(names("claude-5"), ["other"]);
        assert!(names("o3").is_empty() && !Visible::new(&keys, "gpt-5").is_everybody);
    }
}

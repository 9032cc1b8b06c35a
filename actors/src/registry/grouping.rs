//! What may be changed about groups, and why not. Pure, like [`changes`](super::changes).
//! Owns the rules: names that clash with nobody's, targets that are there, no group inside itself, and nothing taken away that
//! a group needs.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalogue::{Catalogue, Deployment};
use super::changes::{Change, Decision};
use super::error::RegistryError;
use super::group::{Group, Target, To, When};
use super::routing::MAX_DEPTH;
use crate::domain::{GroupId, Strategy, name};

#[cfg(test)]
pub(super) mod tests;

/// More choices than anybody reads.
const MAX_TARGETS: usize = 64;
/// The same of a rule's tags and keywords.
const MAX_WORDS: usize = 64;

impl Catalogue {
    pub(super) fn create_group(&self, group: Group) -> Decision {
        if self.group(group.id).is_some() {
            return Err(RegistryError::Conflict("a group with this id exists already".to_owned()));
        }
        self.accept(group)
    }

    pub(super) fn update_group(&self, mut group: Group) -> Decision {
        let present = self.group(group.id).ok_or(RegistryError::NotFound)?;
        if group.name != present.name {
            self.check_unused(&To::Group(Arc::clone(&present.name)))?;
        }
        group.created_at = present.created_at;
        self.accept(group)
    }

    pub(super) fn delete_group(&self, id: GroupId) -> Decision {
        let present = self.group(id).ok_or(RegistryError::NotFound)?;
        self.check_unused(&To::Group(Arc::clone(&present.name)))?;
        Ok(Change::RemoveGroup(id))
    }

    /// Whether `deployment` can go: it is not the last of a model that a group uses.
    pub(super) fn check_unneeded(&self, deployment: &Deployment) -> Result<(), RegistryError> {
        if self.deployments().any(|other| other.id != deployment.id && other.name == deployment.name) {
            return Ok(());
        }
        self.check_unused(&To::Model(Arc::clone(&deployment.name)))
    }

    /// Whether no group stands inside itself or too deep, and no classifier waits for another.
    pub(super) fn check_nesting(&self) -> Result<(), RegistryError> {
        let mut seen = HashMap::new();
        self.groups().try_for_each(|group| self.descend(group, &mut Vec::new(), &mut seen))?;
        self.check_classifiers()
    }

    fn accept(&self, group: Group) -> Decision {
        self.check_group(&group)?;
        let group = Arc::new(group);
        let change = Change::SaveGroup(group);
        self.with(change.clone()).check_nesting()?;
        Ok(change)
    }

    fn check_group(&self, group: &Group) -> Result<(), RegistryError> {
        if let Some(reason) = name::fault(&group.name) {
            return Err(RegistryError::invalid("name", reason));
        }
        if self.group_by_name(&group.name).is_some_and(|other| other.id != group.id) {
            return Err(RegistryError::Conflict("another group has this name; choose a different one".to_owned()));
        }
        if self.has_model(&group.name) {
            return Err(RegistryError::Conflict("a model has this name; choose a different one".to_owned()));
        }
        if !(1..=MAX_TARGETS).contains(&group.targets.len()) {
            return Err(RegistryError::invalid("targets", format!("must be between 1 and {MAX_TARGETS}")));
        }
        group.targets.iter().try_for_each(|target| self.check_target(group, target))?;
        self.check_shadow(group)?;
        self.check_classifier(group)
    }

    fn check_shadow(&self, group: &Group) -> Result<(), RegistryError> {
        let Some(watched) = &group.shadows else { return Ok(()) };
        let refused = |reason: String| Err(RegistryError::invalid("shadows", reason));
        if *watched == group.name || !(self.has_model(watched) || self.group_by_name(watched).is_some()) {
            return refused(format!("must name another model or group that exists; {watched:?} is none"));
        }
        if group.strategy == Strategy::Classifier {
            return refused("is not for a classifier: each of its decisions is paid for".to_owned());
        }
        match self.shadow_of(watched).filter(|other| other.id != group.id) {
            Some(other) => refused(format!("names {watched:?}, which the group {:?} shadows already", other.name)),
            None => Ok(()),
        }
    }

    fn check_target(&self, group: &Group, target: &Target) -> Result<(), RegistryError> {
        let there = match &target.to {
            To::Model(name) => self.has_model(name),
            // A group that names itself is a chain of one, and refused as such.
            To::Group(name) => *name == group.name || self.group_by_name(name).is_some(),
        };
        if !there {
            let reason = format!("name {:?}, which does not exist", target.to.name());
            return Err(RegistryError::invalid("targets", reason));
        }
        if group.targets.iter().filter(|other| other.to == target.to).count() > 1 && group.strategy != Strategy::Rules {
            return Err(RegistryError::invalid("targets", format!("name {:?} twice", target.to.name())));
        }
        match &target.when {
            Some(_) if group.strategy != Strategy::Rules => {
                Err(RegistryError::invalid("targets", "have conditions (when) only where the strategy is rules"))
            }
            Some(when) => check_when(when),
            None => Ok(()),
        }
    }

    fn check_unused(&self, wanted: &To) -> Result<(), RegistryError> {
        let asks = |group: &Group| group.classifier.as_ref().is_some_and(|asked| asked.model == *wanted.name());
        let uses = |group: &&Arc<Group>| group.targets.iter().any(|target| target.to == *wanted) || asks(group);
        match self.groups().find(uses) {
            Some(group) => {
                Err(RegistryError::Conflict(format!("the group {:?} uses it; change that group first", group.name)))
            }
            None => Ok(()),
        }
    }

    /// `seen` says how deep below others each group was met: what was met as deep need not be looked at again.
    fn descend(
        &self,
        group: &Group,
        above: &mut Vec<Arc<str>>,
        seen: &mut HashMap<GroupId, usize>,
    ) -> Result<(), RegistryError> {
        let again = above.contains(&group.name);
        above.push(Arc::clone(&group.name));
        let chain = || above.join(" → ");
        if again {
            return Err(RegistryError::invalid("targets", format!("make a circle: {}", chain())));
        }
        if above.len() > MAX_DEPTH {
            return Err(RegistryError::invalid(
                "targets",
                format!("stand deeper than {MAX_DEPTH} groups: {}", chain()),
            ));
        }
        let inside = group.targets.iter().filter_map(|target| match &target.to {
            To::Group(name) => self.group_by_name(name),
            To::Model(_) => None,
        });
        for inside in inside {
            if above.contains(&inside.name) || seen.get(&inside.id).is_none_or(|depth| *depth < above.len()) {
                self.descend(inside, above, seen)?;
            }
        }
        seen.insert(group.id, above.len().saturating_sub(1));
        above.pop();
        Ok(())
    }
}

fn check_when(when: &When) -> Result<(), RegistryError> {
    let invalid = |reason: &str| Err(RegistryError::invalid("targets", reason));
    if when.min_input_tokens.zip(when.max_input_tokens).is_some_and(|(least, most)| least > most) {
        return invalid("have a condition whose min_input_tokens is more than its max_input_tokens");
    }
    let words = [&when.tags, &when.keywords];
    if words.iter().any(|list| list.len() > MAX_WORDS) {
        return invalid("may have 64 tags and 64 keywords in one condition");
    }
    if words.iter().flat_map(|list| list.iter()).any(|word| name::fault(word).is_some()) {
        return invalid("need tags and keywords of 1 to 128 printable characters");
    }
    // Requests tell theirs between commas.
    if when.tags.iter().any(|tag| tag.contains(',')) {
        return invalid("need tags without commas");
    }
    Ok(())
}

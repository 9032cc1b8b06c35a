//! Classifiers: a cheap model rates a request, and the rating chooses among a group's targets.
//! Owns the record, how ratings map to targets, and that no classifier waits for another. Refuses to ask: whoever serves the
//! request does.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::Catalogue;
use super::error::RegistryError;
use super::group::{Group, To};
use crate::domain::Strategy;

#[cfg(test)]
mod tests;

/// The finest scale: models do not tell more degrees apart.
const MAX_SCALE: u32 = 100;
const USUAL_SCALE: u32 = 10;

/// Who rates a group's requests, and on which scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Classifier {
    /// A model, or a group without a classifier, by name.
    pub model: Arc<str>,
    /// The highest rating; the lowest is 1.
    #[serde(default = "usual_scale")]
    pub scale: u32,
}

/// What came of asking a classifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rated {
    /// This rating.
    Said(u32),
    /// None; why, to be read after the classifier's name.
    Silent(Arc<str>),
}

impl Classifier {
    /// Which of `targets` a rating chooses: each has its share of the scale, and a rating goes where its middle lies. (On a
    /// scale of 10 the first of three has 1 to 3, the second 4 to 7, the third 8 to 10.)
    pub fn choice(&self, rating: u32, targets: usize) -> usize {
        let (rating, scale) = (u64::from(rating.clamp(1, self.scale.max(1))), u64::from(self.scale.max(1)));
        let targets = u64::try_from(targets).unwrap_or(0);
        usize::try_from((2 * rating - 1).saturating_mul(targets) / (2 * scale)).unwrap_or(0)
    }

    /// The ratings that choose each of `targets`, in their order.
    pub fn shares(&self, targets: usize) -> Vec<RangeInclusive<u32>> {
        let of = |target| {
            let mut ratings = (1..=self.scale).filter(|rating| self.choice(*rating, targets) == target);
            let first = ratings.next()?;
            Some(first..=ratings.next_back().unwrap_or(first))
        };
        (0..targets).filter_map(of).collect()
    }
}

impl Rated {
    /// Which of `group`'s targets is tried first, and why, in words. Without a rating it is the last: the strongest.
    pub(super) fn choose(rated: Option<&Self>, group: &Group) -> (usize, String) {
        let last = group.targets.len().saturating_sub(1);
        let Some(classifier) = &group.classifier else { return (last, "missing".to_owned()) };
        let model = &classifier.model;
        match rated {
            Some(Self::Said(rating)) => {
                let chosen = classifier.choice(*rating, group.targets.len());
                (chosen, format!("{model} rated {rating} of {}", classifier.scale))
            }
            Some(Self::Silent(why)) => (last, format!("{model} {why}")),
            None => (last, format!("{model} was not asked")),
        }
    }
}

impl Catalogue {
    /// Whether `group` has a classifier where its strategy needs one and nowhere else, and one that is there.
    pub(super) fn check_classifier(&self, group: &Group) -> Result<(), RegistryError> {
        let invalid = |reason: String| Err(RegistryError::invalid("classifier", reason));
        let Some(classifier) = &group.classifier else {
            return match group.strategy {
                Strategy::Classifier => invalid("must be given where the strategy is classifier".to_owned()),
                _ => Ok(()),
            };
        };
        if group.strategy != Strategy::Classifier {
            return invalid("is asked only where the strategy is classifier".to_owned());
        }
        let least = u32::try_from(group.targets.len()).unwrap_or(MAX_SCALE).max(2);
        if !(least..=MAX_SCALE).contains(&classifier.scale) {
            return invalid(format!("scale must be between {least} (the number of targets, or 2) and {MAX_SCALE}"));
        }
        let name = &classifier.model;
        // A group that names itself has a classifier, and is refused as such.
        if *name != group.name && !self.has_model(name) && self.group_by_name(name).is_none() {
            return invalid(format!("names {name:?}, which does not exist"));
        }
        Ok(())
    }

    /// Whether no classifier waits for another: one request is rated once.
    pub(super) fn check_classifiers(&self) -> Result<(), RegistryError> {
        for group in self.groups() {
            let Some(classifier) = &group.classifier else { continue };
            let targets = group.targets.iter().filter_map(|target| match &target.to {
                To::Group(name) => Some(name),
                To::Model(_) => None,
            });
            for name in targets.chain([&classifier.model]) {
                if let Some(inside) = self.classified_in(name, &mut HashSet::new()) {
                    let reason = format!("of the group {:?} leads to another: that of {:?}", group.name, inside.name);
                    return Err(RegistryError::invalid("classifier", reason));
                }
            }
        }
        Ok(())
    }

    /// A group with a classifier that the group `name` is or has in it, if there is one.
    fn classified_in(&self, name: &Arc<str>, seen: &mut HashSet<Arc<str>>) -> Option<&Arc<Group>> {
        let group = self.group_by_name(name)?;
        if !seen.insert(Arc::clone(name)) {
            return None;
        }
        if group.classifier.is_some() {
            return Some(group);
        }
        group.targets.iter().find_map(|target| match &target.to {
            To::Group(name) => self.classified_in(name, seen),
            To::Model(_) => None,
        })
    }
}

fn usual_scale() -> u32 {
    USUAL_SCALE
}

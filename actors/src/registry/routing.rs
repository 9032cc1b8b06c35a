//! Routing: from the model a client names to the deployments to try, in order, and why. Pure.
//!
//! A name is, in this order: a model, a group, or what a pattern makes of it. A model's deployments come by priority, those of
//! one priority by shares; a group puts its targets in order by its strategy and opens each of them the same way. The rest of
//! the list is where a call goes when its beginning fails.
//!
//! Owns the order and its reasons. Refuses to judge health and price: whoever asks leaves out what cannot serve, and says so
//! with [`Step::LeftOut`]. Asks nobody; what it needs to know of the request is asked only where something depends on it.

mod share;
mod step;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

pub use step::{Step, Why, told, told_further};

use super::catalogue::{Candidate, Catalogue, Provider};
use super::classifier::Rated;
use super::group::Group;
use crate::domain::{DeploymentId, Destination, Pattern, Patterns, Usage, name};
use walk::Walk;

/// How many groups may stand inside one another.
pub const MAX_DEPTH: usize = 10;

/// What a choice may depend on.
pub trait Situation {
    /// The same for every request of a conversation, and different for different ones.
    fn seed(&self) -> u64;
    /// Tokens of the prompt, estimated.
    fn input_tokens(&self) -> u64;
    /// What the call is likely to use, to compare prices by.
    fn expected(&self) -> Usage;
    /// Whether it has pictures.
    fn has_images(&self) -> bool;
    /// Whether it offers tools.
    fn has_tools(&self) -> bool;
    /// Whether it has this tag.
    fn is_tagged(&self, tag: &str) -> bool;
    /// Whether what was said last contains this word, in large or small letters.
    fn mentions(&self, keyword: &str) -> bool;
    /// What came of asking the classifier of this group; `None` if it was not asked.
    fn rating(&self, group: &Group) -> Option<Rated>;
    /// How soon this deployment answered such calls lately; `None` if none is known.
    fn latency(&self, deployment: DeploymentId) -> Option<Duration>;
    /// A way to `model` at `provider`, where nobody has set up a deployment.
    fn passage(&self, provider: &Arc<Provider>, model: &str) -> Candidate;
}

/// Where a request can go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// In the order to try; at least one, until somebody leaves out those that cannot serve.
    pub candidates: Vec<Candidate>,
    /// What was decided, in the order it was; nothing where there was nothing to decide.
    pub steps: Vec<Step>,
    /// The group whose classifier would decide what comes first, and was not asked. The candidates are the same whatever it
    /// says.
    pub question: Option<Arc<Group>>,
}

impl Route {
    /// Leaves out whom `fault` has something against, and says so.
    pub fn leave_out(&mut self, mut fault: impl FnMut(&Candidate) -> Option<Why>) {
        let steps = &mut self.steps;
        self.candidates.retain(|candidate| {
            let why = fault(candidate);
            steps.extend(why.map(|why| Step::LeftOut(candidate.clone(), why)));
            why.is_none()
        });
    }

    /// Gives others their turn before whoever `is_last`, where there are others.
    pub fn put_last(&mut self, is_last: impl Fn(&Candidate) -> bool) {
        if self.candidates.len() < 2 {
            return;
        }
        let (last, first): (Vec<_>, Vec<_>) = std::mem::take(&mut self.candidates).into_iter().partition(is_last);
        if !first.is_empty() {
            self.steps.extend(last.iter().cloned().map(Step::PutLast));
        }
        self.candidates = [first, last].concat();
    }
}

/// Why there is nowhere to go.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoRoute {
    /// Nothing has this name, no pattern matches it, or all its providers are disabled.
    #[error("no such model")]
    Unknown,
    /// The request meets the conditions of no target.
    #[error("the request meets none of the rules of the group {0:?}")]
    NoRule(Arc<str>),
}

impl Catalogue {
    /// Where a request for `model` can go.
    ///
    /// # Errors
    /// [`NoRoute`].
    pub fn route(&self, patterns: &Patterns, model: &str, by: &dyn Situation) -> Result<Route, NoRoute> {
        // By far the most requests: nothing to decide, nothing to write down.
        if let [only] = self.candidates(model) {
            return Ok(Route { candidates: vec![only.clone()], ..Route::default() });
        }
        let mut walk = Walk::new(self, by);
        if self.has_model(model) {
            walk.model(model);
        } else if let Some(group) = self.group_by_name(model) {
            walk.group(group)?;
        } else if let Some(pattern) = patterns.find(model) {
            self.follow(&pattern, model, &mut walk)?;
        }
        if walk.route.candidates.is_empty() { Err(walk.unmet.unwrap_or(NoRoute::Unknown)) } else { Ok(walk.route) }
    }

    /// Whether a request for `model` would go somewhere, were all well.
    pub fn knows(&self, patterns: &Patterns, model: &str) -> bool {
        if self.has_model(model) || self.group_by_name(model).is_some() {
            return self.offers(model);
        }
        name::fault(model).is_none()
            && patterns.find(model).is_some_and(|pattern| match self.destination(&pattern.to) {
                Some(Found::Named(name)) => self.offers(name),
                Some(Found::Provider(provider)) => provider.enabled,
                None => false,
            })
    }

    /// Whether a model or group of this name has a deployment at an enabled provider.
    pub fn offers(&self, name: &str) -> bool {
        !self.candidates(name).is_empty()
            || self.group_by_name(name).is_some_and(|group| self.first_of(group).is_some())
    }

    /// What a pattern leads to, as far as it is there.
    pub fn leads_somewhere(&self, pattern: &Pattern) -> bool {
        self.destination(&pattern.to).is_some()
    }

    /// A stranger's word goes no further if it could be nobody's name.
    fn follow(&self, pattern: &Pattern, model: &str, walk: &mut Walk<'_>) -> Result<(), NoRoute> {
        let to = self.destination(&pattern.to).filter(|_| name::fault(model).is_none()).ok_or(NoRoute::Unknown)?;
        walk.route.steps.push(Step::Pattern(pattern.clone()));
        match to {
            Found::Named(name) => match self.group_by_name(name) {
                Some(group) => walk.group(group)?,
                None => walk.model(name),
            },
            Found::Provider(provider) => walk.provider(provider, model),
        }
        Ok(())
    }

    fn destination<'a>(&'a self, to: &'a Destination) -> Option<Found<'a>> {
        let named =
            |name: &'a str| (self.has_model(name) || self.group_by_name(name).is_some()).then_some(Found::Named(name));
        let provider = |name| self.provider_by_name(name).map(Found::Provider);
        match to {
            Destination::Any(name) => named(name).or_else(|| provider(name)),
            Destination::Model(name) => named(name),
            Destination::Provider(name) => provider(name),
        }
    }
}

/// What a destination is.
enum Found<'a> {
    /// A model or a group.
    Named(&'a str),
    /// A provider, enabled or not.
    Provider(&'a Arc<Provider>),
}

//! The walk from a name to deployments, through groups. Owns the order that each strategy makes, and which decisions are told:
//! those on the way to the first candidate, not those about what comes after it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::super::catalogue::{Candidate, Catalogue, Deployment, Provider};
use super::super::classifier::Rated;
use super::super::group::{Group, Target, To};
use super::share::place;
use super::step::called;
use super::{NoRoute, Route, Situation, Step};
use crate::domain::{GroupId, Strategy};

/// Deployments that answer nearly as soon as the soonest share the calls, so that one does not have them all: a quarter more.
const NEARLY: u32 = 4;

/// What is found so far.
pub(super) struct Walk<'a> {
    catalogue: &'a Catalogue,
    by: &'a dyn Situation,
    pub(super) route: Route,
    /// Groups that were opened: again they would give the same, and many inside one another would never end.
    opened: Vec<GroupId>,
    /// A group inside another whose rules the request does not meet.
    pub(super) unmet: Option<NoRoute>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, by: &'a dyn Situation) -> Self {
        Self { catalogue, by, route: Route::default(), opened: Vec::new(), unmet: None }
    }

    /// Adds the deployments of a model: by priority, those of one priority by shares.
    pub(super) fn model(&mut self, name: &str) {
        let known = self.catalogue.candidates(name);
        for equals in known.chunk_by(|one, other| one.deployment.priority == other.deployment.priority) {
            if let [only] = equals {
                self.add(only.clone());
                continue;
            }
            let mut equals = equals.to_vec();
            equals.sort_by_cached_key(|candidate| self.share(candidate));
            if let Some(first) = equals.first().filter(|_| self.leads()) {
                self.route.steps.push(Step::Shared { chosen: first.clone(), among: equals.len() });
            }
            equals.into_iter().for_each(|candidate| self.add(candidate));
        }
    }

    /// Adds what a group chooses, the first choice first.
    pub(super) fn group(&mut self, group: &Arc<Group>) -> Result<(), NoRoute> {
        if self.opened.contains(&group.id) {
            return Ok(());
        }
        self.opened.push(group.id);
        match group.strategy {
            Strategy::Ordered => self.in_order(group, group.targets.iter().collect()),
            Strategy::Weighted => {
                let mut targets: Vec<_> = group.targets.iter().collect();
                targets.sort_by_cached_key(|target| place(self.by.seed(), mark(group, target), target.weight));
                self.in_order(group, targets)
            }
            Strategy::Rules => self.by_rules(group),
            Strategy::Classifier => self.by_rating(group),
            Strategy::LowestPrice => self.by_figure(group, Self::cheapest),
            Strategy::LowestLatency => self.by_figure(group, Self::soonest),
        }
    }

    /// Adds the way to `model` at a provider: its deployments of that model, or else straight through.
    pub(super) fn provider(&mut self, provider: &Arc<Provider>, model: &str) {
        if !provider.enabled {
            return;
        }
        let prefix = model.strip_prefix(provider.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let model = prefix.filter(|rest| !rest.is_empty()).unwrap_or(model);
        let same = |deployment: &&Arc<Deployment>| is_at(deployment, provider, model);
        let known: Vec<_> = self.catalogue.deployments().filter(same).cloned().collect();
        for deployment in &known {
            self.add(Candidate { deployment: Arc::clone(deployment), provider: Arc::clone(provider) });
        }
        if known.is_empty() {
            let candidate = self.by.passage(provider, model);
            self.route.steps.push(Step::PassedThrough(candidate.clone()));
            self.add(candidate);
        }
    }

    fn in_order(&mut self, group: &Group, targets: Vec<&Target>) -> Result<(), NoRoute> {
        self.tell(group, targets.first().map(|first| first.to.name().to_string()), None);
        targets.into_iter().try_for_each(|target| self.target(target))
    }

    fn by_rules(&mut self, group: &Group) -> Result<(), NoRoute> {
        let reason = |target: &Target| match &target.when {
            Some(when) => when.reason(self.by),
            None => Some("any request".to_owned()),
        };
        let met: Vec<_> = group.targets.iter().filter_map(|target| Some((target, reason(target)?))).collect();
        let Some((first, reason)) = met.first() else { return Err(NoRoute::NoRule(Arc::clone(&group.name))) };
        self.tell(group, Some(first.to.name().to_string()), Some(reason.clone()));
        met.iter().try_for_each(|(target, _)| self.target(target))
    }

    /// The target that the rating chooses, then the stronger ones, then the weaker ones.
    fn by_rating(&mut self, group: &Arc<Group>) -> Result<(), NoRoute> {
        let (rated, leads) = (self.by.rating(group), self.leads());
        let (chosen, because) = Rated::choose(rated.as_ref(), group);
        let (weaker, stronger) = group.targets.split_at(chosen.min(group.targets.len()));
        self.tell(group, stronger.first().map(|first| first.to.name().to_string()), Some(because));
        stronger.iter().chain(weaker.iter().rev()).try_for_each(|target| self.target(target))?;
        if leads && rated.is_none() && group.targets.len() > 1 && !self.leads() {
            self.route.question = Some(Arc::clone(group));
        }
        Ok(())
    }

    /// Opens every target and puts all their deployments in one order.
    fn by_figure(&mut self, group: &Group, order: fn(&Self, &mut [Candidate])) -> Result<(), NoRoute> {
        let mut inside = Walk { opened: std::mem::take(&mut self.opened), ..Walk::new(self.catalogue, self.by) };
        group.targets.iter().try_for_each(|target| inside.target(target))?;
        self.unmet = inside.unmet.or(self.unmet.take());
        self.opened = inside.opened;
        let mut found = inside.route.candidates;
        order(self, &mut found);
        self.tell(group, found.first().map(called), None);
        found.into_iter().for_each(|candidate| self.add(candidate));
        Ok(())
    }

    fn cheapest(&self, candidates: &mut [Candidate]) {
        let usage = self.by.expected();
        candidates.sort_by_cached_key(|candidate| {
            let price = candidate.deployment.price.as_deref();
            (price.is_none(), price.map(|(_, price)| price.cost(&usage)))
        });
    }

    /// A deployment of which nothing is known yet goes first, so that something becomes known.
    fn soonest(&self, candidates: &mut [Candidate]) {
        let latency = |candidate: &Candidate| self.by.latency(candidate.deployment.id).unwrap_or_default();
        let best = candidates.iter().map(latency).min().unwrap_or_default();
        let near = best.saturating_add(best / NEARLY);
        candidates.sort_by_cached_key(|candidate| match latency(candidate) {
            soon if soon <= near => (Duration::ZERO, self.share(candidate)),
            later => (later, 0),
        });
    }

    fn target(&mut self, target: &Target) -> Result<(), NoRoute> {
        match &target.to {
            To::Model(name) => self.model(name),
            To::Group(name) => {
                if let Some(group) = self.catalogue.group_by_name(name) {
                    return self.nested(group);
                }
            }
        }
        Ok(())
    }

    /// A group inside another whose rules a request does not meet is passed over, unless nothing else is left.
    fn nested(&mut self, group: &Arc<Group>) -> Result<(), NoRoute> {
        match self.group(group) {
            Err(unmet @ NoRoute::NoRule(_)) => {
                self.unmet = Some(unmet);
                Ok(())
            }
            done => done,
        }
    }

    fn add(&mut self, candidate: Candidate) {
        let same = |known: &Candidate| known.deployment.id == candidate.deployment.id;
        if !self.route.candidates.iter().any(same) {
            self.route.candidates.push(candidate);
        }
    }

    fn tell(&mut self, group: &Group, chosen: Option<String>, because: Option<String>) {
        if let Some(chosen) = chosen.filter(|_| self.leads()) {
            let (name, strategy) = (Arc::clone(&group.name), group.strategy);
            self.route.steps.push(Step::Group { name, strategy, chosen, because });
        }
    }

    /// Whether what is decided now decides what comes first.
    fn leads(&self) -> bool {
        self.route.candidates.is_empty()
    }

    fn share(&self, candidate: &Candidate) -> u128 {
        place(self.by.seed(), candidate.deployment.id.as_u128(), candidate.deployment.weight)
    }
}

impl Catalogue {
    /// The first deployment a group can come to, whatever is asked.
    pub fn first_of(&self, group: &Group) -> Option<&Candidate> {
        self.first_beyond(group, &mut Vec::new())
    }

    fn first_beyond(&self, group: &Group, opened: &mut Vec<GroupId>) -> Option<&Candidate> {
        if opened.contains(&group.id) {
            return None;
        }
        opened.push(group.id);
        group.targets.iter().find_map(|target| match &target.to {
            To::Model(name) => self.candidates(name).first(),
            To::Group(name) => self.group_by_name(name).and_then(|inside| self.first_beyond(inside, opened)),
        })
    }
}

fn is_at(deployment: &Deployment, provider: &Provider, model: &str) -> bool {
    deployment.provider == provider.id && *deployment.upstream_model == *model
}

/// Two groups share out their conversations independently, or the second would get only a part of them.
fn mark(group: &Group, target: &Target) -> u128 {
    let mut hasher = DefaultHasher::new();
    target.to.name().hash(&mut hasher);
    group.id.as_u128() ^ u128::from(hasher.finish())
}

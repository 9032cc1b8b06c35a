//! The situation of one request: what routing may ask about it. Owns when that is found out: only if something depends on it.
//! Refuses to decide.

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use farthing_actors::domain::{DeploymentId, Usage};
use farthing_actors::registry::catalogue::{Candidate, Provider};
use farthing_actors::registry::classifier::Rated;
use farthing_actors::registry::group::Group;
use farthing_actors::registry::routing::Situation;

use super::Relay;
use super::estimate::Estimate;
use super::exchange::Exchange;
use crate::dialect::{Endpoint, Outline, Request};

/// One request before its route is known.
pub(super) struct Asked<'a> {
    relay: &'a Relay,
    exchange: &'a Exchange,
    outline: OnceCell<Outline>,
    estimate: OnceCell<Estimate>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(relay: &'a Relay, exchange: &'a Exchange) -> Self {
        Self { relay, exchange, outline: OnceCell::new(), estimate: OnceCell::new() }
    }

    fn request(&self) -> &Request {
        &self.exchange.ask.request
    }

    fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| Outline::of(self.request()))
    }

    fn estimate(&self) -> &Estimate {
        self.estimate.get_or_init(|| Estimate::of(self.request(), &[]))
    }
}

impl Situation for Asked<'_> {
    /// Of a conversation that nothing tells from others, and of what is none: each request by itself.
    fn seed(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.exchange.key_id(), &self.exchange.head().model).hash(&mut hasher);
        let outline = self.outline();
        if !(outline.stored || self.request().stored_state().is_some()) {
            match outline.conversation.filter(|_| self.request().endpoint() == Endpoint::Conversation) {
                Some(conversation) => conversation.hash(&mut hasher),
                None => self.exchange.id.hash(&mut hasher),
            }
        }
        hasher.finish()
    }

    fn input_tokens(&self) -> u64 {
        self.estimate().prompt
    }

    fn expected(&self) -> Usage {
        let estimate = self.estimate();
        Usage { input: estimate.prompt, units: estimate.likely, ..estimate.expected() }
    }

    fn has_images(&self) -> bool {
        self.request().beyond().pictures > 0
    }

    fn has_tools(&self) -> bool {
        self.outline().tools
    }

    fn is_tagged(&self, tag: &str) -> bool {
        let tags = self.exchange.ask.tags.as_deref().unwrap_or("");
        tags.split(',').any(|given| given.trim() == tag)
    }

    fn mentions(&self, keyword: &str) -> bool {
        self.outline().last.contains(&keyword.to_lowercase())
    }

    fn rating(&self, group: &Group) -> Option<Rated> {
        self.exchange.rated.as_ref().filter(|(rated, _)| *rated == group.id).map(|(_, rated)| rated.clone())
    }

    fn latency(&self, deployment: DeploymentId) -> Option<Duration> {
        self.relay.breakers.pace(deployment, self.exchange.head().stream)
    }

    fn passage(&self, provider: &Arc<Provider>, model: &str) -> Candidate {
        (self.relay.passage)(provider, model)
    }
}

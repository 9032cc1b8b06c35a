//! Audiences: one channel for those who see every project, and one for each set of projects that listeners are limited to.
//! Owns that a listener waits, falls behind and is told of losses by events of its own projects alone. Refuses to cost more
//! than a look at each set that somebody listens to.

use std::sync::Arc;

use tokio::sync::broadcast::{Receiver, Sender, channel};

use super::event::Notice;
use crate::domain::ProjectId;

/// Live events a listener may be behind; then the oldest are dropped.
const QUEUE: usize = 256;

/// Whose events somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// All events, of the gateway too.
    Everybody,
    /// Those of these projects alone; in ascending order, so that two of the same are equal.
    Of(Arc<[ProjectId]>),
}

/// The channels.
pub(super) struct Audiences {
    all: Sender<Arc<Notice>>,
    limited: Vec<(Audience, Sender<Arc<Notice>>)>,
}

impl Audience {
    fn hears(&self, notice: &Notice) -> bool {
        match self {
            Self::Everybody => true,
            Self::Of(projects) => notice.project().is_some_and(|project| projects.binary_search(&project).is_ok()),
        }
    }
}

impl Default for Audiences {
    fn default() -> Self {
        Self { all: channel(QUEUE).0, limited: Vec::new() }
    }
}

impl Audiences {
    /// Passes it on to those it is for. Nobody need be listening.
    pub(super) fn tell(&self, notice: Arc<Notice>) {
        for (_, live) in self.limited.iter().filter(|(audience, _)| audience.hears(&notice)) {
            live.send(Arc::clone(&notice)).ok();
        }
        self.all.send(notice).ok();
    }

    /// What this audience is told from now on.
    pub(super) fn join(&mut self, audience: Audience) -> Receiver<Arc<Notice>> {
        if audience == Audience::Everybody {
            return self.all.subscribe();
        }
        self.limited.retain(|(_, live)| live.receiver_count() > 0);
        if let Some((_, live)) = self.limited.iter().find(|(known, _)| *known == audience) {
            return live.subscribe();
        }
        let (live, told) = channel(QUEUE);
        self.limited.push((audience, live));
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_limited_to_the_same_share_a_channel_and_one_that_nobody_hears_is_gone() {
        let mut audiences = Audiences::default();
        let of = |id| Audience::Of([ProjectId::from_u128(id)].into());
        let told = [audiences.join(of(1)), audiences.join(of(1)), audiences.join(of(2))];
        let _all = audiences.join(Audience::Everybody);
        assert_eq!(audiences.limited.len(), 2);
        drop(told);
        let _told = audiences.join(of(3));
        assert_eq!(audiences.limited.len(), 1);
    }
}

//! The window: the last events, so that a page that opens is not empty. Pure.
//! Owns their order and their number. Refuses to grow.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::Notice;

/// What a page can show at once, and about 50 KiB.
const KEPT: usize = 256;

/// Events, oldest first, as several may hold them.
pub(super) type Recent = Arc<[Arc<Notice>]>;

/// The last events, oldest first.
#[derive(Debug, Default)]
pub(super) struct Window {
    events: VecDeque<Arc<Notice>>,
    /// All of them for those who ask before the next one: thousands who come back at once hold one list.
    list: Option<Recent>,
}

impl Window {
    /// Adds the newest; the oldest gives way.
    pub(super) fn push(&mut self, event: Arc<Notice>) {
        if self.events.len() >= KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event);
        self.list = None;
    }

    /// All of them.
    pub(super) fn list(&mut self) -> Recent {
        let list = self.list.get_or_insert_with(|| self.events.iter().cloned().collect());
        Arc::clone(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Event;

    #[test]
    fn keeps_the_last_and_their_order() {
        let mut window = Window::default();
        for missed in 0..1_000 {
            window.push(Arc::new(Notice::new(Event::Lagged { missed })));
        }
        let kept: Vec<_> = window.list().iter().map(|event| Event::clone(event)).collect();
        let expected: Vec<_> = (744..1_000).map(|missed| Event::Lagged { missed }).collect();
        assert_eq!(kept, expected);
    }
}

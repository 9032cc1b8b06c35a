//! The window: the last events, so that a page that opens is not empty. Pure.
//! Owns their order and their number. Refuses to grow.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::Notice;

/// What a page can show at once, and about 50 KiB.
const KEPT: usize = 256;

/// The last events, oldest first.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Arc<Notice>>);

impl Window {
    /// Adds the newest; the oldest gives way.
    pub(super) fn push(&mut self, event: Arc<Notice>) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(event);
    }

    /// All of them, oldest first.
    pub(super) fn to_vec(&self) -> Vec<Arc<Notice>> {
        self.0.iter().cloned().collect()
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
        let kept: Vec<_> = window.to_vec().iter().map(|event| Event::clone(event)).collect();
        let expected: Vec<_> = (744..1_000).map(|missed| Event::Lagged { missed }).collect();
        assert_eq!(kept, expected);
    }
}

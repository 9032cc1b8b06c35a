//! Pace: how much a listener may have unread, and how much it may say. Pure.
//! Owns the count of bytes and the marks that ask for an answer: a socket never has more on its way than a small window, so that a
//! reader that stands still costs its window and nothing in the kernel. Refuses to trust an answer to what was not asked.

use std::time::Duration;

/// Bytes on their way that no answer has confirmed; a client at 100 ms is sent 160 KB/s by that.
const WINDOW: u64 = 16 * 1_024;
/// Pings without an answer after which nobody is there.
const MISSES: u8 = 2;
/// Frames that a client may send in a minute, beside answers that were asked for.
const FRAMES: u32 = 100;
const MINUTE: Duration = Duration::from_secs(60);

/// Where a listener stands. Marks are counts of bytes.
#[derive(Debug, Default)]
pub(super) struct Pace {
    sent: u64,
    /// How much of it is confirmed.
    heard: u64,
    /// Asked and not answered.
    asked: Option<u64>,
    unanswered: u8,
    frames: u32,
    /// When the present minute began.
    minute: Duration,
}

impl Pace {
    /// Notes that so many bytes are on their way.
    pub(super) fn send(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// What is to be asked now, if half of the window is used.
    pub(super) fn mark(&mut self) -> Option<u64> {
        let is_due = self.asked.is_none() && self.unheard() >= WINDOW / 2;
        is_due.then(|| *self.asked.insert(self.sent))
    }

    /// What is to be asked of a client that may be gone; `None` if it is.
    pub(super) fn beat(&mut self) -> Option<u64> {
        if self.unanswered >= MISSES {
            return None;
        }
        self.unanswered = self.unanswered.saturating_add(1);
        Some(*self.asked.insert(self.sent))
    }

    /// Notes an answer. Whether anything was asked so.
    #[must_use]
    pub(super) fn answer(&mut self, mark: u64) -> bool {
        let was_asked = self.asked.is_some() && (self.heard..=self.sent).contains(&mark);
        if was_asked {
            (self.heard, self.unanswered) = (mark, 0);
            self.asked = self.asked.filter(|asked| *asked > mark);
        }
        was_asked
    }

    /// Whether the client must read first.
    pub(super) fn is_full(&self) -> bool {
        self.unheard() >= WINDOW
    }

    /// Counts a frame that nobody asked for. Whether the client may send it.
    #[must_use]
    pub(super) fn take(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.minute) >= MINUTE {
            (self.minute, self.frames) = (now, 0);
        }
        self.frames = self.frames.saturating_add(1);
        self.frames <= FRAMES
    }

    fn unheard(&self) -> u64 {
        self.sent.saturating_sub(self.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_stands_still_is_sent_a_window() {
        let mut pace = Pace::default();
        let mut asked = Vec::new();
        while !pace.is_full() {
            pace.send(1_000);
            asked.extend(pace.mark());
        }
        assert_eq!((asked, pace.sent), (vec![9_000], 17_000));
        assert!(pace.answer(9_000) && !pace.is_full());
        assert_eq!(pace.mark(), None, "less than half of it is on its way");
        pace.send(1_000);
        assert_eq!(pace.mark(), Some(18_000));
    }

    #[test]
    fn an_answer_counts_once_and_if_it_was_asked_for() {
        let mut pace = Pace::default();
        assert!(!pace.answer(0), "nothing was asked");
        pace.send(10_000);
        assert_eq!(pace.mark(), Some(10_000));
        assert!(!pace.answer(10_001) && pace.answer(10_000) && !pace.answer(10_000));
    }

    #[test]
    fn two_beats_without_an_answer_are_enough() {
        let mut pace = Pace::default();
        assert_eq!((pace.beat(), pace.beat(), pace.beat()), (Some(0), Some(0), None));
        assert!(pace.answer(0));
        assert_eq!(pace.beat(), Some(0));
    }

    #[test]
    fn so_many_frames_are_taken_in_a_minute() {
        let mut pace = Pace::default();
        let taken = |pace: &mut Pace, second| (0..200).filter(|_| pace.take(Duration::from_secs(second))).count();
        assert_eq!((taken(&mut pace, 100), taken(&mut pace, 159), taken(&mut pace, 160)), (100, 0, 100));
    }
}

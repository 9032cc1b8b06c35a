//! Waiting for a condition with a deadline: the only pause in the tests.
//! Refuses waits that hope: whoever waits says what for, and fails with those words.

use std::thread;
use std::time::{Duration, Instant};

/// Patience where the gateway has no promise to keep; generous, because a failing test may be slow but a passing one is not.
pub const PATIENCE: Duration = Duration::from_secs(20);

const PAUSE: Duration = Duration::from_millis(5);

/// Asks `probe` until it answers, and says how long that took.
///
/// # Panics
/// If `patience` ends first.
pub fn until<T>(what: &str, patience: Duration, mut probe: impl FnMut() -> Option<T>) -> (T, Duration) {
    let begin = Instant::now();
    loop {
        if let Some(found) = probe() {
            return (found, begin.elapsed());
        }
        assert!(begin.elapsed() < patience, "waited {patience:?} in vain until {what}");
        thread::sleep(PAUSE);
    }
}

//! A steady application beside whatever a test does to the gateway: a hundred calls a second, half of them to a model that answers
//! at once, which shows every wait, and half to one that thinks for 60 ms, which is what callers of a fast model see.
//! Owns its threads and what the calls took. Refuses to go on when a call fails.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A call of either kind so often.
const GAP: Duration = Duration::from_millis(20);
/// For how long a model thinks.
const THINKING: Duration = Duration::from_millis(60);
/// How many callers it takes to call one that thinks as often.
const THINKERS: u32 = 4;

/// An application that calls.
pub struct Traffic {
    is_over: Arc<AtomicBool>,
    at_once: Vec<Caller>,
    thinking: Vec<Caller>,
}

type Caller = JoinHandle<Result<Vec<Duration>, String>>;

/// How long its calls took, from connection to end of answer.
pub struct Took {
    at_once: Times,
    thinking: Times,
}

/// In order.
struct Times(Vec<Duration>);

impl Traffic {
    /// Begins to call. `call` is told for how long the model shall think, and says why it was not served.
    pub fn start(call: impl Fn(Duration) -> Result<(), String> + Send + Sync + 'static) -> Self {
        let (is_over, call) = (Arc::new(AtomicBool::new(false)), Arc::new(call));
        let caller = |first, gap, thinking| {
            let (is_over, call) = (Arc::clone(&is_over), Arc::clone(&call));
            thread::spawn(move || {
                thread::sleep(first);
                repeat(&is_over, gap, || call(thinking))
            })
        };
        let at_once = vec![caller(Duration::ZERO, GAP, Duration::ZERO)];
        let thinking = (0..THINKERS).map(|nth| caller(GAP * nth, GAP * THINKERS, THINKING)).collect();
        Self { is_over, at_once, thinking }
    }

    /// Calls no more.
    ///
    /// # Errors
    /// Why a call was not served.
    pub fn stop(self) -> Result<Took, String> {
        self.is_over.store(true, Ordering::Release);
        Ok(Took { at_once: Times::of(self.at_once)?, thinking: Times::of(self.thinking)? })
    }
}

impl Took {
    /// How many calls there were.
    pub fn count(&self) -> usize {
        self.at_once.0.len() + self.thinking.0.len()
    }
}

impl Times {
    fn of(callers: Vec<Caller>) -> Result<Self, String> {
        let mut took = Vec::new();
        for caller in callers {
            took.extend(caller.join().map_err(|_| "a caller died")??);
        }
        took.sort_unstable();
        Ok(Self(took))
    }

    fn at(&self, percent: usize) -> Duration {
        self.0.get(self.0.len() * percent / 100).or(self.0.last()).copied().unwrap_or_default()
    }
}

fn repeat(is_over: &AtomicBool, gap: Duration, call: impl Fn() -> Result<(), String>) -> Result<Vec<Duration>, String> {
    let mut took = Vec::new();
    while !is_over.load(Ordering::Acquire) {
        let begun = Instant::now();
        call()?;
        took.push(begun.elapsed());
        thread::sleep(gap.saturating_sub(begun.elapsed()));
    }
    Ok(took)
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answered at once, {}; {} after {THINKING:?}, {}",
            self.at_once.0.len(),
            self.at_once,
            self.thinking.0.len(),
            self.thinking
        )
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.1?}, p99 {:.1?}, the slowest {:.1?}", self.at(50), self.at(99), self.at(100))
    }
}

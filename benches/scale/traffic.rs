//! Calls beside the pages: an application that calls a hundred times a second, and how long its calls take.
//! Owns its thread. Refuses to go on when a call is not answered.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farthing_support::http::Client;
use serde_json::json;

use crate::{Fault, ms};

const GAP: Duration = Duration::from_millis(10);

/// An application that calls.
pub(crate) struct Traffic {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Duration>, String>>,
}

/// How long its calls took, in order.
pub(crate) struct Took(Vec<Duration>);

impl Traffic {
    /// Begins to call.
    pub(crate) fn start(application: Client) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        Self { is_over, thread: thread::spawn(move || call(&application, &told)) }
    }

    /// Calls no more.
    pub(crate) fn stop(self) -> Result<Took, Fault> {
        self.is_over.store(true, Ordering::Release);
        let mut took = self.thread.join().map_err(|_| "the application died")??;
        took.sort_unstable();
        Ok(Took(took))
    }
}

fn call(application: &Client, is_over: &AtomicBool) -> Result<Vec<Duration>, String> {
    let ask = json!({"model": "model-1", "messages": [{"role": "user", "content": "hello"}]}).to_string();
    let mut took = Vec::new();
    while !is_over.load(Ordering::Acquire) {
        let begun = Instant::now();
        let answer = application.send("POST", "/v1/chat/completions", ask.as_bytes()).map_err(|e| e.to_string())?;
        took.push(begun.elapsed());
        if answer.status != 200 {
            return Err(format!("a call: {} {}", answer.status, answer.text()));
        }
        thread::sleep(GAP.saturating_sub(begun.elapsed()));
    }
    Ok(took)
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |percent| self.0.get(self.0.len() * percent / 100).or(self.0.last()).copied().unwrap_or_default();
        write!(f, "{} calls, ms: p50 {}, p99 {}, slowest {}", self.0.len(), ms(at(50)), ms(at(99)), ms(at(100)))
    }
}

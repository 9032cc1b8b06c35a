//! Faults: what the gateway survives, and that its books agree with what the upstream saw whatever happens.
//!
//! - `clock`: the clock on the wall jumps.
//! - `full`: a disk that takes nothing more.
//! - `killed`: killed with -9 under load, again and again (`load`, `reckoning`).
//! - `leaving`: a thousand callers that do not wait for the end.
//! - `locked`: the database belongs to somebody else for a while.
//! - `outage`: providers that fail.
//! - `race`: a thousand callers on one budget.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "the number of kills and the seed are given from outside")]

mod clock;
mod full;
mod killed;
mod leaving;
mod load;
mod locked;
mod outage;
mod race;
mod reckoning;
mod seed;

use std::sync::mpsc;
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_farthing");

// Waits by the clock on purpose: the instant of a fault is the one thing here that must not depend on any condition.
fn pause(length: Duration) {
    let (_sender, receiver) = mpsc::channel::<()>();
    receiver.recv_timeout(length).ok();
}

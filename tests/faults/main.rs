//! Faults: what the gateway survives, and that its books agree with what the upstream saw whatever happens.
//!
//! - `actors`: owners of state that die or stall (needs the feature `testing` of their crate, as all tests have it).
//! - `authorization`: whatever strangers send as their credential.
//! - `backups`: made under load, put back, altered.
//! - `bombs`: bodies and heads that are larger than they look.
//! - `canaries`: secrets looked for in everything that is written or said.
//! - `clock`: the clock on the wall jumps.
//! - `copies`: backups asked for at once, and on a full disk.
//! - `descriptors`: a process that may have few open files.
//! - `drain`: told to stop under load.
//! - `full`: a disk that takes nothing more.
//! - `guarded`: clients and providers that would choose where a call goes, and providers that trickle.
//! - `installation`: the master key at the start: a wrong one, and a database from before keys were kept.
//! - `killed`: killed with -9 under load, again and again (`load`, `reckoning`).
//! - `leaving`: a thousand callers that do not wait for the end.
//! - `locked`: the database belongs to somebody else for a while.
//! - `long`: a stream that lasts.
//! - `mutations`: requests and replies that were changed by chance.
//! - `outage`: providers that fail.
//! - `race`: a thousand callers on one budget.
//! - `house`: as many calls in flight as there may be, and more.
//! - `rotation`: the master key changes under load, with kills in the middle.
//! - `slow`: peers that send a byte now and then, or never read.
//! - `sockets`: thousands who listen to the feed.
//! - `smuggling`: requests whose end two readers would see at different places (`raw`).
//!
//! `speech` has the same question in every dialect.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "the number of kills and the seed are given from outside")]

mod actors;
mod authorization;
mod backups;
mod bombs;
mod canaries;
mod clock;
mod copies;
mod descriptors;
mod drain;
mod full;
mod guarded;
mod house;
mod installation;
mod killed;
mod leaving;
mod load;
mod locked;
mod long;
mod mutations;
mod outage;
mod race;
mod raw;
mod reckoning;
mod rotation;
mod seed;
mod slow;
mod smuggling;
mod sockets;
mod speech;

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, getrlimit};

const BINARY: &str = env!("CARGO_BIN_EXE_farthing");

/// The rest of this thread's work, and of those it begins, is an attacker's: elsewhere that takes none of the gateway's processors, so here
/// it takes what everybody else leaves. Being nice is not enough: Linux lets even the nicest thread end its slice of some milliseconds.
fn give_way() {
    let this = std::fs::read_link("/proc/thread-self").expect("Linux names its threads");
    let number = this.file_name().expect("by a number");
    let chrt = std::process::Command::new("chrt").args(["--idle", "--pid", "0"]).arg(number).status();
    assert!(chrt.expect("util-linux is there").success(), "a thread may be idle");
}

/// Makes room for thousands of connections in this process: everybody in it waits while the table of its files grows, and honest callers
/// are measured here.
fn foresee_many_files() {
    let highest = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).min(32_768) - 1;
    drop(fcntl_dupfd_cloexec(io::stderr(), i32::try_from(highest).expect("not that many")));
}

// Waits by the clock on purpose: the instant of a fault is the one thing here that must not depend on any condition.
fn pause(length: Duration) {
    let (_sender, receiver) = mpsc::channel::<()>();
    receiver.recv_timeout(length).ok();
}

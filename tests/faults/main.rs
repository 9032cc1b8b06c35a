//! Faults: what the gateway survives. Here it is killed with -9 under load, again and again, and must come back with books
//! that agree with what the upstream saw. `FARTHING_KILLS` says how often, `FARTHING_SEED` repeats a run.
//! Beside it: `locked` (the database belongs to somebody else for a while), `race` (a thousand callers on one budget).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "the number of kills and the seed are given from outside")]

mod load;
mod locked;
mod race;
mod reckoning;
mod seed;

use std::sync::mpsc;
use std::time::Duration;

use farthing_support::poll::PATIENCE;
use farthing_support::scene::{MODEL, prices};
use farthing_support::{Picos, TestGateway, Upstream};

use load::Load;
use reckoning::Reckoning;
use seed::Seed;

const BINARY: &str = env!("CARGO_BIN_EXE_farthing");
const KILLS: u64 = 5;

#[test]
fn killed_under_load_it_loses_nothing_and_books_nothing_twice() {
    let kills = std::env::var("FARTHING_KILLS").map_or(KILLS, |text| text.parse().expect("FARTHING_KILLS is a number"));
    let mut seed = Seed::from_outside();
    let upstream = Upstream::start();
    upstream.answer_with(load::reply);
    let mut gateway = TestGateway::builder(BINARY).start();
    gateway.add_provider("openai", &upstream);
    gateway.add_model(MODEL, "openai", &prices());
    for epoch in 0..kills {
        kill_once(epoch, &mut seed, &mut gateway, &upstream);
    }
}

fn kill_once(epoch: u64, seed: &mut Seed, gateway: &mut TestGateway, upstream: &Upstream) {
    let project = format!("epoch-{epoch}");
    gateway.add_project(&project, Some("1000"));
    let before = upstream.calls();
    let load = Load::start(gateway, &project, epoch);

    // Anywhere in the life of a hundred requests a second: after so many calls, and a few milliseconds more.
    let calls = before + seed.below(120) + 20;
    upstream.wait_for("enough calls", PATIENCE, |journal| (journal.len() >= calls).then_some(()));
    pause(Duration::from_micros(seed.below(30_000).try_into().expect("a small number")));
    gateway.kill_9();
    let told = load.ended();
    gateway.restart();

    let verdict = gateway.verdict();
    assert_eq!(verdict["open_holds"], 0, "holds are resolved before the doors open: {verdict}");
    let reckoning = Reckoning { told, seen: upstream.journal_from(before) };
    let rows = gateway.requests_at_least(&project, reckoning.due());
    reckoning.check(&rows);

    let spent = gateway.list("/api/projects").into_iter().find(|known| known["name"] == *project).expect("it is there");
    let booked: Picos = rows.iter().map(|row| Picos::of(&row["cost_usd"])).sum();
    assert_eq!(Picos::of(&spent["budget"]["spent_usd"]), booked, "balance = entries");
    assert_eq!(Picos::of(&spent["budget"]["held_usd"]), Picos(0));
    let verify = gateway.command(&["ledger", "verify"]);
    assert!(verify.status.success(), "ledger verify after kill {epoch}: {verify:?}");
}

// Waits by the clock on purpose: the instant of the kill is the one thing here that must not depend on any condition.
fn pause(length: Duration) {
    let (_sender, receiver) = mpsc::channel::<()>();
    receiver.recv_timeout(length).ok();
}

//! Killed with -9 under load, again and again: each time it must come back soon, with books that agree with what the
//! providers saw and a budget that was never passed. `FARTHING_KILLS` says how often, `FARTHING_SEED` repeats a run.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farthing_support::poll::PATIENCE;
use farthing_support::scene::{MODEL, prices};
use farthing_support::{Client, Picos, TestGateway, Upstream};
use serde_json::{Value, json};

use crate::load::{self, Load};
use crate::reckoning::Reckoning;
use crate::seed::Seed;
use crate::{BINARY, pause};

const KILLS: u64 = 50;
/// Every so manieth time the whole books are verified, and in the end.
const VERIFIED: u64 = 5;
/// From the start of the process to its first 200 at `/ready`.
const PROMISE: Duration = Duration::from_secs(5);
/// Some eighty calls of the load, or half as many holds: some epochs spend it.
const LIMIT: &str = "0.0025";

struct Stand {
    gateway: TestGateway,
    providers: [Upstream; 2],
    seed: Seed,
}

/// What is printed in the end.
#[derive(Default)]
struct Figures {
    calls: usize,
    refused: usize,
    crossed: usize,
    looks: usize,
    loaded: Duration,
    ready: Vec<Duration>,
}

#[test]
fn killed_under_load_it_loses_nothing_and_books_nothing_twice() {
    let kills = std::env::var("FARTHING_KILLS").map_or(KILLS, |text| text.parse().expect("FARTHING_KILLS is a number"));
    let mut stand = Stand::new();
    let mut figures = Figures::default();
    for epoch in 0..kills {
        stand.kill_once(epoch, &mut figures);
    }
    let verify = stand.gateway.command(&["ledger", "verify"]);
    assert!(verify.status.success(), "ledger verify in the end: {verify:?}");
    figures.print();
}

impl Stand {
    fn new() -> Self {
        let seed = Seed::from_outside();
        let gateway = TestGateway::builder(BINARY).start();
        let providers = [Upstream::start(), Upstream::start()];
        providers[0].answer_with(load::failing_reply);
        providers[1].answer_with(load::reply);
        for (priority, (name, upstream)) in ["first", "second"].into_iter().zip(&providers).enumerate() {
            gateway.add_provider(name, upstream);
            let deployment = json!({
                "name": MODEL, "provider": name, "upstream_model": MODEL, "priority": priority,
                "max_output_tokens": 16_384, "context_window": 128_000, "prices": prices(),
            });
            gateway.create("/api/models", &deployment);
        }
        Self { gateway, providers, seed }
    }

    fn kill_once(&mut self, epoch: u64, figures: &mut Figures) {
        let project = self.gateway.add_project(&format!("epoch-{epoch}"), Some(LIMIT));
        let (name, path) = (text(&project, "name"), format!("/api/projects/{}", text(&project, "id")));
        let before = self.providers.each_ref().map(Upstream::calls);
        let load = Load::start(&self.gateway, &name, epoch);
        let begin = Instant::now();
        let watcher = watch(self.gateway.operator(), path.clone());

        // Anywhere in the life of some hundred calls a second: once they have begun, and a third of a second more.
        let begun = before[0] + 5;
        self.providers[0].wait_for("the load", PATIENCE, |journal| (journal.len() > begun).then_some(()));
        pause(Duration::from_micros(self.seed.below(300_000).try_into().expect("a small number")));
        self.gateway.kill_9();
        figures.loaded += begin.elapsed();
        let told = load.ended();
        figures.looks += watcher.join().expect("never above the limit");
        figures.ready.push(self.gateway.restart());

        let [first, second] = &self.providers;
        let seen = [first.journal_from(before[0]), second.journal_from(before[1])];
        figures.calls += told.len();
        figures.refused += told.iter().filter(|told| told.status == 402).count();
        figures.crossed += seen[1].len();
        if epoch.is_multiple_of(VERIFIED) {
            // All the books of all epochs: each time would take longer than the time before.
            let verdict = self.gateway.verdict();
            assert_eq!((&verdict["ok"], &verdict["open_holds"]), (&json!(true), &json!(0)), "{verdict}");
        }
        self.reckon(&name, &path, &Reckoning { told, seen });
    }

    fn reckon(&self, project: &str, path: &str, reckoning: &Reckoning) {
        let rows = self.gateway.requests_at_least(project, reckoning.due());
        reckoning.check(&rows);
        let booked: Picos = rows.iter().map(|row| Picos::of(&row["cost_usd"])).sum();
        let budget = self.gateway.operator().get(path).json()["budget"].clone();
        assert_eq!(Picos::of(&budget["spent_usd"]), booked, "balance = entries");
        assert_eq!(Picos::of(&budget["held_usd"]), Picos(0), "holds are resolved before the doors open");
        assert!(booked <= Picos::parse(LIMIT), "overspent: {budget}");
    }
}

/// Looks at the budget until the gateway is gone; how often.
fn watch(operator: Client, path: String) -> JoinHandle<usize> {
    thread::spawn(move || {
        let mut looks = 0;
        while let Ok(answer) = operator.send("GET", &path, b"") {
            let budget = answer.json()["budget"].clone();
            let taken = Picos::of(&budget["spent_usd"]) + Picos::of(&budget["held_usd"]);
            assert!(taken <= Picos::parse(LIMIT), "spent + held above the limit: {budget}");
            looks += 1;
            pause(Duration::from_millis(20));
        }
        looks
    })
}

fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no {name} in {object}")).to_owned()
}

impl Figures {
    fn print(&self) {
        let (kills, slowest) = (self.ready.len(), self.ready.iter().max().copied().unwrap_or_default());
        let rate = self.calls as u128 * 1_000 / self.loaded.as_millis().max(1);
        println!(
            "{kills} kills, {} calls at {rate}/s ({} refused, {} at the second provider), {} looks at the budget: 0 lost, \
             0 duplicate, 0 open holds, 0 overspend; ready after at most {slowest:?}",
            self.calls, self.refused, self.crossed, self.looks
        );
        assert!(self.looks > 0 && self.crossed > 0, "nothing was looked at, or nothing fell back");
        assert!(slowest <= PROMISE, "{slowest:?} to be ready");
    }
}

//! The books' benchmark: what a hold and a settlement cost, for each durability, on the real journal and database.
//! Owns the pace, the figures and their print. Refuses to pass or fail: it prints what it measured (docs/performance.md).
//!
//! `cargo bench --bench books` paces 5,000 calls a second for ten seconds; `-- --rate N --seconds N` say otherwise.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, reads its arguments and spawns"
)]

mod call;
mod figures;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use farthing::store::Store;
use farthing::store::journal::{DiskJournal, Durability, Terms};
use farthing::store::verify::verify;
use farthing::store::writer::Writer;
use farthing_actors::domain::{Budget, Clock, Money, Scope, Thresholds, WindowKind, window::Zone};
use farthing_actors::ledger::{self, Ledger};
use farthing_actors::supervisor::Supervisor;
use figures::{Figures, Moment};
use tokio::time::{Instant, sleep_until};

/// A directory that goes when the run is over.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

struct Plan {
    rate: u64,
    seconds: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let plan = Plan { rate: argument("--rate").unwrap_or(5_000), seconds: argument("--seconds").unwrap_or(10) };
    println!("{} calls of hold and settle a second for {} s, 64 at a time", plan.rate, plan.seconds);
    println!("{}", Figures::HEAD);
    for (name, durability) in [("process", Durability::Process), ("power", Durability::Power)] {
        let figures = actix::System::new().block_on(run(&plan, durability))?;
        println!("{}", figures.row(name));
    }
    Ok(())
}

fn argument(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

async fn run(plan: &Plan, durability: Durability) -> Result<Figures, Box<dyn Error>> {
    let scratch = Scratch(std::env::temp_dir().join(format!("farthing-books-{}", std::process::id())));
    std::fs::create_dir_all(&scratch.0)?;
    let store = Store::open(&scratch.0.join("farthing.db"))?;
    store.migrate()?;
    let writer = Writer::start(&store)?;
    let (ledger, hot) = start(&scratch.0, &store, &writer, durability).await?;

    let mut figures = pace(plan, &ledger, &writer).await?;
    let caught_up = Instant::now();
    writer.flush().await?;
    figures.catch_up = caught_up.elapsed();
    let verdict = store.query(|connection| verify(connection, &mut |_| {})).await?;
    if !verdict.is_ok() || ledger.open_holds().await? > 0 {
        return Err(format!("the books do not balance: {:?}", verdict.faults).into());
    }
    hot.stop();
    writer.stop()?;
    Ok(figures)
}

async fn start(
    directory: &Path,
    store: &Arc<Store>,
    writer: &Writer,
    durability: Durability,
) -> Result<(Ledger, Arbiter), Box<dyn Error>> {
    let limit_usd = Money::MAX;
    let budget = Budget {
        limit_usd,
        window: WindowKind::Month,
        time_zone: Zone::utc(),
        warn_percent: Thresholds::default(),
        mode: Default::default(),
    };
    let budgets = vec![(Scope::Key(call::KEY), budget.clone()), (Scope::Project(call::PROJECT), budget)];
    let terms = Box::new(move |_: &mut _| Ok(Terms { budgets: budgets.clone(), ..Terms::default() }));
    let journal = DiskJournal::new(Arc::clone(store), writer.clone(), directory, durability, terms);
    let clock = Clock::system();
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| println!("{error}")));
    let hot = Arbiter::new();
    Ok((ledger::start(&supervisor, hot.handle(), clock, Arc::new(journal)).await?, hot))
}

/// Calls at the plan's pace, whatever became of those before: what comes late is late by the gateway's fault.
async fn pace(plan: &Plan, ledger: &Ledger, writer: &Writer) -> Result<Figures, Box<dyn Error>> {
    let total = plan.rate * plan.seconds;
    let (begun, cpu) = (Instant::now(), figures::cpu_us()?);
    let callers = (0..64).map(|caller| {
        let (ledger, rate) = (ledger.clone(), plan.rate);
        actix::spawn(async move {
            let mut moments = Vec::new();
            for number in (caller..total).step_by(64) {
                let due = begun + Duration::from_nanos(number * 1_000_000_000 / rate);
                sleep_until(due).await;
                moments.push(one(&ledger, due).await?);
            }
            Ok::<_, String>(moments)
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut behind = 0;
    while begun.elapsed() < Duration::from_secs(plan.seconds) {
        sleep_until(Instant::now() + Duration::from_millis(20)).await;
        behind = behind.max(writer.behind());
    }
    let mut moments = Vec::new();
    for caller in callers {
        moments.extend(caller.await??);
    }
    Ok(Figures::of(moments, begun.elapsed(), figures::cpu_us()? - cpu, behind))
}

async fn one(ledger: &Ledger, due: Instant) -> Result<Moment, String> {
    let hold = ledger.hold(call::hold()).await.map_err(|error| error.to_string())?;
    let held = due.elapsed();
    let asked = Instant::now();
    hold.settle(None, call::outcome()).await.map_err(|error| error.to_string())?;
    Ok(Moment { held, settled: asked.elapsed() })
}

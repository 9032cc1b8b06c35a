//! The load generator: keep-alive connections that send as fast as they are answered, or at a fixed rate.
//! Owns pace and count, on one thread. At a fixed rate a latency counts from the moment the request was due, so that a
//! slow answer cannot hide the ones that queued behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::alarm::Alarm;
use crate::client::Client;
use crate::fault::Fault;
use crate::plan::{Plan, Shape};
use crate::report::Tally;
use crate::table::{abandoned, say};

/// So many faults show that something is broken; more would only take longer.
const FAULTS_PER_CONNECTION: u64 = 20;

/// Runs the plan and writes its report as one line of JSON.
pub(crate) async fn run(plan: Plan) -> Result<(), Fault> {
    let alarm = Arc::new(Alarm::start());
    let clients = connect(plan.clone(), &alarm).await?;
    let pace = Arc::new(Pace { start: alarm.now(), plan, taken: AtomicU64::new(0), alarm: Arc::clone(&alarm) });
    let mut callers = JoinSet::new();
    for (place, client) in (0..).zip(clients) {
        callers.spawn(drive(client, Arc::clone(&pace), place));
    }
    let mut tally = Tally::default();
    while let Some(outcome) = callers.join_next().await {
        tally.merge(outcome.map_err(|error| Fault::Setup(format!("a caller ended: {error}")))?);
    }
    let report = tally.report(alarm.now().saturating_sub(pace.start));
    say(&serde_json::to_string(&report).map_err(|error| Fault::Setup(error.to_string()))?)
}

/// Opens one stream per connection, writes a line when each has received its first event, and reads on until standard
/// input closes.
pub(crate) async fn hold_open(plan: Plan) -> Result<(), Fault> {
    let connections = plan.connections;
    let alarm = Arc::new(Alarm::start());
    let started = Arc::new(Semaphore::new(0));
    let mut callers = JoinSet::new();
    for mut client in connect(plan, &alarm).await? {
        let started = Arc::clone(&started);
        callers.spawn(async move {
            let mut first = Some(started);
            client.watch(|_| first.take().into_iter().for_each(|started| started.add_permits(1))).await
        });
    }
    tokio::select! {
        all = started.acquire_many(connections) => drop(all),
        Some(ended) = callers.join_next() => return Err(early_end(ended)),
    }
    say("open")?;
    abandoned().await;
    Ok(())
}

fn early_end(ended: Result<Result<(), Fault>, tokio::task::JoinError>) -> Fault {
    match ended {
        Ok(Err(fault)) => fault,
        _ => Fault::Setup("a stream ended before all were open".into()),
    }
}

async fn connect(plan: Plan, alarm: &Arc<Alarm>) -> Result<Vec<Client>, Fault> {
    let plan = Arc::new(plan);
    let mut clients = Vec::new();
    for _ in 0..plan.connections {
        clients.push(Client::connect(Arc::clone(&plan), Arc::clone(alarm)).await?);
    }
    Ok(clients)
}

/// When each request of a run is due.
struct Pace {
    plan: Plan,
    start: Duration,
    taken: AtomicU64,
    alarm: Arc<Alarm>,
}

impl Pace {
    /// Waits for the next request's moment and returns it; `None` when all are sent.
    async fn next(&self) -> Option<Duration> {
        let place = self.taken.fetch_add(1, Ordering::Relaxed);
        if place >= self.plan.requests {
            return None;
        }
        let Some(rate) = self.plan.rate else { return Some(self.alarm.now()) };
        let offset = place.saturating_mul(1_000_000_000).checked_div(rate).unwrap_or(0);
        let due = self.start.saturating_add(Duration::from_nanos(offset));
        self.alarm.until(due).await;
        Some(due)
    }

    /// Spreads the streams over one gap, so that events arrive alone and not all at the same tick.
    async fn stagger(&self, place: u32) {
        if let Shape::Stream { gap_ms, .. } = self.plan.shape {
            let share = Duration::from_millis(gap_ms).checked_div(self.plan.connections).unwrap_or_default();
            self.alarm.until(self.start.saturating_add(share.saturating_mul(place))).await;
        }
    }
}

async fn drive(mut client: Client, pace: Arc<Pace>, place: u32) -> Tally {
    let mut tally = Tally::default();
    pace.stagger(place).await;
    while tally.errors() < FAULTS_PER_CONNECTION
        && let Some(due) = pace.next().await
    {
        tally.note(client.call(due).await);
    }
    tally
}

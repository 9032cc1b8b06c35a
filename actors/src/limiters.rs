//! The limiters: own how much of its traffic limits each key and project has used, and the calls in flight.
//! A crash loses both: for a minute every scope then counts as half used, and permits of the life before free nothing.
//! Refuses to queue: a call is admitted by all its scopes at once or told how long to wait.

mod answer;
mod bucket;
mod handle;
mod messages;
mod meters;
mod permit;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, ArbiterHandle, Context, Handler, MessageResult};

pub use answer::{Allowance, Headroom, LimitError, LimitKind};
pub use handle::Limiters;
pub use permit::Permit;

use crate::domain::{Clock, Limits, Scope, Shadowed};
use crate::mailbox::Together;
use crate::supervisor::{StartError, Supervisor};
use messages::{Admit, Close};
use meters::Meters;
use permit::Grant;

/// How often scopes that count nothing any more are forgotten: often enough that memory follows traffic, seldom enough
/// that the pass over all of them is not felt.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The shell: brings the time to the core, and permits back to the caller.
struct LimitersActor {
    meters: Meters,
    swept_at: Duration,
    /// Which life this is; a permit of another one frees nothing.
    life: u64,
    clock: Clock,
}

/// Starts the limiters on `arbiter`.
///
/// # Errors
/// If that thread is gone.
pub async fn start(supervisor: &Supervisor, arbiter: ArbiterHandle, clock: Clock) -> Result<Limiters, StartError> {
    let lives = AtomicU64::new(0);
    let factory = move || Ok(LimitersActor::new(lives.fetch_add(1, Ordering::Relaxed), clock.clone()));
    let mailbox = supervisor.start("limiters", arbiter, factory).await?;
    Ok(Limiters::new(mailbox))
}

impl LimitersActor {
    fn new(life: u64, clock: Clock) -> Self {
        let now = clock.monotonic();
        let meters = if life == 0 { Meters::unused() } else { Meters::half_used(now) };
        Self { meters, swept_at: now, life, clock }
    }

    fn admit(&mut self, Admit { limits, tokens, back }: Admit, now: Duration) -> Result<Permit, LimitError> {
        let headroom = self.meters.admit(&limits, tokens, now)?;
        let shadowed = self.meters.take_shadowed();
        let limits = if shadowed.is_empty() { limits } else { without(&limits, &shadowed) };
        // A permit that nobody receives is dropped with the answer, and gives back what it took.
        Ok(Permit::from(Grant { mailbox: back, limits, tokens, life: self.life, headroom, shadowed }))
    }

    // Done on the way instead of by a timer: where nobody calls, nothing grows.
    fn sweep_if_due(&mut self, now: Duration) {
        if now.saturating_sub(self.swept_at) >= SWEEP_EVERY {
            self.swept_at = now;
            self.meters.sweep(now);
        }
    }
}

/// The limits that something was taken from.
fn without(limits: &[(Scope, Limits)], shadowed: &[Shadowed]) -> Arc<[(Scope, Limits)]> {
    let took = |scope: &Scope| !shadowed.iter().any(|refusal| refusal.scope == *scope);
    limits.iter().filter(|(scope, _)| took(scope)).copied().collect()
}

impl Actor for LimitersActor {
    type Context = Context<Self>;
}

impl Handler<Together<Admit>> for LimitersActor {
    type Result = MessageResult<Together<Admit>>;

    fn handle(&mut self, Together(calls): Together<Admit>, _: &mut Self::Context) -> Self::Result {
        let now = self.clock.monotonic();
        self.sweep_if_due(now);
        MessageResult(calls.into_iter().map(|call| self.admit(call, now)).collect())
    }
}

impl Handler<Together<Close>> for LimitersActor {
    type Result = MessageResult<Together<Close>>;

    fn handle(&mut self, Together(calls): Together<Close>, _: &mut Self::Context) -> Self::Result {
        for close in calls.iter().filter(|close| close.life == self.life) {
            self.meters.close(&close.limits, close.tokens, close.actual);
        }
        MessageResult(Vec::new())
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(LimitersActor);

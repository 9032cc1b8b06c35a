//! Supervision: an actor that panics is replaced by a fresh one behind the same mailbox.
//! Owns the factory, the notice of death and the limit on restarts. Refuses to hide a fault that keeps coming back:
//! too many restarts in a window end the process loudly.
//!
//! actix's own supervisor does not survive a panic and restarts the same value; this one holds a factory.

mod last_words;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ArbiterHandle, AsyncContext, Context};
use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::domain::Clock;
use crate::mailbox::{CAPACITY, Mailbox};

/// More restarts of one actor than this within [`RESTART_WINDOW`] are a fault no restart mends.
const MAX_RESTARTS: usize = 5;
const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// How often an actor shows that it can do something.
const BEAT: Duration = Duration::from_secs(1);

/// Why an actor could not start, or cannot be kept alive.
#[derive(Debug, Clone, Error)]
#[error("the {name} actor cannot run: {reason}")]
pub struct StartError {
    /// Which actor.
    pub name: &'static str,
    /// What its factory said, or how it died.
    pub reason: String,
}

/// What to do when an actor cannot be kept alive: end the process, or fail the test.
pub type OnFatal = Arc<dyn Fn(StartError) + Send + Sync>;

/// Starts actors and replaces those that die.
#[derive(Clone)]
pub struct Supervisor {
    clock: Clock,
    on_fatal: OnFatal,
    stopping: Arc<AtomicBool>,
}

impl Supervisor {
    /// A supervisor that calls `on_fatal` once an actor dies too often or cannot be made again.
    pub fn new(clock: Clock, on_fatal: OnFatal) -> Self {
        last_words::listen();
        Self { clock, on_fatal, stopping: Arc::default() }
    }

    /// The clock it measures by.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// From now on a death is an end, not a fault.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Makes the actor on `arbiter` and keeps one alive there until [`Supervisor::stop`].
    ///
    /// # Errors
    /// What the factory said, if the first actor cannot be made. Later failures go to `on_fatal`.
    pub async fn start<A, F>(
        &self,
        name: &'static str,
        arbiter: ArbiterHandle,
        factory: F,
    ) -> Result<Mailbox<A>, StartError>
    where
        A: Actor<Context = Context<A>>,
        F: Fn() -> Result<A, String> + Send + Sync + 'static,
    {
        let mailbox = Mailbox::new(name, self.clock());
        let deaths = ArcSwap::from_pointee(VecDeque::new());
        let watch = Arc::new(Watch { supervisor: self.clone(), mailbox: mailbox.clone(), arbiter, factory, deaths });
        let (report, started) = oneshot::channel();
        watch.launch(Some(report));
        let gone = || StartError { name, reason: "its thread is gone".to_owned() };
        started.await.map_err(|_| gone())??;
        Ok(mailbox)
    }
}

type Report = oneshot::Sender<Result<(), StartError>>;

/// One actor under supervision.
struct Watch<A: Actor, F> {
    supervisor: Supervisor,
    mailbox: Mailbox<A>,
    arbiter: ArbiterHandle,
    factory: F,
    // Touched by one death at a time, all on the actor's own thread.
    deaths: ArcSwap<VecDeque<Duration>>,
}

impl<A, F> Watch<A, F>
where
    A: Actor<Context = Context<A>>,
    F: Fn() -> Result<A, String> + Send + Sync + 'static,
{
    fn launch(self: Arc<Self>, report: Option<Report>) {
        let arbiter = self.arbiter.clone();
        // A refused spawn means the thread is gone, and with it everybody who could care.
        arbiter.spawn_fn(move || {
            let outcome = self.make();
            match report {
                // The starter may have given up waiting; then nobody needs the news.
                Some(report) => drop(report.send(outcome)),
                None => outcome.unwrap_or_else(|error| (self.supervisor.on_fatal)(error)),
            }
        });
    }

    /// Ends it loudly, away from the unwinding that may have brought us here: a second panic there would abort.
    fn give_up(self: Arc<Self>) {
        let reason = format!("it died more than {MAX_RESTARTS} times in {RESTART_WINDOW:?}");
        let error = StartError { name: self.mailbox.name(), reason };
        self.arbiter.clone().spawn_fn(move || (self.supervisor.on_fatal)(error));
    }

    fn make(self: &Arc<Self>) -> Result<(), StartError> {
        // A factory that panics must not pass for one that is still at work: nobody would ever hear of it.
        let made = catch_unwind(AssertUnwindSafe(|| (self.factory)()));
        let made = made.unwrap_or_else(|_| Err("its factory panicked".to_owned()));
        let actor = made.map_err(|reason| StartError { name: self.mailbox.name(), reason })?;
        let notice = DeathNotice(Some(Arc::clone(self)));
        let (name, mailbox) = (self.mailbox.name(), self.mailbox.clone());
        let address = A::create(move |context| {
            context.set_mailbox_capacity(CAPACITY);
            // The context drops its futures when the actor ends, by a panic or otherwise.
            context.spawn(wrap_future(async move {
                let _notice = notice;
                tokio::join!(live(name), beat(&mailbox));
            }));
            actor
        });
        self.mailbox.deliver_to(address);
        Ok(())
    }

    fn on_death(self: Arc<Self>) {
        self.mailbox.nobody_home();
        if self.supervisor.stopping.load(Ordering::Acquire) {
            return;
        }
        let why = last_words::take();
        let gives_up = self.too_many_deaths();
        log::error!(actor = self.mailbox.name(), gives_up, error = why.as_str(); "actor died");
        self.mailbox.count_restart(why);
        if gives_up {
            self.give_up();
        } else {
            self.launch(None);
        }
    }

    fn too_many_deaths(&self) -> bool {
        let now = self.supervisor.clock.monotonic();
        let mut deaths = VecDeque::clone(&self.deaths.load());
        deaths.push_back(now);
        deaths.retain(|death| now.saturating_sub(*death) < RESTART_WINDOW);
        let many = deaths.len() > MAX_RESTARTS;
        self.deaths.store(Arc::new(deaths));
        many
    }
}

/// Notes each second that the actor's messages can be handled: this runs where they are.
async fn beat<A: Actor<Context = Context<A>>>(mailbox: &Mailbox<A>) {
    loop {
        mailbox.lives();
        tokio::time::sleep(BEAT).await;
    }
}

/// Lasts as long as the actor.
#[cfg(not(feature = "testing"))]
async fn live(_: &'static str) {
    std::future::pending().await
}

/// The same, but for what a test orders.
#[cfg(feature = "testing")]
async fn live(name: &'static str) {
    crate::testing::obey(name).await;
}

/// Says that the actor is gone, however it went.
struct DeathNotice<A, F>(Option<Arc<Watch<A, F>>>)
where
    A: Actor<Context = Context<A>>,
    F: Fn() -> Result<A, String> + Send + Sync + 'static;

impl<A, F> Drop for DeathNotice<A, F>
where
    A: Actor<Context = Context<A>>,
    F: Fn() -> Result<A, String> + Send + Sync + 'static,
{
    fn drop(&mut self) {
        if let Some(watch) = self.0.take() {
            watch.on_death();
        }
    }
}

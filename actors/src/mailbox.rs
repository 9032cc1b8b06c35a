//! Mailboxes: how an actor is asked and told, across its restarts.
//! Owns the only use of actix addresses, the bound on waiting questions, and what happens when a tell finds no room.
//! Refuses unbounded queues: actix's own bound counts neither asks nor clones. What is asked on every request goes by
//! [`together`]: one message for each turn of a thread's loop, because waking a thread costs more than most answers.

#![expect(clippy::disallowed_types, reason = "this file is the one place that names Addr")]

mod together;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message};
use arc_swap::ArcSwapOption;

use crate::domain::{Clock, Timestamp};
use crate::error::ActorError;
pub use together::Together;

/// Questions that may wait for one actor; beyond it callers are refused, so pressure reaches the door.
const MAX_WAITING: usize = 8_192;
/// Room for tells; actix parks senders beyond it, which costs a wake-up each.
pub(crate) const CAPACITY: usize = 8_192;

/// The way to one supervised actor. Cheap to clone; stays valid when the actor is replaced.
pub struct Mailbox<A: Actor>(Arc<Post<A>>);

struct Post<A: Actor> {
    name: &'static str,
    current: ArcSwapOption<Addr<A>>,
    waiting: AtomicUsize,
    restarts: AtomicU64,
    messages: AtomicU64,
    /// When the actor before this one died, in Unix milliseconds; 0 if none did.
    died_at: AtomicI64,
    /// Why.
    died_of: ArcSwapOption<String>,
    clock: Clock,
    /// When it last did anything, in milliseconds of the clock's steady time.
    sign_of_life: AtomicU64,
}

struct Waiting<'a>(&'a AtomicUsize);

/// How an actor is, for metrics and the system page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vitals {
    /// The actor's name.
    pub name: &'static str,
    /// Whether it lives now.
    pub alive: bool,
    /// Questions waiting for an answer now.
    pub waiting: usize,
    /// How often it was replaced.
    pub restarts: u64,
    /// Questions it was asked and things it was told since the process began.
    pub messages: u64,
    /// When the last one that was replaced died.
    pub died_at: Option<Timestamp>,
    /// Why: a line of some 300 letters at most, which may have in it what a panic said.
    pub died_of: Option<Arc<String>>,
    /// How long it has done nothing, not even what it does each second for this figure.
    pub silent: Duration,
}

impl<A: Actor<Context = Context<A>>> Mailbox<A> {
    pub(crate) fn new(name: &'static str, clock: Clock) -> Self {
        let post = Post {
            name,
            current: ArcSwapOption::empty(),
            waiting: AtomicUsize::new(0),
            restarts: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            died_at: AtomicI64::new(0),
            died_of: ArcSwapOption::empty(),
            clock,
            sign_of_life: AtomicU64::new(0),
        };
        Self(Arc::new(post))
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`ActorError`] if too many wait, or the actor is or goes away.
    pub async fn ask<M>(&self, message: M) -> Result<M::Result, ActorError>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
        A::Context: ToEnvelope<A, M>,
    {
        let post = &*self.0;
        let _waiting = Waiting::enter(post)?;
        post.count();
        let question = match &*post.current.load() {
            Some(address) => address.send(message),
            None => return Err(ActorError::Restarting(post.name)),
        };
        let answer = question.await.map_err(|_| ActorError::Gone(post.name));
        // Changes that wait for a slow disk, one after the other, are no stall.
        self.lives();
        answer
    }

    /// Tells something that may be lost when the actor is away or has no room: figures, touches, events.
    pub fn hint<M>(&self, message: M)
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
        A::Context: ToEnvelope<A, M>,
    {
        if let Some(address) = &*self.0.current.load() {
            // Full or gone: a hint is allowed to be lost.
            if address.try_send(message).is_ok() {
                self.0.count();
            }
        }
    }

    /// Tells something that must arrive while the actor lives, room or not: what gives back what was taken.
    pub fn tell<M>(&self, message: M)
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
        A::Context: ToEnvelope<A, M>,
    {
        if let Some(address) = &*self.0.current.load() {
            self.0.count();
            address.do_send(message);
        }
    }

    /// The actor's name, for logs and the system page.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Whether the actor lives now.
    pub fn is_alive(&self) -> bool {
        self.0.current.load().as_ref().is_some_and(|address| address.connected())
    }

    /// Questions waiting for an answer now.
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// How often the actor was replaced.
    pub fn restarts(&self) -> u64 {
        self.0.restarts.load(Ordering::Relaxed)
    }

    /// All of the above at once.
    pub fn vitals(&self) -> Vitals {
        let (name, alive, waiting, restarts) = (self.name(), self.is_alive(), self.waiting(), self.restarts());
        let messages = self.0.messages.load(Ordering::Relaxed);
        let died_at = Some(Timestamp(self.0.died_at.load(Ordering::Relaxed))).filter(|at| at.0 != 0);
        let died_of = self.0.died_of.load_full();
        Vitals { name, alive, waiting, restarts, messages, died_at, died_of, silent: self.silent() }
    }

    /// How long the actor has done nothing.
    pub fn silent(&self) -> Duration {
        let last = Duration::from_millis(self.0.sign_of_life.load(Ordering::Relaxed));
        self.0.clock.monotonic().saturating_sub(last)
    }

    /// Notes that the actor does something.
    pub(crate) fn lives(&self) {
        let now = u64::try_from(self.0.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        self.0.sign_of_life.store(now, Ordering::Relaxed);
    }

    pub(crate) fn deliver_to(&self, address: Addr<A>) {
        self.lives();
        self.0.current.store(Some(Arc::new(address)));
    }

    pub(crate) fn nobody_home(&self) {
        self.0.current.store(None);
    }

    pub(crate) fn count_restart(&self, why: String) {
        self.0.died_of.store(Some(Arc::new(why)));
        self.0.restarts.fetch_add(1, Ordering::Relaxed);
        self.0.died_at.store(self.0.clock.now().0, Ordering::Relaxed);
    }
}

impl<A: Actor> Post<A> {
    fn count(&self) {
        self.messages.fetch_add(1, Ordering::Relaxed);
    }
}

impl<A: Actor> Clone for Mailbox<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<'a> Waiting<'a> {
    fn enter<A: Actor>(post: &'a Post<A>) -> Result<Self, ActorError> {
        let before = post.waiting.fetch_add(1, Ordering::Relaxed);
        let entered = Self(&post.waiting);
        if before < MAX_WAITING { Ok(entered) } else { Err(ActorError::Busy(post.name)) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

//! The relay: the phases of one client request, in order. Start reading here.
//!
//! 1. candidates: which deployments may serve it, by registry and breaker snapshots (asks nobody)
//! 2. admission: a limiter's permit and the ledger's hold, asked together
//!    (then, in a group with a classifier, its rating, which is the request's first line in the books)
//! 3. attempt: send to the first candidate; on a failure that is not the client's, fall back to the next,
//!    never after the first byte
//! 4. relay: pass the answer on as it arrives, all but its end
//! 5. settlement: usage × price closes the hold, durably; then the answer is kept, if the client sent an idempotency key
//! 6. the end of the answer
//!
//! Owns the order: hold durable → request sent → settlement durable → answer kept → last byte. All of it runs in a
//! tracked task that outlives the client's connection; the client's side only reads a channel. Refuses to know about HTTP
//! servers, tables and provider names.

mod abandoned;
mod admission;
mod again;
mod attempt;
mod cached;
mod candidates;
mod checking;
mod classify;
mod counting;
mod error;
mod estimate;
mod exchange;
mod fallback;
mod keeping;
mod metering;
mod pipe;
mod pump;
mod recount;
mod settlement;
mod shadowing;
mod situation;
mod stream;
mod wording;

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use farthing_actors::breakers::Breakers;
use farthing_actors::cache::Cache;
use farthing_actors::domain::{Clock, Patterns, RequestId};
use farthing_actors::feed::Feed;
use farthing_actors::keyring::ring::AuthorizedKey;
use farthing_actors::ledger::Ledger;
use farthing_actors::limiters::Limiters;
use farthing_actors::registry::catalogue::{Candidate, Catalogue, Provider};
use farthing_actors::shadow::Shadow;
use farthing_actors::snapshot::Snapshot;
use farthing_actors::tasks::{Stage, Tasks};
use tokio::sync::oneshot;

pub use crate::tokenizer::CountQueue;
use crate::upstream::Upstream;
pub use abandoned::Drains;
pub use again::Retries;
use attempt::Opened;
pub use cached::{CacheState, Caching};
pub use checking::Tried;
pub use error::{Refusal, RelayError, Sent};
pub(crate) use exchange::run_id;
use exchange::{Admitted, Exchange};
pub use exchange::{Answer, AnswerBody, Ask, Facts};
pub use pipe::Outflow;
pub use recount::{Recounting, Reporting};
use settlement::Unopened;
pub(crate) use settlement::millis;

/// Makes the way to a model at a provider that nobody has set up as a deployment.
pub type Passage = Box<dyn Fn(&Arc<Provider>, &str) -> Candidate>;

/// What the relay asks and reads; one for each worker, because connections belong to a worker.
pub struct Relay {
    /// Sets money aside and settles it.
    pub ledger: Ledger,
    /// Admits by rate.
    pub limiters: Limiters,
    /// Knows which deployments are well.
    pub breakers: Breakers,
    /// Keeps answers for those who ask the same and want that.
    pub cache: Cache,
    /// Hears of calls that would have been refused.
    pub shadow: Shadow,
    /// Hears of every finished call.
    pub feed: Feed,
    /// Providers and deployments.
    pub catalogue: Snapshot<Catalogue>,
    /// Where models go that nobody has set up.
    pub patterns: Patterns,
    /// Makes the way to such a model at a provider.
    pub passage: Passage,
    /// The way to providers.
    pub upstream: Upstream,
    /// Counts what providers do not report.
    pub recounting: Recounting,
    /// Attempts that repeat a failed one.
    pub retries: Retries,
    /// Places for answers whose clients have left.
    pub drains: Drains,
    /// What a stop waits for.
    pub tasks: Tasks,
    /// Time.
    pub clock: Clock,
}

impl Relay {
    /// Serves one request of an authorised key: gives the answer's head, and its body as it arrives.
    ///
    /// # Errors
    /// [`RelayError`]; then nothing was charged, or what was consumed is booked.
    pub async fn serve(
        self: &Rc<Self>,
        request: RequestId,
        key: Arc<AuthorizedKey>,
        ask: Ask,
    ) -> Result<Answer, RelayError> {
        let exchange = Box::new(Exchange::new(request, key, ask, &self.clock));
        let (answer, head) = oneshot::channel();
        let relay = Rc::clone(self);
        self.tasks.spawn(async move { relay.run(exchange, answer).await });
        head.await.unwrap_or(Err(RelayError::Stopping))
    }

    async fn run(&self, mut exchange: Box<Exchange>, mut client: Client) {
        if exchange.ask.caching.is_some()
            && let Some((kept, provider)) = Box::pin(self.find_kept(&mut exchange)).await
        {
            return Box::pin(self.give_again(exchange, kept, &provider, client)).await;
        }
        match self.open(&mut exchange, &mut client).await {
            Ok(Some((admitted, opened))) => self.pass_on(exchange, admitted, opened, client).await,
            Ok(None) => {}
            Err(error) => self.refuse(exchange, client, error).await,
        }
    }

    async fn refuse(&self, mut exchange: Box<Exchange>, client: Client, error: RelayError) {
        if let Some(claim) = exchange.ask.claim.take() {
            Box::pin(keeping::give_up(claim, &error)).await;
        }
        // A client that has left needs no refusal.
        drop(client.send(Err(error)));
    }

    /// Phases 1 to 3. `None` if the client left meanwhile and all is settled.
    async fn open(
        &self,
        exchange: &mut Exchange,
        client: &mut Client,
    ) -> Result<Option<(Box<Admitted>, Opened)>, RelayError> {
        let (candidates, question) = self.plan(exchange)?;
        let mut admitted = self.admit(exchange, candidates, question.as_deref()).await?;
        if let Some(question) = question {
            Box::pin(self.classify(exchange, &mut admitted, *question)).await;
        }
        let exchange = &*exchange;
        let opened = {
            let mut trying = pin!(self.try_each(exchange, &mut admitted));
            tokio::select! {
                biased;
                () = client.closed() => Box::pin(self.go_on(&exchange.flight, trying)).await.map(Ok).ok_or(Unopened::ClientGone),
                opened = &mut trying => Ok(opened),
                () = self.tasks.reached(Stage::Cutting) => Err(Unopened::Stopped),
            }
        };
        match opened {
            Ok(Ok(opened)) => Ok(Some((admitted, opened))),
            // Boxed: what rarely happens should not make the future of every request larger.
            Ok(Err(error)) => Err(Box::pin(self.fail(exchange, admitted, error)).await),
            Err(why) => {
                Box::pin(self.give_up(exchange, admitted, why)).await;
                if why == Unopened::Stopped { Err(RelayError::Stopping) } else { Ok(None) }
            }
        }
    }
}

/// Where the head of the answer goes; closed when the client has left.
type Client = oneshot::Sender<Result<Answer, RelayError>>;

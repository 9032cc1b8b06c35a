//! Together: questions and tells of one kind that arise in one turn of a thread's loop travel in one message.
//! Owns the gathering. A turn ends when everything that was ready has run; under load that is several requests, when idle
//! it is one, so nothing waits for company. Refuses questions whose asker has gone meanwhile.

#![expect(clippy::disallowed_methods, reason = "the end of a turn is nothing that a stop waits for")]

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Context, Handler, Message};
use tokio::sync::oneshot;

use super::{Mailbox, Waiting};
use crate::error::ActorError;

/// What was asked or told in one turn, in order. The answers are in the same order; tells have none.
pub struct Together<M>(pub Vec<M>);

impl<M: Message> Message for Together<M> {
    type Result = Vec<M::Result>;
}

/// Which mailbox, and which kind of message.
type Kind = (usize, TypeId);

/// Where an answer goes.
type Answer<R> = oneshot::Sender<Result<R, ActorError>>;

/// A message and where its answer goes; nowhere for a tell.
type Gathered<M> = Vec<(M, Option<Answer<<M as Message>::Result>>)>;

thread_local! {
    /// What this turn has gathered so far. Empty between turns.
    static TURN: RefCell<HashMap<Kind, Box<dyn Any>>> = RefCell::default();
}

impl<A: Actor<Context = Context<A>>> Mailbox<A> {
    /// Asks with others of this turn and waits for the answer.
    ///
    /// # Errors
    /// [`ActorError`] if too many wait, or the actor is or goes away.
    pub async fn ask_together<M>(&self, message: M) -> Result<M::Result, ActorError>
    where
        A: Handler<Together<M>>,
        M: Message + Send + 'static,
        M::Result: Send,
        A::Context: ToEnvelope<A, Together<M>>,
    {
        let _waiting = Waiting::enter(&self.0)?;
        let (answer, answered) = oneshot::channel();
        self.gather(message, Some(answer));
        answered.await.unwrap_or(Err(ActorError::Gone(self.0.name)))
    }

    /// Tells with others of this turn something that must arrive while the actor lives.
    pub fn tell_together<M>(&self, message: M)
    where
        A: Handler<Together<M>>,
        M: Message + Send + 'static,
        M::Result: Send,
        A::Context: ToEnvelope<A, Together<M>>,
    {
        self.gather(message, None);
    }

    fn gather<M>(&self, message: M, answer: Option<Answer<M::Result>>)
    where
        A: Handler<Together<M>>,
        M: Message + Send + 'static,
        M::Result: Send,
        A::Context: ToEnvelope<A, Together<M>>,
    {
        self.0.count();
        let kind = (Arc::as_ptr(&self.0).addr(), TypeId::of::<M>());
        if !TURN.with_borrow(|turn| turn.contains_key(&kind)) {
            let mailbox = self.clone();
            // Runs after everything that is ready now, so it finds all of the turn's messages.
            actix::spawn(async move { mailbox.send_gathered::<M>(kind).await });
        }
        TURN.with_borrow_mut(|turn| {
            let gathered = turn.entry(kind).or_insert_with(|| Box::new(Gathered::<M>::new()));
            if let Some(gathered) = gathered.downcast_mut::<Gathered<M>>() {
                gathered.push((message, answer));
            }
        });
    }

    async fn send_gathered<M>(&self, kind: Kind)
    where
        A: Handler<Together<M>>,
        M: Message + Send + 'static,
        M::Result: Send,
        A::Context: ToEnvelope<A, Together<M>>,
    {
        let gathered = TURN.with_borrow_mut(|turn| turn.remove(&kind));
        let Some(gathered) = gathered.and_then(|gathered| gathered.downcast::<Gathered<M>>().ok()) else { return };
        let wanted =
            gathered.into_iter().filter(|(_, answer)| answer.as_ref().is_none_or(|answer| !answer.is_closed()));
        let (messages, answers): (Vec<M>, Vec<_>) = wanted.unzip();
        let question = match &*self.0.current.load() {
            _ if messages.is_empty() => return,
            Some(address) if answers.iter().all(Option::is_none) => return address.do_send(Together(messages)),
            Some(address) => Ok(address.send(Together(messages))),
            None => Err(ActorError::Restarting(self.0.name)),
        };
        let results = match question {
            Ok(question) => question.await.map_err(|_| ActorError::Gone(self.0.name)),
            Err(error) => Err(error),
        };
        hand_out(results, answers);
    }
}

/// Gives each asker their answer; one that nobody waits for any more is dropped, which gives back what it holds.
fn hand_out<R>(results: Result<Vec<R>, ActorError>, answers: Vec<Option<Answer<R>>>) {
    match results {
        Ok(results) => {
            for (result, answer) in results.into_iter().zip(answers) {
                drop(answer.map(|answer| answer.send(Ok(result))));
            }
        }
        Err(error) => {
            for answer in answers.into_iter().flatten() {
                drop(answer.send(Err(error)));
            }
        }
    }
}

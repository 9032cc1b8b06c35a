//! The actors that own Farthing's changing state, and the words they speak in.
//!
//! | actor | owns | a crash loses |
//! |---|---|---|
//! | [`ledger`] | balances and open holds | nothing: both are read back from the journal |
//! | [`keyring`] | projects, virtual keys and their limits | nothing: read back from the store; readers keep the last snapshot |
//! | [`registry`] | providers, deployments, groups and prices | nothing: read back from the store; readers keep the last snapshot |
//! | [`limiters`] | used requests and tokens, calls in flight | all of it: every scope counts as half used for a minute |
//! | [`breakers`] | the circuit of each deployment, and keys that providers refuse | what was learnt: all close; what was forced stays forced |
//! | [`idempotency`] | idempotency keys in use and answers that are kept | which keys run: a retry of one is sent again, charged once |
//! | [`sessions`] | people and their sign-ins | when sessions were last used; the rest is read back from the store |
//! | [`audit`] | events that wait to be written, the trail's file | reads and refusals of the last moment; changes have theirs |
//! | [`cache`] | answers that may be given again | all of them: the next requests are misses |
//! | [`shadow`] | what limits and budgets in shadow mode would have refused | all of it: counting begins anew |
//! | [`feed`] | recent events, who listens, used tickets | all: it starts empty, subscribers come back, older tickets are refused |
//!
//! Callers see handles with verbs. Each actor is a shell around a pure core that could be explained on a whiteboard.

pub mod audit;
pub mod breakers;
pub mod cache;
pub mod domain;
pub mod error;
pub mod feed;
pub mod idempotency;
pub mod keyring;
pub mod ledger;
pub mod limiters;
pub mod mailbox;
pub mod registry;
pub mod sessions;
pub mod shadow;
pub mod snapshot;
pub mod supervisor;
pub mod tasks;
#[cfg(feature = "testing")]
pub mod testing;

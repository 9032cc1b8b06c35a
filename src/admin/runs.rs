//! Runs of agents: listed, and ended. Owns the order in which a run ends: on disk first, then in the ledger, so that no
//! restart revives it. Refuses to know how a run's id comes of its name: whoever asks does.

use std::time::Duration;

use farthing_actors::domain::{Author, RunId};

use super::{Admin, AdminError};
use crate::store::runs;
pub use crate::store::runs::{Run, RunFilter};

/// How often, and how far apart, a ledger that is being restarted is told again: about two seconds.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

impl Admin {
    /// Ends a run that the books know: its calls are refused from now on, those in flight go on.
    ///
    /// # Errors
    /// If there is none, or it could not be ended for sure; then ask again.
    pub async fn kill_known_run(&self, run: RunId, by: &Author) -> Result<(), AdminError> {
        if !self.books().knows_run(run).await? {
            return Err(AdminError::absent("run", run));
        }
        self.kill_run(run, by).await
    }

    /// Ends a run, even one that has not begun.
    ///
    /// # Errors
    /// If it could not be ended for sure; then ask again.
    pub async fn kill_run(&self, run: RunId, by: &Author) -> Result<(), AdminError> {
        let (event, at) = (by.does("run.kill").about(run), by.at);
        self.parts.trail.changing(event, move |connection| runs::kill(connection, run, at)).await?;
        for _ in 1..TRIES {
            if self.parts.ledger.kill_run(run).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(self.parts.ledger.kill_run(run).await?)
    }
}

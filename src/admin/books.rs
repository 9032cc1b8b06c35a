//! The books as operators read them: what was called, what it cost, and whether it all adds up.
//! Owns the rule that everything settled before the question is in the answer, or that the answer says how much is not.
//! Refuses to write a line of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use farthing_actors::domain::{AdjustmentId, DeploymentId, Money, ProviderId, RequestId, RunId, Scope, Timestamp};
use farthing_actors::registry::{PriceVersion, Withdrawal};

pub use crate::store::adjustments::StoredAdjustment;
use crate::store::charged::Charged;
use crate::store::credits::Credit;
pub use crate::store::day::Day;
pub use crate::store::entries::{Found, RequestFilter, Stopped, StoredEntry as Line};
pub use crate::store::export::{ExportLine, Format, Place, Span, Spelling};
pub use crate::store::latency::{Latencies, Steps};
use crate::store::runs::{Run, RunFilter};
pub use crate::store::usage::{Figures, Range, SubjectName, UsageFilter};
pub use crate::store::verify::Verdict;
use crate::store::writer::Writer;
use crate::store::{
    Store, StoreError, adjustments, charged, credits, entries, export, latency, prices, runs, spend, usage, verify,
};

/// Where finished calls are read.
pub struct Books {
    store: Arc<Store>,
    writer: Writer,
}

impl Books {
    /// The books of `store`, which `writer` carries forward.
    pub fn new(store: Arc<Store>, writer: Writer) -> Self {
        Self { store, writer }
    }

    /// Waits a moment for the database to catch up; how many lines are still only in the journal.
    ///
    /// # Errors
    /// If nothing carries lines to the database any more.
    pub async fn behind(&self) -> Result<u64, StoreError> {
        self.writer.catch_up().await
    }

    /// How many lines are only in the journal at this moment.
    pub fn waiting(&self) -> u64 {
        self.writer.behind()
    }

    /// Lines in the database that fit `filter`, newest first, and how far that was looked for. [`Books::behind`] says what
    /// they may lack.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn requests(&self, filter: RequestFilter) -> Result<Found, StoreError> {
        self.store.query(move |connection| entries::requests(connection, &filter)).await
    }

    /// The line of one request.
    ///
    /// # Errors
    /// If the database does not answer, or does not have the line and is behind: nobody knows then.
    pub async fn request(&self, id: RequestId) -> Result<Option<Line>, StoreError> {
        let behind = self.behind().await?;
        let line = self.store.query(move |connection| entries::request(connection, id)).await?;
        if line.is_none() && behind > 0 { Err(StoreError::Behind) } else { Ok(line) }
    }

    /// Every version of a deployment's price, the earliest first, and the planned ones that were given up; also of a
    /// deployment that is gone.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn price_record(
        &self,
        deployment: DeploymentId,
    ) -> Result<(Vec<PriceVersion>, Vec<Withdrawal>), StoreError> {
        self.store.query(move |connection| prices::record(connection, deployment)).await
    }

    /// Runs that fit `filter`, by their keys and names. [`Books::behind`] says what they may lack.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<Run>, StoreError> {
        self.behind().await?;
        self.store.query(move |connection| runs::list(connection, &filter)).await
    }

    /// Whether there is a line of `run`.
    ///
    /// # Errors
    /// If the database does not answer, or has none and is behind: nobody knows then.
    pub async fn knows_run(&self, run: RunId) -> Result<bool, StoreError> {
        let behind = self.behind().await?;
        let known = self.store.query(move |connection| runs::is_known(connection, run)).await?;
        if !known && behind > 0 { Err(StoreError::Behind) } else { Ok(known) }
    }

    /// What was paid to providers in advance, and what was spent of it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn credits(&self) -> Result<Vec<Credit>, StoreError> {
        self.store.query(credits::load).await
    }

    pub(super) async fn credit_warned(&self, provider: ProviderId) -> Result<(), StoreError> {
        self.store.query(move |connection| credits::warned(connection, provider)).await
    }

    /// What `scope` was ever charged, adjustments included. [`Books::behind`] says what it may lack.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn spent(&self, scope: Scope) -> Result<Money, StoreError> {
        self.store.query(move |connection| spend::spent(connection, &scope.to_string(), Timestamp(i64::MIN))).await
    }

    /// What was used in each of `ranges`. [`Books::behind`] says what it may lack.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn usage(&self, ranges: Vec<Range>, filter: UsageFilter) -> Result<Vec<Figures>, StoreError> {
        self.store.query(move |connection| usage::totals(connection, &ranges, &filter)).await
    }

    /// As [`Books::usage`], for each combination of project, key, model and provider.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn usage_by_subject(
        &self,
        ranges: Vec<Range>,
        filter: UsageFilter,
    ) -> Result<Vec<BTreeMap<SubjectName, Figures>>, StoreError> {
        self.store.query(move |connection| usage::by_subject(connection, &ranges, &filter)).await
    }

    /// How long calls took in each of `points`, by the ids of providers, or at `provider` alone. [`Books::behind`] says what
    /// it may lack.
    ///
    /// # Errors
    /// If the database does not answer, or a row is damaged.
    pub async fn latencies(
        &self,
        points: Vec<Range>,
        provider: Option<ProviderId>,
    ) -> Result<Vec<BTreeMap<String, Latencies>>, StoreError> {
        self.store.query(move |connection| latency::read(connection, &points, provider)).await
    }

    /// Waits until everything settled so far is in the database.
    ///
    /// # Errors
    /// If the database does not take it.
    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        self.writer.flush().await
    }

    /// At most `limit` lines of every kind from `place` on, with all that their hashes cover.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn lines(&self, span: Span, place: Place, limit: i64) -> Result<Vec<ExportLine>, StoreError> {
        self.writer.flush().await?;
        self.store.query(move |connection| export::page(connection, &span, place, limit)).await
    }

    /// Adjustments before the line `before_seq`, newest first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn adjustments(&self, before_seq: Option<i64>, limit: i64) -> Result<Vec<StoredAdjustment>, StoreError> {
        self.writer.flush().await?;
        self.store.query(move |connection| adjustments::adjustments(connection, before_seq, limit)).await
    }

    /// What `provider` was paid, by day and model, over these days.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn charged(&self, provider: ProviderId, days: (Day, Day)) -> Result<Vec<Charged>, StoreError> {
        self.writer.flush().await?;
        self.store.query(move |connection| charged::charged(connection, provider, days)).await
    }

    /// The adjustment with this id.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn adjustment(&self, id: AdjustmentId) -> Result<Option<StoredAdjustment>, StoreError> {
        self.writer.flush().await?;
        self.store.query(move |connection| adjustments::adjustment(connection, id)).await
    }

    /// Recomputes everything.
    ///
    /// # Errors
    /// If the database does not answer or is behind. Faults in the books are the verdict.
    pub async fn verify(&self) -> Result<Verdict, StoreError> {
        if self.behind().await? > 0 {
            return Err(StoreError::Behind);
        }
        self.store.query(|connection| verify::verify(connection, &mut |_| {})).await
    }
}

//! The books as operators read them: what was called, what it cost, and whether it all adds up.
//! Owns the rule that everything settled before the question is in the answer, or that the answer says how much is not.
//! Refuses to write.

use std::collections::BTreeMap;
use std::sync::Arc;

use farthing_actors::domain::RequestId;

pub use crate::store::entries::{RequestFilter, StoredEntry as Line};
pub use crate::store::usage::{Figures, Range, SubjectName, UsageFilter};
pub use crate::store::verify::Verdict;
use crate::store::writer::Writer;
use crate::store::{Store, StoreError, entries, usage, verify};

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

    /// Lines in the database that fit `filter`, newest first. [`Books::behind`] says what they may lack.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn requests(&self, filter: RequestFilter) -> Result<Vec<Line>, StoreError> {
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

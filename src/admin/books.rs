//! The books as operators read them: what was called, what it cost, and whether it all adds up.
//! Owns the rule that everything settled before the question is in the answer. Refuses to write.

use std::sync::Arc;

use farthing_actors::domain::{DeploymentId, RequestId};
use farthing_actors::registry::PriceVersion;

pub use crate::store::entries::{RequestFilter, StoredEntry as Line};
pub use crate::store::verify::Verdict;
use crate::store::writer::Writer;
use crate::store::{Store, StoreError, entries, prices, verify};

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

    /// Lines that fit `filter`, newest first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn requests(&self, filter: RequestFilter) -> Result<Vec<Line>, StoreError> {
        self.writer.flush().await?;
        self.store.query(move |connection| entries::requests(connection, &filter)).await
    }

    /// The line of one request.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn request(&self, id: RequestId) -> Result<Option<Line>, StoreError> {
        self.writer.flush().await?;
        self.store.query(move |connection| entries::request(connection, id)).await
    }

    /// Every version of a deployment's price, the earliest first; also of a deployment that is gone.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn price_versions(&self, deployment: DeploymentId) -> Result<Vec<PriceVersion>, StoreError> {
        self.store.query(move |connection| prices::versions(connection, deployment)).await
    }

    /// Recomputes everything.
    ///
    /// # Errors
    /// If the database does not answer. Faults in the books are the verdict.
    pub async fn verify(&self) -> Result<Verdict, StoreError> {
        self.writer.flush().await?;
        self.store.query(|connection| verify::verify(connection, &mut |_| {})).await
    }
}

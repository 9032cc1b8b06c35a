//! The books on disk, for pages and commands: read after everything written so far is applied.
//! Owns the offline commands `migrate` and `ledger verify`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use farthing_actors::domain::{Clock, Money, RequestId};
use farthing_actors::ledger::JournalSource;
use serde::Serialize;

use super::{AppError, failed, journal};
use crate::admin::{Books, Read};
use crate::config::Config;
use crate::store::data_dir::DataDirLock;
use crate::store::entries::{self, RequestFilter, StoredEntry};
use crate::store::verify::{self, Verdict};
use crate::store::writer::Writer;
use crate::store::{Store, StoreError};

//! A report: what one load run saw. Travels from the load generator to its starter as one line of JSON.
//! Owns the figures; draws no conclusion.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::samples::Samples;

/// What one run saw. A unit is a request, or an event of a stream.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Units received whole and right.
    pub(crate) units: u64,
    /// Answers that were not.
    pub(crate) errors: u64,
    /// What was wrong with the first.
    pub(crate) first_error: Option<String>,
    /// From the first request to the last answer, in nanoseconds.
    pub(crate) elapsed_ns: u64,
    /// Median latency, in nanoseconds.
    pub(crate) p50_ns: u64,
    /// 99th percentile of latency, in nanoseconds.
    pub(crate) p99_ns: u64,
}

impl Report {
    /// Units per second.
    pub(crate) fn rate(&self) -> u64 {
        self.units.saturating_mul(1_000_000_000).checked_div(self.elapsed_ns).unwrap_or(0)
    }
}

/// A report being gathered.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    samples: Samples,
    errors: u64,
    first_error: Option<String>,
}

impl Tally {
    /// One answer, or why it does not count.
    pub(crate) fn note(&mut self, outcome: Result<Samples, Fault>) {
        match outcome {
            Ok(samples) => self.samples.append(samples),
            Err(fault) => {
                self.errors = self.errors.saturating_add(1);
                self.first_error.get_or_insert_with(|| fault.to_string());
            }
        }
    }

    /// Answers that did not count.
    pub(crate) fn errors(&self) -> u64 {
        self.errors
    }

    /// Takes in what another connection saw.
    pub(crate) fn merge(&mut self, other: Self) {
        self.samples.append(other.samples);
        self.errors = self.errors.saturating_add(other.errors);
        self.first_error = self.first_error.take().or(other.first_error);
    }

    /// The figures.
    pub(crate) fn report(mut self, elapsed: Duration) -> Report {
        Report {
            units: self.samples.count(),
            errors: self.errors,
            first_error: self.first_error,
            elapsed_ns: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
            p50_ns: self.samples.percentile(50),
            p99_ns: self.samples.percentile(99),
        }
    }
}

//! Strategies: how a group chooses among its targets. Owns their names in tables and on the wire.

use std::fmt;
use std::str::FromStr;

use super::call::names;

names!(
    /// How a group chooses.
    Strategy {
        /// The first that can, in the order of the list.
        Ordered = "ordered",
        /// By shares: each conversation has its place.
        Weighted = "weighted",
        /// The deployment that answered soonest lately.
        LowestLatency = "lowest_latency",
        /// The deployment where the call is likely cheapest.
        LowestPrice = "lowest_price",
        /// The first whose conditions the request meets.
        Rules = "rules",
        /// As a model rates the request.
        Classifier = "classifier",
    }
);

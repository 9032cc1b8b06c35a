//! What load balancers and people call without a key, and the feed's socket, which looks at its callers itself.

use super::line::{Line, Open, lines};
use crate::web::extract::operator::ReadUsage;
use crate::web::probes::{Alive, State};
use crate::web::{feed, metrics, probes};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/live" Open probes::live, "Says that the process answers",
            gives(200 Alive);
        GET "/ready" Open probes::ready, "Says whether the gateway can serve",
            gives(200 State) gives(503 State);
        GET "/health" Open probes::ready, "Says whether the gateway can serve",
            gives(200 State) gives(503 State);
        GET "/metrics" Open metrics::show, "Gives figures to Prometheus",
            gives(200) or("text/plain");
        GET "/ws/feed" ReadUsage feed::open, "Follows what happens, over a WebSocket";
    }
}

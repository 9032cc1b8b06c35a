//! Expiry: holds of which nobody tells any more, and how such a hold closes.
//! Owns the presumption. Refuses clocks: time passes here only when somebody says how much.

use super::{
    Book, CallStatus, Checkpoint, Ended, EstimateReason, LineKind, Money, OpenHold, Outcome, Provenance, RequestId,
    Usage,
};

impl Book {
    /// Takes in how far streams have come.
    pub fn take_progress(&mut self, checkpoints: Vec<Checkpoint>) {
        for checkpoint in checkpoints {
            if let Some(in_flight) = self.open.get_mut(&checkpoint.request) {
                in_flight.silent_ms = 0;
                in_flight.open.checkpoint = Some(checkpoint);
            }
        }
    }

    /// Lets `passed_ms` go by, by a clock that never jumps. Gives the holds of which nothing was heard for too long.
    pub fn wait(&mut self, passed_ms: u64) -> Vec<RequestId> {
        let mut lost = Vec::new();
        for (request, in_flight) in &mut self.open {
            in_flight.silent_ms = in_flight.silent_ms.saturating_add(passed_ms);
            if in_flight.silent_ms > in_flight.open.hold.patience_ms {
                lost.push(*request);
            }
        }
        lost
    }

    /// How an open hold closes when nobody can say what happened to its call.
    ///
    /// A stream is taken to have consumed its prompt and what it was last seen to, a whole answer everything it was
    /// allowed to.
    pub fn presume(&self, request: RequestId, why: EstimateReason) -> Option<Ended> {
        let OpenHold { hold, checkpoint, attempts, exhausted, .. } = &self.open.get(&request)?.open;
        let prompt = match (exhausted, hold.call.stream) {
            (true, _) => Usage::default(),
            (false, true) => Usage { output: 0, ..hold.expected },
            (false, false) => hold.expected,
        };
        let outcome = Outcome {
            status: CallStatus::Interrupted,
            http_status: 0,
            usage: checkpoint.as_ref().map_or(prompt, |checkpoint| checkpoint.usage),
            provenance: Provenance::Estimated(why),
            attempts: attempts.saturating_add(1),
            latency_ms: self.now.millis_since(hold.call.placed_at),
            first_token_ms: None,
        };
        let target = checkpoint.as_ref().and_then(|checkpoint| checkpoint.target.clone());
        Some(Ended { kind: LineKind::Call, request, target, outcome, freed: Money::ZERO, route: None })
    }
}

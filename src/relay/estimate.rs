//! Estimates: how many tokens a request will take, before anybody has counted.
//! Owns the two figures (likely, and the most for a hold). Refuses to be used where a provider's own figure is known.

use farthing_actors::domain::{Money, ServiceTier, Units, Usage};
use farthing_actors::registry::catalogue::Candidate;

use crate::dialect::{Head, Seen};

/// Generated tokens assumed where neither the client nor the model caps them.
const DEFAULT_OUTPUT_CAP: u64 = 4_096;

/// An answer shorter than this is of no use: a budget that covers less refuses the call.
const USEFUL_OUTPUT: u64 = 256;

/// What a model takes in at most where nobody says.
const LARGEST_WINDOW: u64 = 1_000_000;

/// What a request is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    /// Prompt tokens, likely.
    pub prompt: u64,
    /// Prompt tokens, at most.
    pub prompt_ceiling: u64,
    /// Tokens that may be generated for one choice.
    pub output_cap: u64,
    /// Choices asked for.
    pub choices: u64,
    /// What is not text, at most.
    pub units: Units,
    /// The same, likely.
    pub likely: Units,
    /// The tier it will be served in unless that is the standard one; `None` where the provider chooses.
    pub tier: Option<ServiceTier>,
}

impl Estimate {
    /// The estimate for `head` at any of `candidates`. `unseen`: whether the provider adds what it has stored, which cannot
    /// be seen here; then the prompt may be as long as the model takes.
    pub(super) fn of(head: &Head, unseen: bool, candidates: &[Candidate]) -> Self {
        let bytes = u64::try_from(head.bytes).unwrap_or(u64::MAX);
        let messages = u64::try_from(head.messages).unwrap_or(u64::MAX);
        Self {
            prompt: prompt(bytes, messages),
            prompt_ceiling: if unseen { window(candidates) } else { prompt_ceiling(bytes, messages) },
            output_cap: output_cap(head.output_cap, candidates),
            choices: head.choices,
            units: head.measure.most,
            likely: head.measure.likely,
            tier: head.tier,
        }
    }

    /// The most the request can cost at the dearest of `candidates`.
    pub(super) fn ceiling(&self, candidates: &[Candidate]) -> Money {
        let expected = self.expected();
        let prices = candidates.iter().filter_map(|candidate| candidate.deployment.price.as_deref());
        prices.map(|(_, price)| price.ceiling(&expected, self.tier)).max().unwrap_or(Money::ZERO)
    }

    /// The same request with the shortest answer that is still useful.
    pub(super) fn least(&self) -> Self {
        Self { output_cap: self.output_cap.min(USEFUL_OUTPUT), ..*self }
    }

    /// The estimate that `granted` covers, of `asked` for this one; and its cap, where that had to be lowered.
    pub(super) fn within(self, granted: Money, asked: Money, candidates: &[Candidate]) -> (Self, Option<u64>) {
        if granted >= asked {
            return (self, None);
        }
        let expected = self.expected();
        let prices = candidates.iter().filter_map(|candidate| candidate.deployment.price.as_deref());
        let affordable = prices.filter_map(|(_, price)| price.affordable(&expected, None, granted)).min().unwrap_or(0);
        let cap = affordable / self.choices.max(1);
        (Self { output_cap: cap, ..self }, Some(cap))
    }

    /// The usage the ceiling was computed for.
    pub(super) fn expected(&self) -> Usage {
        let output = self.output_cap.saturating_mul(self.choices);
        Usage { input: self.prompt_ceiling, output, units: self.units, ..Usage::default() }
    }

    /// All tokens, for the limiters.
    pub(super) fn tokens(&self) -> u64 {
        self.prompt.saturating_add(self.output_cap.saturating_mul(self.choices))
    }

    /// What was consumed as far as could be seen, when the provider never said.
    pub(super) fn seen(&self, seen: Seen) -> Usage {
        // Providers send about a token in an event; text sent in larger pieces has about four bytes a token.
        let output = seen.events.max(seen.text_bytes.div_ceil(4));
        Usage { input: self.prompt, output, ..Usage::default() }
    }
}

/// Four bytes a token and a little for each message: right for English, low for code and other scripts.
fn prompt(bytes: u64, messages: u64) -> u64 {
    bytes.div_ceil(4).saturating_add(messages.saturating_mul(4))
}

/// Three bytes a token, eight tokens a message, and a tenth more: nothing measured so far exceeds it.
fn prompt_ceiling(bytes: u64, messages: u64) -> u64 {
    let tokens = bytes.div_ceil(3).saturating_add(messages.saturating_mul(8));
    tokens.saturating_add(tokens.div_ceil(10))
}

/// The most any of the models takes in.
fn window(candidates: &[Candidate]) -> u64 {
    let windows = candidates.iter().map(|candidate| candidate.deployment.context_window.unwrap_or(LARGEST_WINDOW));
    windows.max().unwrap_or(LARGEST_WINDOW)
}

/// The client's cap within the model's; the model's or the default where the client set none.
fn output_cap(asked: Option<u64>, candidates: &[Candidate]) -> u64 {
    let model = candidates.iter().filter_map(|candidate| candidate.deployment.max_output_tokens).max();
    match (asked, model) {
        (Some(asked), Some(model)) => asked.min(model),
        (Some(asked), None) => asked,
        (None, Some(model)) => model.min(DEFAULT_OUTPUT_CAP),
        (None, None) => DEFAULT_OUTPUT_CAP,
    }
}

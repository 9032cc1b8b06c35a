//! Estimates: how many tokens a request will take, before anybody has counted.
//! Owns the two figures (likely, and the most for a hold). Refuses to be used where a provider's own figure is known.

use std::ops::Range;

use farthing_actors::domain::{Money, ServiceTier, Units, Usage};
use farthing_actors::registry::catalogue::Candidate;

use crate::dialect::beyond::looks_up;
use crate::dialect::{Beyond, Head, Request, Seen};
use crate::tokenizer::Gauge;

/// Generated tokens assumed where neither the client nor the model caps them.
const DEFAULT_OUTPUT_CAP: u64 = 4_096;

/// What a model takes in at most where nobody says.
const LARGEST_WINDOW: u64 = 1_000_000;

/// The longest answer of any model, whose provider may have passed over the cap.
const LONGEST_ANSWER: u64 = 131_072;

/// So many times as much as can be generated, or looked up, is not true.
const MANY_TIMES: u64 = 10;
/// Nor is so many times as long a prompt as the model takes.
const FEW_TIMES: u64 = 2;

/// What a provider may put around a message, at most.
const MESSAGE_MOST: u64 = 8;

/// What a middling picture takes.
const PICTURE: u64 = 1_024;
/// What a picture takes at most: Claude's take up to 4,800, OpenAI's and Gemini's less, but for gpt-4o-mini, which counts
/// pictures by tens of thousands to make them as dear as gpt-4o's.
const PICTURE_MOST: u64 = 6_000;

/// What a request is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    /// Prompt tokens, likely.
    pub prompt: u64,
    /// Prompt tokens, at most.
    pub prompt_ceiling: u64,
    /// The longest prompt that any of the models takes.
    pub window: u64,
    /// Whether a part of the prompt is not here, and may be as long as that, several times.
    pub unseen: bool,
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
    /// The estimate for `request` at any of `candidates`. Where it refers to what cannot be measured here (stored state,
    /// files, tools that the provider runs) or a model looks things up, its prompt may be as long as the model takes.
    pub(super) fn of(request: &Request, candidates: &[Candidate]) -> Self {
        let (head, beyond) = (request.head(), request.beyond());
        let (prompt, ceiling) = prompt(request, &beyond);
        let searches = |candidate: &Candidate| looks_up(&candidate.deployment.upstream_model);
        let unseen = beyond.unseen || (head.output_cap != Some(0) && candidates.iter().any(searches));
        Self {
            prompt,
            prompt_ceiling: if unseen { window(candidates).max(ceiling) } else { ceiling },
            window: window(candidates),
            unseen,
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
    pub(super) fn least(&self, head: &Head) -> Self {
        Self { output_cap: self.output_cap.min(head.least_output), ..*self }
    }

    /// The estimate that `granted` covers, of `asked` for this one; and its cap, where that had to be lowered.
    pub(super) fn within(self, granted: Money, asked: Money, candidates: &[Candidate]) -> (Self, Option<u64>) {
        if granted >= asked {
            return (self, None);
        }
        let expected = self.expected();
        let prices = candidates.iter().filter_map(|candidate| candidate.deployment.price.as_deref());
        let affordable =
            prices.filter_map(|(_, price)| price.affordable(&expected, self.tier, granted)).min().unwrap_or(0);
        let cap = affordable / self.choices.max(1);
        (Self { output_cap: cap, ..self }, Some(cap))
    }

    /// The usage the ceiling was computed for.
    pub(super) fn expected(&self) -> Usage {
        let output = self.output_cap.saturating_mul(self.choices);
        let tier = self.tier.unwrap_or_default();
        Usage { input: self.prompt_ceiling, output, units: self.units, tier, ..Usage::default() }
    }

    /// What is presumed to have been consumed where nobody lives to tell: by a stream that was not heard of its likely prompt, as if
    /// its client had left; by a whole answer everything that was set aside.
    pub(super) fn presumed(&self, streamed: bool) -> Usage {
        let expected = self.expected();
        if streamed { Usage { input: self.prompt, units: self.likely, output: 0, ..expected } } else { expected }
    }

    /// Whether a provider may have counted so much for this request. Some pass over the cap, some count what nobody sees; what is
    /// many times as much is a fault of theirs.
    pub(super) fn allows(&self, usage: &Usage) -> bool {
        let cap = self.output_cap.saturating_mul(self.choices);
        let most = cap.saturating_mul(MANY_TIMES).saturating_add(LONGEST_ANSWER);
        let times = if self.unseen { MANY_TIMES } else { FEW_TIMES };
        let prompt = self.prompt_ceiling.max(self.window).saturating_mul(times);
        usage.output.saturating_add(usage.reasoning) <= most && usage.prompt() <= prompt
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

/// Tokens of a prompt, likely and at most: of its text, what stands around each message and the tools, and the pictures.
fn prompt(request: &Request, beyond: &Beyond) -> (u64, u64) {
    let messages = u64::try_from(request.head().messages).unwrap_or(u64::MAX);
    let text = gauge(request.body(), &beyond.inline);
    let each = |message: u64, picture: u64| {
        message.saturating_mul(messages).saturating_add(picture.saturating_mul(beyond.pictures))
    };
    let most = text.ceiling.saturating_add(beyond.aside);
    (text.likely.saturating_add(each(0, PICTURE)), most.saturating_add(each(MESSAGE_MOST, PICTURE_MOST)))
}

/// The text of a body: all but its pictures.
fn gauge(body: &[u8], pictures: &[Range<usize>]) -> Gauge {
    let mut from = 0;
    let mut whole = Gauge::default();
    for picture in pictures {
        whole = whole.plus(Gauge::of(body.get(from..picture.start).unwrap_or_default()));
        from = picture.end;
    }
    whole.plus(Gauge::of(body.get(from..).unwrap_or_default()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{ChatRequest, ResponsesRequest};

    fn chat(content: &str) -> Estimate {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#);
        Estimate::of(&Request::Chat(ChatRequest::parse(body.into()).unwrap()), &[])
    }

    #[test]
    fn a_picture_costs_what_pictures_cost_and_not_its_bytes() {
        let bytes = "iVBORw0KGgo".repeat(20_000);
        let part = |url: &str| format!(r#"[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]"#);
        let here = chat(&part(&format!("data:image/png;base64,{bytes}"))).prompt_ceiling;
        let there = chat(&part("https://example.com/a.png")).prompt_ceiling;
        assert!((PICTURE_MOST..PICTURE_MOST + 150).contains(&here), "{here}");
        assert!((PICTURE_MOST..PICTURE_MOST + 150).contains(&there), "{there}");
        // The same in words is words, and so is what only might be a picture.
        let words = chat(&format!(r#""data:image/png;base64,{bytes}""#)).prompt_ceiling;
        let document = chat(&part(&format!("data:application/pdf;base64,{bytes}"))).prompt_ceiling;
        assert!(words > 50_000 && document > words, "{words} {document}");
    }

    #[test]
    fn many_times_what_was_asked_for_is_not_true() {
        let asked = Estimate { output_cap: 100, ..chat(r#""hi""#) };
        let usage = |input, output| Usage { input, output, ..Usage::default() };
        for honest in [usage(5, 100), usage(900_000, 128_000), usage(0, 0)] {
            assert!(asked.allows(&honest), "{honest:?}");
        }
        for absurd in [usage(5, 99_000_000), usage(2_000_001, 1), Usage { reasoning: 140_000, ..usage(5, 0) }] {
            assert!(!asked.allows(&absurd), "{absurd:?}");
        }
        assert!(Estimate { output_cap: 14_000, ..asked }.allows(&usage(5, 140_000)));
        let small = Estimate { window: 8_000, ..asked };
        assert!(small.allows(&usage(16_000, 1)) && !small.allows(&usage(16_001, 1)));
        assert!(
            Estimate { unseen: true, ..small }.allows(&usage(80_000, 1)),
            "what is looked up comes again and again"
        );
        assert!(Estimate { prompt_ceiling: 50_000, ..small }.allows(&usage(50_000, 0)), "a batch of many short texts");
    }

    #[test]
    fn what_is_not_here_may_fill_the_window() {
        let file = chat(r#"[{"type":"file","file":{"file_id":"file-1"}}]"#);
        assert_eq!(file.prompt_ceiling, LARGEST_WINDOW);
        assert!(file.prompt < 100, "the likely figure is of what is here: {}", file.prompt);
        for tool in ["web_search", r"\u0077eb_search", "invented tomorrow"] {
            let body = format!(r#"{{"model":"m","input":"hi","tools":[{{"type":"{tool}"}}]}}"#);
            let hosted = Request::Responses(ResponsesRequest::parse(body.into()).unwrap());
            assert_eq!(Estimate::of(&hosted, &[]).prompt_ceiling, LARGEST_WINDOW, "{tool}");
        }
    }
}

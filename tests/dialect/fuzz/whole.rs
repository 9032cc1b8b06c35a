//! Requests and whole answers: what is read can be written for every dialect, and read there again.

use std::collections::BTreeSet;

use farthing::dialect::canonical::{PartKind, Reply, Stop};
use farthing::dialect::{Endpoint, OutputCap, Reading, Rewrite, UpstreamWords, UsageOption, answer, request};
use farthing_actors::domain::Dialect;
use serde_json::Value;

use super::corpus::Corpus;
use super::{Case, DIALECTS, FARTHING, check_usage, mutate, parse};
use crate::allocated;

/// What no answer may cost in memory or on the wire beyond a multiple of what came.
const SLACK: usize = 64 * 1024;

fn document(case: &mut Case, seeds: &[Value], words: &[Value]) {
    let random = &mut case.random;
    let mut document = random.of(seeds).clone();
    if !random.once_in(8) {
        mutate::document(random, &mut document, words);
    }
    case.input = document.to_string().into_bytes();
    if random.once_in(4) {
        mutate::bytes(random, &mut case.input);
    }
}

pub(super) fn request(case: &mut Case, dialect: Dialect, corpus: &Corpus) {
    document(case, &corpus.own.requests, &corpus.words);
    let input = case.input.clone();
    let (_, held) = allocated::measure(|| one_request(dialect, &input));
    // Linear, whatever comes: many small parts grow most when they are translated (a hundredfold was seen).
    assert!(held <= 400 * input.len() + SLACK, "{held} bytes held for {}", input.len());
}

fn one_request(dialect: Dialect, input: &[u8]) {
    let Ok(read) = parse(dialect, input, true) else { return };
    let cap = OutputCap { field: "max_tokens", tokens: 77 };
    let to = Rewrite { model: "other", usage: UsageOption::Asked, output_cap: Some(cap) };
    let passed = read.for_upstream(&to);
    let again = parse(dialect, &passed, true).unwrap_or_else(|fault| panic!("{fault:?}: {}", passed.escape_ascii()));
    assert_eq!(again.head().output_cap, Some(77), "{}", passed.escape_ascii());
    assert_eq!(again.head().model, if dialect == Dialect::Gemini { "m" } else { "other" });
    let Ok(conversation) = read.conversation() else { return };
    for target in DIALECTS {
        let to = Rewrite { output_cap: None, ..to };
        let Ok(written) = request::write(&conversation, target, &to, true) else { continue };
        let shown = || written.body.escape_ascii();
        assert!(written.body.len() <= 12 * input.len() + SLACK, "{target:?}: {} bytes", written.body.len());
        match parse(target, &written.body, true).and_then(|there| there.conversation()) {
            Ok(_) => {}
            // What is deep enough is a level too deep where it stands a level deeper.
            Err(fault) if fault.code == "too_deep" => {}
            Err(fault) => panic!("{target:?} does not read what it wrote: {fault:?}: {}", shown()),
        }
    }
}

pub(super) fn reply(case: &mut Case, dialect: Dialect, corpus: &Corpus) {
    document(case, &corpus.own.replies, &corpus.words);
    let input = case.input.clone();
    let (_, held) = allocated::measure(|| one_reply(dialect, &input));
    // Linear, whatever comes: many small parts grow most when they are translated (a hundredfold was seen).
    assert!(held <= 400 * input.len() + SLACK, "{held} bytes held for {}", input.len());
}

fn one_reply(dialect: Dialect, input: &[u8]) {
    UpstreamWords::read(input);
    let usage = answer::usage(Endpoint::Conversation, dialect, input);
    check_usage(usage);
    let Some(reply) = answer::read(dialect, input, 1) else { return };
    assert!(answer::is_answer(dialect, input), "read, and no answer");
    assert_eq!(reply.usage, usage, "two readings of one usage");
    for target in DIALECTS {
        let written = answer::write(target, &reply, Some(FARTHING));
        let shown = || written.escape_ascii();
        assert!(written.len() <= 12 * input.len() + SLACK, "{target:?}: {} bytes", written.len());
        assert!(answer::is_answer(target, &written), "{target:?}: {}", shown());
        let Some(there) = answer::read(target, &written, 1) else {
            panic!("{target:?} does not read what it wrote: {}", shown());
        };
        same(&said(&there), &said(&reply), || format!("{target:?}: {}", shown()));
        if let (Reading::Figures(here), Reading::Figures(there)) = (usage, there.usage) {
            assert_eq!(there.total(), here.total(), "{target:?}: {}", shown());
        }
    }
}

/// What the first choice says.
fn said(reply: &Reply) -> Said {
    let mut said = Said::default();
    let Some(choice) = reply.choices.first() else { return said };
    said.declined = choice.stop == Stop::Refusal;
    for part in &choice.parts {
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => said.text.push_str(text),
            PartKind::ToolCall(call) => said.calls.push((call.id.clone(), call.name.clone())),
            _ => {}
        }
    }
    said
}

#[derive(Default)]
struct Said {
    text: String,
    declined: bool,
    /// Ids and names.
    calls: Vec<(String, String)>,
}

fn same(there: &Said, here: &Said, shown: impl Fn() -> String) {
    // A model that declined and does not say so is given words that do.
    let added = there.text.strip_prefix(&here.text);
    assert!(added.is_some_and(|added| added.is_empty() || here.declined), "{:?}: {}", here.text, shown());
    // A call without a name may be left out, and two calls with one id may be one.
    let ids: BTreeSet<&String> = here.calls.iter().map(|(id, _)| id).collect();
    if ids.len() == here.calls.len() {
        let names =
            |said: &Said| said.calls.iter().map(|call| call.1.clone()).filter(|name| !name.is_empty()).collect();
        let (there, here): (Vec<String>, Vec<String>) = (names(there), names(here));
        assert_eq!(there, here, "{}", shown());
    }
}

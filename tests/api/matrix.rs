//! The matrix: every client dialect against every upstream dialect, whole and streamed, over what applications do. One
//! gateway and one upstream serve all of it; the table that is printed says what came of each cell.
//!
//! In every cell: what reached the provider is in its dialect and says what the client said; what the client got is in
//! its own and says what the provider said; and the books have the provider's figures at the price of each class.

use std::collections::HashMap;

use farthing_support::scene::{PROJECT, PROVIDER_KEY};
use farthing_support::{Answer, Dialect, Key, Picos, Seen, TestGateway, Tokens, Upstream};
use serde_json::{Value, json};

mod asked;
mod cases;
mod told;
mod wire;

use asked::{Asked, effort};
use cases::{Case, Outcome, THOUGHT, WORDS};
use told::Told;
use wire::Form;

const TEXT: &str = "word0 word1 word2 ";
const PRICES: [(&str, &str); 4] = [("input", "1.25"), ("cache_read", "0.125"), ("output", "10"), ("reasoning", "12.5")];

/// One cell.
#[derive(Debug, Clone, Copy)]
struct Cell {
    case: Case,
    client: Dialect,
    upstream: Dialect,
    form: Form,
    tokens: Tokens,
}

/// The line in the books that a cell must have.
struct Line {
    cell: Cell,
    status: &'static str,
    http_status: u16,
    /// `x-farthing-cost`, where there was one.
    cost: Option<Picos>,
}

struct Table {
    gateway: TestGateway,
    upstream: Upstream,
    key: Key,
    lines: HashMap<String, Line>,
}

#[test]
fn every_dialect_is_served_by_providers_of_every_dialect() {
    let mut table = Table::start();
    let mut serial = 0;
    let mut print = String::from(
        "\n| asked | client | openai_chat | openai_responses | anthropic | gemini |\n|---|---|---|---|---|---|\n",
    );
    for case in Case::ALL {
        for client in Dialect::ALL {
            let columns = Dialect::ALL.map(|upstream| {
                let forms = forms(case, client).iter().map(|form| {
                    serial += 1;
                    let tokens = Tokens { prompt: 200 + serial, cached: 40, completion: 70 + serial, reasoning: 9 };
                    table.run(Cell { case, client, upstream, form: *form, tokens })
                });
                let mut outcomes: Vec<String> = forms.collect();
                outcomes.dedup();
                outcomes.join(", ")
            });
            print += &format!("| {case:?} | {} | {} |\n", client.name(), columns.join(" | "));
        }
    }
    println!("{print}");
    table.check_the_books();
}

fn forms(case: Case, client: Dialect) -> &'static [Form] {
    match (case, client) {
        (Case::BrokenOff | Case::EndedEarly | Case::ErrorFirst, Dialect::Gemini) => &[Form::Events, Form::Array],
        (Case::BrokenOff | Case::EndedEarly | Case::ErrorFirst, _) => &[Form::Events],
        (_, Dialect::Gemini) => &[Form::Whole, Form::Events, Form::Array],
        _ => &[Form::Whole, Form::Events],
    }
}

impl Table {
    fn start() -> Self {
        let gateway = TestGateway::builder(crate::BINARY).start();
        let upstream = Upstream::start();
        for dialect in Dialect::ALL {
            gateway.add_provider_of(dialect.name(), dialect.kind(), &upstream);
        }
        gateway.add_project(PROJECT, Some("1000"));
        let key = gateway.add_key(PROJECT, &json!({}));
        Self { gateway, upstream, key, lines: HashMap::new() }
    }

    /// Runs a cell; gives what came of it.
    fn run(&mut self, cell: Cell) -> String {
        let model = self.model(&cell);
        let stream = cell.form != Form::Whole;
        let asked = cell.case.asked();
        let Some(body) = cell.case.wish(cell.client, asked.write(cell.client, &model, stream)) else {
            return "cannot be asked".to_owned();
        };
        let outcome = cell.case.outcome(cell.client, cell.upstream, cell.form);
        if !matches!(outcome, Outcome::Inexpressible(_)) {
            self.upstream.expect(cell.case.reply(cell.upstream, cell.tokens));
        }
        let mut path = cell.client.path(&model, stream);
        if cell.form == Form::Array {
            path = path.replace("?alt=sse", "");
        }
        let before = self.upstream.calls();
        let answer = self.gateway.application(&self.key.secret).post(&path, &body);
        if !matches!(outcome, Outcome::Inexpressible(_)) {
            cell.check_sent(&self.upstream.journal_from(before), &format!("real.{model}"), &body);
        }
        self.note(&cell, &outcome, &answer);
        cell.check_told(&outcome, &answer)
    }

    /// The model that serves it; calls that fail have one of their own, so that no circuit opens for others.
    fn model(&self, cell: &Cell) -> String {
        let Cell { case, client, upstream, form, .. } = cell;
        use Case::{BrokenOff, Busy, CutOff, EndedEarly, ErrorFirst, Garbage};
        let fails = matches!(case, Busy | BrokenOff | CutOff | EndedEarly | ErrorFirst | Garbage);
        let whose = if fails { format!(".{case:?}.{client:?}.{form:?}") } else { String::new() };
        let name = format!("{upstream:?}{whose}");
        let known = || self.gateway.list("/api/models").iter().any(|model| model["name"] == *name);
        if fails || !known() {
            let prices: serde_json::Map<_, _> =
                PRICES.iter().map(|(class, rate)| (format!("{class}_cost_per_m"), json!(rate))).collect();
            let body = json!({
                "name": name, "provider": upstream.name(), "upstream_model": format!("real.{name}"),
                "dialects": [upstream.name()], "max_output_tokens": 16_384, "context_window": 128_000, "prices": prices,
            });
            self.gateway.create("/api/models", &body);
        }
        name
    }

    fn note(&mut self, cell: &Cell, outcome: &Outcome, answer: &Answer) {
        let (status, http_status) = match outcome {
            Outcome::Served => ("ok", 200),
            Outcome::Failed(status) => ("upstream_error", *status),
            Outcome::Broken => ("upstream_cut", 200),
            Outcome::Inexpressible(_) => ("refused", 400),
        };
        let id = answer.header("x-farthing-request-id").expect("every answer names its request").to_owned();
        let cost = answer.header("x-farthing-cost").map(Picos::parse);
        let served = *outcome == Outcome::Served && cell.form == Form::Whole;
        assert!(matches!(outcome, Outcome::Failed(_)) || cost.is_some() == served, "{cell:?}");
        self.lines.insert(id, Line { cell: *cell, status, http_status, cost });
    }

    /// One line for each call, with the provider's figures where it gave some, each class at its price.
    fn check_the_books(&self) {
        self.gateway.settled();
        for row in self.gateway.requests(PROJECT, self.lines.len()) {
            let line = &self.lines[row["id"].as_str().unwrap()];
            let Cell { client, upstream, form, tokens, .. } = line.cell;
            let bill =
                PRICES.iter().map(|(class, rate)| Picos::millionths(rate, row["usage"][class].as_u64().unwrap()));
            let bill = Picos::rounded(bill.sum());
            assert_eq!(Picos::of(&row["cost_usd"]), bill, "{:?}: {row}", line.cell);
            assert!(line.cost.is_none_or(|cost| cost == bill), "{:?}: {row}", line.cell);
            let told = (row["status"].as_str().unwrap(), row["http_status"].as_u64().unwrap());
            assert_eq!(told, (line.status, u64::from(line.http_status)), "{:?}: {row}", line.cell);
            assert_eq!(
                (&row["dialect"], &row["stream"]),
                (&json!(client.name()), &json!(form != Form::Whole)),
                "{row}"
            );
            let mut usage = json!({
                "input": tokens.prompt - tokens.cached, "cache_read": tokens.cached, "cache_write": 0,
                "output": tokens.completion - tokens.reasoning, "reasoning": tokens.reasoning,
            });
            match line.status {
                "ok" if line.cell.case == Case::Uncounted => {
                    // Counted, unless it stopped reporting just now.
                    assert_ne!(row["usage_source"], "provider", "{:?}: {row}", line.cell);
                    assert!(bill > Picos(0), "{row}");
                }
                "ok" => {
                    assert_eq!((&row["provider"], &row["usage_source"]), (&json!(upstream.name()), &json!("provider")));
                    usage = json!({"usage": usage});
                    assert_eq!(usage["usage"], row["usage"], "{:?}: {row}", line.cell);
                }
                "upstream_cut" => assert!(bill > Picos(0), "what was produced is charged: {row}"),
                _ if line.http_status == 502 => assert_eq!(line.cost.is_some(), bill > Picos(0), "{row}"),
                _ => assert_eq!(bill, Picos(0), "{row}"),
            }
        }
    }
}

impl Cell {
    /// What reached the provider: one call, in its dialect, that says what the client said.
    fn check_sent(&self, seen: &[Seen], model: &str, asked: &Value) {
        assert_eq!(seen.len(), 1, "{self:?}: {seen:?}");
        let (seen, body) = (&seen[0], seen[0].json());
        let array = self.form == Form::Array && self.upstream == Dialect::Gemini && self.client == Dialect::Gemini;
        let mut path = self.upstream.path(model, self.form != Form::Whole);
        if array {
            path = path.replace("?alt=sse", "");
        }
        assert_eq!(seen.path, path, "{self:?}");
        if self.upstream != Dialect::Gemini {
            assert_eq!(body["model"], model, "{self:?}");
            assert_eq!(body["stream"] == true, self.form != Form::Whole, "{self:?}: {body}");
        }
        assert_eq!(Asked::read(self.upstream, &body), self.case.asked(), "{self:?}: {body}");
        let openai = |dialect| matches!(dialect, Dialect::Chat | Dialect::Responses);
        if self.case == Case::Reasoning && openai(self.client) == openai(self.upstream) {
            assert_eq!(effort(self.upstream, &body), effort(self.client, asked), "{self:?}: {body}");
        }
        assert!(seen.headers.iter().any(|(_, value)| value.contains(PROVIDER_KEY)), "{self:?}");
    }

    fn check_told(&self, outcome: &Outcome, answer: &Answer) -> String {
        let text = answer.text();
        match outcome {
            Outcome::Served => {
                assert_eq!(answer.status, 200, "{self:?}: {text}");
                self.check_answer(&Told::read(self.client, self.form, &text), &text);
                "ok".to_owned()
            }
            Outcome::Failed(status) => {
                assert_eq!(answer.status, *status, "{self:?}: {text}");
                let message = self.client.error_message(&answer.json());
                assert_eq!(
                    message == WORDS,
                    *status == 400,
                    "only words about the client's own fault: {self:?}: {text}"
                );
                let retry = (*status == 429).then_some("7");
                assert_eq!(answer.header("retry-after"), retry, "{self:?}");
                status.to_string()
            }
            Outcome::Broken => {
                assert_eq!(answer.status, 200, "{self:?}: {text}");
                let message = told::broken(self.client, self.form, &text);
                assert!(!message.contains(WORDS), "{self:?}: {message}");
                "one error event".to_owned()
            }
            Outcome::Inexpressible(field) => {
                assert_eq!(answer.status, 400, "{self:?}: {text}");
                let body = answer.json();
                assert!(self.client.error_message(&body).contains(field), "{self:?}: {text}");
                assert_eq!(self.client.error_field(&body), *field, "{self:?}: {text}");
                format!("400 {field}")
            }
        }
    }

    fn check_answer(&self, told: &Told, text: &str) {
        let Tokens { prompt, cached, completion, reasoning } = self.tokens;
        let calls = self.case.calls(self.upstream);
        let expected = Told {
            text: if calls.is_empty() { TEXT } else { "" }.to_owned(),
            thinking: if self.case == Case::Reasoning { THOUGHT } else { "" }.to_owned(),
            stop: self.case.stop(self.client).to_owned(),
            usage: if self.case == Case::Uncounted { [0; 4] } else { [prompt, cached, completion, reasoning] },
            calls,
        };
        let mut named = told.clone();
        for (call, expected) in named.calls.iter_mut().zip(&expected.calls) {
            // An id that the provider left out is made up, but for a client that lives without.
            if expected.id.is_empty() && (!call.id.is_empty() || self.client == Dialect::Gemini) {
                call.id.clear();
            }
        }
        assert_eq!(named, expected, "{self:?}: {text}");
        let mut ids: Vec<_> = told.calls.iter().map(|call| &call.id).filter(|id| !id.is_empty()).collect();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "ids tell calls apart: {self:?}: {text}");
    }
}

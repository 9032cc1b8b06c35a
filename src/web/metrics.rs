//! `/metrics`: figures for Prometheus, without a key. Owns their names (docs/metrics.md is this table) and their text form.
//! Refuses every label that a stranger could choose: there are names of providers, models and actors, and closed sets.

mod process;
mod tally;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use farthing_actors::breakers::CircuitState;
use farthing_actors::registry::catalogue::Provider;

pub use process::{Process, resident};
pub use tally::Tally;

use super::Gateway;
use super::manage::providers::breaker::circuits;
use super::routes::line::Anybody;
use crate::background;
use tally::{PARTS, Shares};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The labels of a sample, and its value.
type Sample = (Vec<(&'static str, String)>, String);

/// Figures of one name.
struct Family {
    name: &'static str,
    /// `counter` or `gauge`.
    kind: &'static str,
    about: &'static str,
    samples: fn(&Reading<'_>) -> Vec<Sample>,
}

/// What is read once for all families.
struct Reading<'a> {
    gateway: &'a Gateway,
    process: Process,
    estimated: Shares,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "farthing_requests_total",
        kind: "counter",
        about: "Requests answered, by HTTP `status`.",
        samples: |reading| {
            let counts = reading.gateway.tally.by_status();
            counts.map(|(status, count)| (vec![("status", status.to_string())], count.to_string())).collect()
        },
    },
    Family {
        name: "farthing_in_flight",
        kind: "gauge",
        about: "Calls in flight.",
        samples: |reading| alone(reading.gateway.tasks.running()),
    },
    Family {
        name: "farthing_feed_listeners",
        kind: "gauge",
        about: "Sockets that follow the live feed.",
        samples: |reading| alone(reading.gateway.feed.listeners()),
    },
    Family {
        name: "farthing_ledger_behind",
        kind: "gauge",
        about: "Finished calls that are in the journal and not in the database yet.",
        samples: |reading| alone(reading.gateway.admin.books().waiting()),
    },
    Family {
        name: "farthing_actor_alive",
        kind: "gauge",
        about: "Whether the `actor` lives: 1, or 0.",
        samples: |reading| of_actors(reading, |vitals| u64::from(vitals.alive)),
    },
    Family {
        name: "farthing_actor_waiting",
        kind: "gauge",
        about: "Questions that wait for the `actor`.",
        samples: |reading| of_actors(reading, |vitals| u64::try_from(vitals.waiting).unwrap_or(u64::MAX)),
    },
    Family {
        name: "farthing_actor_restarts_total",
        kind: "counter",
        about: "How often the `actor` was replaced.",
        samples: |reading| of_actors(reading, |vitals| vitals.restarts),
    },
    Family {
        name: "farthing_breaker_state",
        kind: "gauge",
        about: "The worst circuit of the `provider`'s deployments of the `model`: 0 closed, 1 half open, 2 cooling, 3 open.",
        samples: breakers,
    },
    Family {
        name: "farthing_sign_in_failures_total",
        kind: "counter",
        about: "Sign-ins that were refused.",
        samples: |reading| alone(reading.gateway.tally.failed_sign_ins()),
    },
    Family {
        name: "farthing_audit_events_total",
        kind: "counter",
        about: "Events of the audit trail, by `result`.",
        samples: |reading| {
            let counts = reading.gateway.admin.audit_recorded();
            counts.map(|(effect, count)| (vec![("result", effect.as_str().to_owned())], count.to_string())).collect()
        },
    },
    Family {
        name: "farthing_provider_key_refused",
        kind: "gauge",
        about: "Whether the `provider` refuses our key: 1 if it does.",
        samples: |reading| {
            let refused = |id| u8::from(reading.gateway.breakers.refused_key(id).is_some()).to_string();
            let catalogue = reading.gateway.catalogue.get();
            let sample = |provider: &Arc<Provider>| (vec![("provider", provider.name.clone())], refused(provider.id));
            catalogue.providers().map(sample).collect()
        },
    },
    Family {
        name: "farthing_estimated_ratio",
        kind: "gauge",
        about: "The part of the last day's calls at the `provider` whose usage was estimated, from 0 to 1.",
        samples: |reading| {
            let shares = reading.estimated.iter();
            let share = |share: u64| format!("{}.{:06}", share / PARTS, share % PARTS);
            shares.map(|(provider, known)| (vec![("provider", provider.clone())], share(*known))).collect()
        },
    },
    Family {
        name: "process_cpu_seconds_total",
        kind: "counter",
        about: "Time the processor has spent on the process, in seconds.",
        samples: |reading| reading.process.cpu().map_or_else(Vec::new, alone),
    },
    Family {
        name: "process_resident_memory_bytes",
        kind: "gauge",
        about: "What the process holds in memory.",
        samples: |reading| reading.process.resident.map_or_else(Vec::new, alone),
    },
    Family {
        name: "process_open_fds",
        kind: "gauge",
        about: "Open files and sockets.",
        samples: |reading| reading.process.open_files.map_or_else(Vec::new, alone),
    },
    Family {
        name: "process_max_fds",
        kind: "gauge",
        about: "How many there may be.",
        samples: |reading| reading.process.most_files.map_or_else(Vec::new, alone),
    },
    Family {
        name: "process_start_time_seconds",
        kind: "gauge",
        about: "When the gateway was started, in Unix seconds.",
        samples: |reading| alone(reading.gateway.tally.started().0 / 1_000),
    },
];

/// GET `/metrics`.
pub async fn show(_: Anybody, gateway: web::Data<Gateway>) -> HttpResponse {
    let estimated = gateway.tally.estimated(&gateway).await;
    let process = background::run(Process::read).await.unwrap_or_default();
    let reading = Reading { gateway: &gateway, process, estimated };
    HttpResponse::Ok().content_type(TEXT).body(written(&reading))
}

fn written(reading: &Reading<'_>) -> String {
    let mut text = String::new();
    for Family { name, kind, about, samples } in FAMILIES {
        // Writing to a string cannot fail.
        write!(text, "# HELP {name} {about}\n# TYPE {name} {kind}\n").ok();
        for (labels, value) in samples(reading) {
            let labels: Vec<_> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            writeln!(text, "{name}{labels} {value}").ok();
        }
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn alone(value: impl ToString) -> Vec<Sample> {
    vec![(Vec::new(), value.to_string())]
}

fn of_actors(reading: &Reading<'_>, figure: fn(&farthing_actors::mailbox::Vitals) -> u64) -> Vec<Sample> {
    let vitals = reading.gateway.vitals.iter().map(|vitals| vitals());
    vitals.map(|vitals| (vec![("actor", vitals.name.to_owned())], figure(&vitals).to_string())).collect()
}

fn breakers(reading: &Reading<'_>) -> Vec<Sample> {
    let catalogue = reading.gateway.catalogue.get();
    let mut worst: BTreeMap<(String, String), u8> = BTreeMap::new();
    for provider in catalogue.providers() {
        for (model, report) in circuits(reading.gateway, provider.id) {
            let known = worst.entry((provider.name.clone(), model)).or_default();
            *known = rank(report.state).max(*known);
        }
    }
    let sample = |((provider, model), state): ((String, String), u8)| {
        (vec![("provider", provider), ("model", model)], state.to_string())
    };
    worst.into_iter().map(sample).collect()
}

fn rank(state: CircuitState) -> u8 {
    match state {
        CircuitState::Closed => 0,
        CircuitState::HalfOpen => 1,
        CircuitState::Cooling => 2,
        CircuitState::Open => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_metrics_is_the_table() {
        let lines = FAMILIES.iter().map(|it| format!("| `{}` | {} | {} |\n", it.name, it.kind, it.about));
        let table = format!("| name | kind | what it is |\n|---|---|---|\n{}", lines.collect::<String>());
        let page = include_str!("../../docs/metrics.md");
        assert!(page.contains(&table), "docs/metrics.md should contain:\n{table}");
    }

    #[test]
    fn a_label_cannot_end_itself() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}

//! The gateway from outside: the built binary, a real database, a scripted upstream. One binary of tests, one file per
//! promise. Each test has its own gateway, which is checked at rest when the test ends (`farthing_support::gateway`).
#![cfg(test)]

mod alerts;
mod arriving;
mod audio;
mod audit;
mod bedrock;
mod books;
mod budgets;
mod caching;
mod caps;
mod catalogue;
mod chat;
mod classifier;
mod credit;
mod crossing;
mod dashboard;
mod dashboard_costs;
mod dashboard_people;
mod dashboard_requests;
mod dashboard_system;
mod dashboard_usage;
mod doors;
mod edge;
mod ends;
mod feed;
mod fidelity;
mod figures;
mod forms;
mod framing;
mod groups;
mod idempotency;
mod images;
mod input;
mod key_tokens;
mod keys;
mod leaving;
mod matrix;
mod methods;
mod oidc;
mod ollama;
mod operators;
mod pains;
mod patterns;
mod people;
mod permissions;
mod plain;
mod planned;
mod prices;
mod provider_test;
mod retrying;
mod routing;
mod runs;
mod searching;
mod secrets;
mod set_up;
mod settings;
mod shadow;
mod strangers;
mod streams;
mod system;
mod tail;
mod thinking;
mod tls;
mod uncounted;
mod usage;
mod versions;
mod vertex;
mod warnings;

use farthing_support::Scene;

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_farthing");

fn scene() -> Scene {
    Scene::start(BINARY)
}

//! A backup of about a gibibyte while an application calls: how long it takes from the question to the verified copy, and what calls
//! notice of it. Owns the order. Refuses to pass or fail, except where the backup, a call or the verdict on the books does.

use std::time::Instant;

use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::{ALONE, Fault, stop_fill_start, traffic};

/// Fills a database with so many calls, makes a backup of it, and prints what that took.
pub(crate) fn measure(gateway: &mut Gateway, requests: i64) -> Result<(), Fault> {
    stop_fill_start(gateway, requests)?;
    let size = std::fs::metadata(gateway.database())?.len() >> 20;
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("{requests} requests: {size} MiB, a {build} build");
    let begun = Instant::now();
    let verdict = gateway.get("/api/ledger/verify")?.json();
    if verdict.get("ok") != Some(&json!(true)) {
        return Err(format!("what was filled in does not add up: {verdict}").into());
    }
    println!("ledger verify: {} s", begun.elapsed().as_secs());
    let traffic = traffic::start(gateway.application()?);
    std::thread::sleep(ALONE);
    println!("no backup: {}", traffic.stop()?);
    let traffic = traffic::start(gateway.application()?);
    let begun = Instant::now();
    let answer = gateway.post("/api/system/backups", &json!({}))?;
    let took = begun.elapsed();
    println!("meanwhile: {}", traffic.stop()?);
    if answer.status != 201 {
        return Err(format!("no backup: {} {}", answer.status, answer.text()).into());
    }
    let size = answer.json().get("bytes").and_then(Value::as_u64).unwrap_or(0) >> 20;
    println!("backup: {size} MiB in {} s", took.as_secs());
    Ok(())
}

//! The pages' benchmark: how long each takes over ten million requests while an application calls, beside the same over few.
//! Owns the list of pages and the print. Refuses to pass or fail: it prints what it measured (docs/performance.md).
//!
//! `cargo bench --bench scale` makes ten million; `-- --requests N` another number; `-- --keep` leaves the folder to look at.
//! `-- --backup` measures a backup of about a gibibyte while calls go on, in place of the pages.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, reads its arguments and the time, and spawns"
)]

mod copy;
mod fill;
mod gateway;
mod traffic;

use std::time::{Duration, Instant};

use gateway::Gateway;
use serde_json::Value;

pub(crate) type Fault = Box<dyn std::error::Error>;

/// How long an application calls before anybody looks at a page.
pub(crate) const ALONE: Duration = Duration::from_secs(30);
/// How often, and how many times, somebody opens a page who reads it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOKS: usize = 28;
/// So many lines are about a gibibyte.
const GIBIBYTE: i64 = 900_000;
/// Each page is asked so often; the first time is not counted.
const TIMES: usize = 12;

/// What is asked, as people see it and as programs do. In braces: what is filled in from the newest request.
const PAGES: &[&str] = &[
    "/",
    "/requests",
    "/requests?project={project}",
    "/requests?model=model-1&status=upstream_error",
    "/requests?from={old}&to={later}",
    "/requests/{id}",
    "/usage",
    "/costs",
    "/projects",
    "/keys",
    "/providers",
    "/models",
    "/audit",
    "/system",
    "/api/requests",
    "/api/requests?limit=1000",
    "/api/requests?project={project}&status=refused",
    "/api/requests?model=no-such-model",
    "/api/requests?key={key}&model=no-such-model",
    "/api/requests?provider=provider-1&from={old}&to={later}",
    "/api/requests?search={beginning}",
    "/api/requests/{id}",
    "/api/usage/summary",
    "/api/usage/series?from={oldest}",
    "/api/usage/series?from={oldest}&project={project}&time_zone=Europe/Berlin",
    "/api/usage/breakdown?by=key",
    "/api/usage/breakdown?by=model&from={oldest}",
    "/api/usage/latency?from={oldest}",
    "/api/usage/latency?from={old}&to={later}&interval=hour",
    "/api/ledger/entries?to={later}",
    "/api/ledger/entries?from={old}",
    "/api/ledger/entries?to={later}&project={project}",
    "/api/ledger/entries?from={old}&to={later}&project={project}",
    "/api/projects",
    "/api/keys?limit=200",
];

fn main() -> Result<(), Fault> {
    let asked = argument("--requests");
    let mut gateway = Gateway::new()?;
    gateway.start()?;
    gateway.set_up()?;
    if given("--backup") {
        copy::measure(&mut gateway, asked.unwrap_or(GIBIBYTE))
    } else {
        pages(&mut gateway, asked.unwrap_or(10_000_000))
    }?;
    if given("--keep") {
        println!("\nkept: {}", gateway.database().display());
        gateway.keep();
    }
    Ok(())
}

/// How long each page takes over so many requests.
fn pages(gateway: &mut Gateway, requests: i64) -> Result<(), Fault> {
    // So that there is a request whose story can be told.
    stop_fill_start(gateway, 90)?;
    let empty = ask_beside_calls(gateway, "90 requests")?;
    let begun = Instant::now();
    let ready = stop_fill_start(gateway, requests)?;
    let size = std::fs::metadata(gateway.database())?.len() >> 20;
    println!("{requests} requests in ninety days, 200 keys of 20 projects, 10 models at 3 providers: {size} MiB");
    println!("filled and started in {} s, ready {} ms after its start\n", begun.elapsed().as_secs(), ready.as_millis());
    let full = ask_beside_calls(gateway, &format!("{requests} requests"))?;
    println!("{:<75} {:>12} {:>12} {:>12}", "", "90 requests", requests, "");
    println!("{:<75} {:>12} {:>12} {:>12}", "milliseconds", "median", "median", "slowest");
    for ((path, empty), (_, full)) in empty.iter().zip(&full) {
        let (Some((empty, _)), Some((median, slowest))) = (empty, full) else {
            println!("{path:<75} {:>12} {:>12} {:>12}", "-", "-", "-");
            continue;
        };
        println!("{path:<75} {:>12} {:>12} {:>12}", ms(*empty), ms(*median), ms(*slowest));
    }
    Ok(())
}

fn given(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

fn argument(name: &str) -> Option<i64> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
}

/// Fills the database in place of what was there, and says how long the start over it took.
pub(crate) fn stop_fill_start(gateway: &mut Gateway, requests: i64) -> Result<Duration, Fault> {
    gateway.stop();
    gateway.forget_journal()?;
    fill::fill(&gateway.database(), requests)?;
    gateway.start()
}

/// Asks every page while an application calls; says what its calls took with nobody looking, beside somebody who opens a page a
/// second, and beside one who asks without a pause.
fn ask_beside_calls(gateway: &Gateway, among: &str) -> Result<Asked, Fault> {
    let values = values(gateway)?;
    let cookie = gateway.sign_in()?;
    let filled = |path: &str| values.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    println!("calls among {among}:");
    let traffic = traffic::start(gateway.application()?);
    std::thread::sleep(ALONE);
    println!("  nobody looking: {}", traffic.stop()?);
    let traffic = traffic::start(gateway.application()?);
    for path in PAGES.iter().filter(|path| !path.starts_with("/api/")).cycle().take(LOOKS) {
        let answer = gateway.page(&filled(path), &cookie)?;
        if answer.status != 200 {
            return Err(format!("{path}: {} {}", answer.status, answer.text()).into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    println!("  a page a second: {}", traffic.stop()?);
    let traffic = traffic::start(gateway.application()?);
    let asked =
        PAGES.iter().map(|path| Ok((*path, time(gateway, &filled(path), &cookie)?))).collect::<Result<_, Fault>>()?;
    println!("  page after page: {}", traffic.stop()?);
    Ok(asked)
}

/// Median and slowest of each page; `None` where there is no such page.
type Asked = Vec<(&'static str, Option<(Duration, Duration)>)>;

/// What is filled in for what is in braces.
fn values(gateway: &Gateway) -> Result<[(&'static str, String); 7], Fault> {
    let newest: Value = gateway.get("/api/requests?limit=1&status=ok")?.json();
    let told = |field: &str| newest.pointer(&format!("/data/0/{field}")).and_then(Value::as_str).ok_or("no request");
    let (id, project, key) = (told("id")?, told("project")?, told("key")?);
    Ok([
        ("{id}", id.to_owned()),
        ("{beginning}", id.chars().take(12).collect()),
        ("{project}", project.to_owned()),
        ("{key}", key.to_owned()),
        ("{oldest}", day(89)),
        ("{old}", day(61)),
        ("{later}", day(60)),
    ])
}

fn time(gateway: &Gateway, path: &str, cookie: &str) -> Result<Option<(Duration, Duration)>, Fault> {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        let answer = if path.starts_with("/api/") { gateway.get(path)? } else { gateway.page(path, cookie)? };
        if answer.status == 404 {
            return Ok(None);
        }
        if answer.status != 200 {
            return Err(format!("{path}: {} {}", answer.status, answer.text()).into());
        }
        times.push(begun.elapsed());
    }
    times.remove(0);
    times.sort();
    Ok(times.get(times.len() / 2).copied().zip(times.last().copied()))
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{}.{}", time.as_millis(), time.subsec_micros() / 100 % 10)
}

/// The day so many days ago.
fn day(days: i64) -> String {
    let now = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    now.strftime("%Y-%m-%d").to_string()
}

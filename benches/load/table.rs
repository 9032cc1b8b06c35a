//! What is printed: the machine, a table per scenario, faults; and for how long somebody reads it.
//! Owns columns and spelling; the arithmetic is in whole numbers. Judges nothing: figures depend on the machine.

use std::fs;
use std::io::{Read, Write};

use crate::fault::Fault;
use crate::memory::Footprint;
use crate::proxies::Kind;
use crate::report::Report;
use crate::rounds::Run;
use crate::samples::median;
use crate::scenario::Scenario;

/// Writes a line to standard output.
pub(crate) fn say(line: &str) -> Result<(), Fault> {
    writeln!(std::io::stdout(), "{line}").map_err(Fault::io("standard output"))
}

/// Until standard input closes: whoever started this process needs it no more.
pub(crate) async fn abandoned() {
    #[expect(clippy::disallowed_methods, reason = "a benchmark has no calls that it could hold up")]
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()).ok());
    closed.await.ok();
}

/// Writes why the benchmark ended. If even that fails there is nobody to tell.
pub(crate) fn complain(fault: &Fault) {
    writeln!(std::io::stderr(), "benchmark: {fault}").ok();
}

/// On what is measured. Asked before the first run, so that the load average is other people's.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (kernel, cpus, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let load = load.split(' ').next().unwrap_or_default();
    format!("{cores} cores ({model}), Linux {}, load average {load} before the first run", kernel.trim())
}

/// How the tables below were made.
pub(crate) fn preface(machine: &str, rounds: usize) -> Result<(), Fault> {
    say(&format!("\n{machine}; medians of {rounds} rounds, proxies in turns;"))?;
    say("load generator, mock upstream and proxy share the cores; CPU is user and system time of the proxy alone")
}

/// The table of one scenario.
pub(crate) fn scenario(scenario: Scenario, kinds: &[Kind], runs: &[Run]) -> Result<(), Fault> {
    let rows: Vec<Row> = kinds.iter().map(|kind| Row::of(scenario, *kind, runs)).collect();
    let row_of = |kind| rows.iter().find(|row| row.kind == kind);
    let direct = row_of(Kind::Direct).filter(|_| scenario.is_paced());
    let nginx = row_of(Kind::Nginx).and_then(|row| row.cost_tenths);
    say(&format!("\n{}", scenario.title()))?;
    say(&heading(scenario.unit()))?;
    for row in &rows {
        say(&row.line(direct, nginx))?;
    }
    let faults = runs.iter().filter(|run| run.scenario == scenario);
    faults
        .filter_map(|run| Some((run.kind.name(), run.report.first_error.as_ref()?)))
        .try_for_each(|(name, first)| say(&format!("  {name}: {first}")))
}

/// The table of `--memory`.
pub(crate) fn footprints(streams: u32, footprints: &[Footprint]) -> Result<(), Fault> {
    let open = format!("{streams} streams");
    say(&format!("\nresident memory, MiB\n{:<10}{:>10}{open:>16}{:>12}", "", "idle", "afterwards"))?;
    footprints.iter().try_for_each(|proxy| {
        let (idle, loaded, after) = (mib(proxy.idle_kib), mib(proxy.loaded_kib), mib(proxy.after_kib));
        say(&format!("{:<10}{idle:>10}{loaded:>16}{after:>12}", proxy.name))
    })
}

fn heading(unit: &str) -> String {
    let (rate, cost) = (format!("{unit}s/s"), format!("CPU us/{unit}"));
    format!(
        "{:<10}{rate:>12}{:>10}{:>10}{:>12}{:>12}{cost:>16}{:>9}{:>9}",
        "", "p50 ms", "p99 ms", "added p50", "added p99", "x nginx", "errors"
    )
}

/// Medians of one proxy in one scenario.
struct Row {
    kind: Kind,
    rate: u64,
    p50_ns: u64,
    p99_ns: u64,
    /// Tenths of a microsecond of processor time per unit.
    cost_tenths: Option<u64>,
    errors: u64,
}

impl Row {
    fn of(scenario: Scenario, kind: Kind, runs: &[Run]) -> Self {
        let runs: Vec<&Run> = runs.iter().filter(|run| run.scenario == scenario && run.kind == kind).collect();
        let median_of = |figure: fn(&Report) -> u64| median(runs.iter().map(|run| figure(&run.report)));
        let costs: Option<Vec<u64>> = runs.iter().map(|run| cost_tenths(run)).collect();
        Self {
            kind,
            rate: median_of(Report::rate),
            p50_ns: median_of(|report| report.p50_ns),
            p99_ns: median_of(|report| report.p99_ns),
            cost_tenths: costs.map(median),
            errors: runs.iter().map(|run| run.report.errors).sum(),
        }
    }

    fn line(&self, direct: Option<&Self>, nginx_tenths: Option<u64>) -> String {
        let base = direct.filter(|direct| direct.kind != self.kind);
        let added_p50 = or_dash(base.map(|base| added(self.p50_ns, base.p50_ns)));
        let added_p99 = or_dash(base.map(|base| added(self.p99_ns, base.p99_ns)));
        let cost = or_dash(self.cost_tenths.map(|tenths| decimal(tenths, 10)));
        let ratio = self.cost_tenths.zip(nginx_tenths).and_then(|(own, nginx)| (own * 100).checked_div(nginx));
        format!(
            "{:<10}{:>12}{:>10}{:>10}{added_p50:>12}{added_p99:>12}{cost:>16}{:>9}{:>9}",
            self.kind.name(),
            self.rate,
            millis(self.p50_ns),
            millis(self.p99_ns),
            or_dash(ratio.map(|hundredths| decimal(hundredths, 100))),
            self.errors
        )
    }
}

fn cost_tenths(run: &Run) -> Option<u64> {
    run.spent_us?.saturating_mul(10).checked_div(run.report.units)
}

fn or_dash(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "-".into())
}

/// A number of `1 / parts` as decimal text; `parts` is a power of ten.
fn decimal(number: u64, parts: u64) -> String {
    let places = usize::try_from(parts.ilog10()).unwrap_or(0);
    let (whole, rest) = (number.checked_div(parts).unwrap_or(0), number.checked_rem(parts).unwrap_or(0));
    format!("{whole}.{rest:0places$}")
}

fn millis(ns: u64) -> String {
    decimal(ns / 1_000, 1_000)
}

fn mib(kib: u64) -> String {
    decimal(kib.saturating_mul(10) / 1_024, 10)
}

/// The difference with its sign: within the noise a proxy may seem faster than none.
fn added(own_ns: u64, base_ns: u64) -> String {
    let sign = if own_ns < base_ns { '-' } else { '+' };
    format!("{sign}{}", millis(own_ns.abs_diff(base_ns)))
}

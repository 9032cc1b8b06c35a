//! The process as the system sees it: memory, processor, files. Only Linux says; elsewhere there is nothing to tell.

use std::fs;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit};

/// Figures of the process; what the system does not say is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process {
    /// Bytes in memory.
    pub resident: Option<u64>,
    /// Ticks of the processor's clock, and how many are a second.
    ticks: Option<(u64, u64)>,
    /// Open files and sockets.
    pub open_files: Option<usize>,
    /// How many there may be.
    pub most_files: Option<u64>,
}

impl Process {
    /// Reads them all; from files, so not on a request thread.
    pub fn read() -> Self {
        Self {
            resident: resident(),
            ticks: ticks().map(|ticks| (ticks, clock_ticks_per_second())),
            open_files: fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            most_files: getrlimit(Resource::Nofile).current,
        }
    }

    /// Seconds of the processor, in hundredths.
    pub fn cpu(&self) -> Option<String> {
        let (ticks, a_second) = self.ticks?;
        let hundredths = ticks.saturating_mul(100).checked_div(a_second)?;
        Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
    }
}

/// What the process holds in memory, in bytes.
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    kib.checked_mul(1024)
}

/// The processor's time in our own code and in the system's for us: fields 14 and 15, behind a name in brackets.
fn ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(fields.next()?.ok()?.saturating_add(fields.next()?.ok()?))
}

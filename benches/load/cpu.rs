//! What a process and its children have cost: processor time and resident memory, read from /proc.
//! Owns the reading. Refuses processes it was not given: figures of a machine would count everybody.

use std::collections::BTreeMap;
use std::fs;

use crate::fault::Fault;

/// Processor time of a process tree, in microseconds, user and system together. Linux keeps it in ticks, usually of 10 ms.
pub(crate) fn spent_us(root: u32) -> Result<u64, Fault> {
    let tick_us = 1_000_000_u64.checked_div(rustix::param::clock_ticks_per_second()).unwrap_or(10_000);
    let ticks = tree(root)?.iter().filter_map(|pid| stat(*pid)).map(|stat| stat.ticks).sum::<u64>();
    Ok(ticks.saturating_mul(tick_us))
}

/// Resident memory of a process tree, in KiB. Pages that processes share are counted for each.
pub(crate) fn resident_kib(root: u32) -> Result<u64, Fault> {
    Ok(tree(root)?.iter().filter_map(|pid| resident_of(*pid)).sum())
}

/// The process and everything it started that still lives.
fn tree(root: u32) -> Result<Vec<u32>, Fault> {
    let parents = parents()?;
    let in_tree = |pid: &u32| std::iter::successors(Some(*pid), |pid| parents.get(pid).copied()).any(|pid| pid == root);
    Ok(parents.keys().copied().filter(in_tree).collect())
}

fn parents() -> Result<BTreeMap<u32, u32>, Fault> {
    let pids = fs::read_dir("/proc").map_err(Fault::io("/proc"))?;
    let pids = pids.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    Ok(pids.filter_map(|pid| Some((pid, stat(pid)?.parent))).collect())
}

struct Stat {
    parent: u32,
    ticks: u64,
}

/// Fields 4, 14 and 15 of proc_pid_stat(5). They are counted after the name, which may hold spaces and brackets.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let user: u64 = fields.get(11)?.parse().ok()?;
    let system: u64 = fields.get(12)?.parse().ok()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks: user.saturating_add(system) })
}

fn resident_of(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

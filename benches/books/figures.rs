//! Figures: what a run has measured, and its row in the table.

use std::time::Duration;

/// One call: from when it was due until its hold was durable, and what its settlement took.
pub(crate) struct Moment {
    pub(crate) held: Duration,
    pub(crate) settled: Duration,
}

/// What a run has measured.
pub(crate) struct Figures {
    rate: u128,
    /// Tenths of a microsecond a call.
    cpu: u128,
    hold: [Duration; 2],
    settle: [Duration; 2],
    behind: u64,
    /// How long the database needed to take the last line after the last call.
    pub(crate) catch_up: Duration,
}

impl Figures {
    /// The table's head.
    pub(crate) const HEAD: &str = "durability   calls/s  CPU us/call   hold p50   hold p99   settle p50   settle p99   most lines behind   caught up in";

    pub(crate) fn of(moments: Vec<Moment>, took: Duration, cpu_us: u64, behind: u64) -> Self {
        let calls = u128::try_from(moments.len()).unwrap_or(u128::MAX).max(1);
        let (holds, settles) = moments.iter().map(|moment| (moment.held, moment.settled)).unzip();
        Self {
            rate: calls * 1_000 / took.as_millis().max(1),
            cpu: u128::from(cpu_us) * 10 / calls,
            hold: percentiles(holds),
            settle: percentiles(settles),
            behind,
            catch_up: Duration::ZERO,
        }
    }

    /// This run's row.
    pub(crate) fn row(&self, name: &str) -> String {
        let ms = |duration: Duration| format!("{}.{:02} ms", duration.as_millis(), duration.as_micros() % 1_000 / 10);
        let ([hold, slow_hold], [settle, slow_settle]) = (self.hold.map(ms), self.settle.map(ms));
        let catch_up = ms(self.catch_up);
        format!(
            "{name:<10} {:>9} {:>10}.{} {hold:>10} {slow_hold:>10} {settle:>12} {slow_settle:>12} {:>19} {catch_up:>14}",
            self.rate,
            self.cpu / 10,
            self.cpu % 10,
            self.behind
        )
    }
}

fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [50, 99].map(|percent| times.get(times.len() * percent / 100).copied().unwrap_or_default())
}

/// Processor time of this process so far, all threads, in microseconds.
pub(crate) fn cpu_us() -> Result<u64, std::io::Error> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, after)| after).split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    let tick_us = 1_000_000 / rustix::param::clock_ticks_per_second().max(1);
    Ok((ticks(11) + ticks(12)) * tick_us)
}

//! Memory: how much the process holds, against what it may.
//! Owns the limit. Refuses to free anything: new calls are refused until what is in flight has ended.

use std::fs;
use std::time::Duration;

use actix_web::web;
use tokio::time::interval;

use crate::web::Gateway;
use crate::web::metrics::resident;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// New calls are refused above this part of the limit, so that those in flight have the rest.
const TIGHT_PERCENT: u64 = 85;

/// Where a control group's limit is read, in its second and its first version.
const GROUPS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// Looks each second whether there is memory for more calls.
pub(super) async fn watch(gateway: web::Data<Gateway>, limit: u64) {
    let own = (limit > 0).then_some(limit);
    let Some(limit) = own.or_else(|| GROUPS.into_iter().find_map(number_in)) else { return };
    let most = limit / 100 * TIGHT_PERCENT;
    let mut looks = interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        let Some(held) = resident() else { continue };
        let is_tight = held > most;
        if gateway.room.tighten(is_tight) != is_tight {
            let state = if is_tight { "memory is tight: new calls are refused" } else { "there is memory again" };
            log::warn!(held, limit; "{state}");
        }
    }
}

/// A limit as a control group writes it; `max` is none.
fn number_in(file: &str) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

//! Resident memory of each proxy: when idle, under 1,000 open streams, and after them.
//! Owns that sequence. Each stream has received an event and waits for the next, as a slow model's would.

use std::time::Duration;

use crate::child::Part;
use crate::fault::Fault;
use crate::options::Options;
use crate::plan::{Plan, Shape};
use crate::proxies::Running;
use crate::rounds;
use crate::table;

const STREAMS: u32 = 1_000;
/// One event a second each, for longer than the measurement takes.
const SHAPE: Shape = Shape::Stream { gap_ms: 1_000, events: 600 };
/// Every stream has moved a few more events when memory is read.
const SETTLING: Duration = Duration::from_secs(3);

/// Resident memory of one proxy, in KiB.
pub(crate) struct Footprint {
    /// Which proxy.
    pub(crate) name: &'static str,
    /// Started and set up, nothing served yet.
    pub(crate) idle_kib: u64,
    /// With all streams open.
    pub(crate) loaded_kib: u64,
    /// When they are gone.
    pub(crate) after_kib: u64,
}

/// Starts everything, reads the memory, prints.
pub(crate) async fn compare(options: &Options) -> Result<(), Fault> {
    let (_mock, proxies) = rounds::start(&options.proxies).await?;
    let mut footprints = Vec::new();
    for proxy in &proxies {
        footprints.extend(footprint(proxy).await?);
    }
    table::footprints(STREAMS, &footprints)
}

async fn footprint(proxy: &Running) -> Result<Option<Footprint>, Fault> {
    let Some(idle_kib) = proxy.resident_kib()? else { return Ok(None) };
    let (address, key) = (proxy.address, proxy.key.clone());
    let plan = Plan { address, key, connections: STREAMS, requests: 1, rate: None, shape: SHAPE };
    let streams = Part::start("open", Some(&plan))?;
    tokio::time::sleep(SETTLING).await;
    let loaded_kib = proxy.resident_kib()?.unwrap_or(0);
    drop(streams);
    tokio::time::sleep(SETTLING).await;
    let after_kib = proxy.resident_kib()?.unwrap_or(0);
    Ok(Some(Footprint { name: proxy.kind.name(), idle_kib, loaded_kib, after_kib }))
}

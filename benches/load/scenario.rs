//! The scenarios: which load shows which cost, and how much of it.
//! Owns their sizes: the same number of units for every proxy, enough for a processor clock of 10 ms.

use clap::ValueEnum;

use crate::plan::{Plan, Shape};
use crate::proxies::Running;

/// A kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// As fast as 64 connections can: what a request costs in code and system calls.
    Saturation,
    /// 1,000 requests a second: wake-ups dominate.
    #[value(name = "rate-1000")]
    Rate1000,
    /// 5,000 requests a second.
    #[value(name = "rate-5000")]
    Rate5000,
    /// 2,000 requests a second on 256 connections to an upstream that takes 60 ms: the added latency.
    #[value(name = "upstream-60ms")]
    Upstream60,
    /// 128 streams of 100 events, 10 ms apart: each event arrives alone.
    StreamPaced,
    /// 16 streams of 20 events, 100 ms apart, as a slow model's: nothing queues, so one event in twenty, the first of its
    /// stream, shows in the 99th percentile how soon an answer begins.
    StreamSlow,
    /// 64 streams of 100 events, as fast as they go.
    StreamBurst,
}

/// Events in one stream, but for the slow ones.
const EVENTS: u64 = 100;

struct Size {
    connections: u32,
    requests: u64,
    quick: u64,
    rate: Option<u64>,
}

impl Scenario {
    /// What is measured when nobody chose: everything, or the three that the targets are stated for.
    pub(crate) fn usual(quick: bool) -> &'static [Self] {
        match quick {
            true => &[Self::Saturation, Self::Upstream60, Self::StreamPaced],
            false => Self::value_variants(),
        }
    }

    /// The heading above its rows.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Saturation => "saturation: non-streaming, 64 connections, as fast as they go",
            Self::Rate1000 => "rate-1000: non-streaming, 64 connections, 1,000 requests/s",
            Self::Rate5000 => "rate-5000: non-streaming, 64 connections, 5,000 requests/s",
            Self::Upstream60 => "upstream-60ms: non-streaming, upstream takes 60 ms, 256 connections, 2,000 requests/s",
            Self::StreamPaced => "stream-paced: 128 streams, 100 events each, 10 ms apart",
            Self::StreamSlow => "stream-slow: 16 streams, 20 events each, 100 ms apart",
            Self::StreamBurst => "stream-burst: 64 streams, 100 events each, as fast as they go",
        }
    }

    /// What is counted.
    pub(crate) fn unit(self) -> &'static str {
        match self.shape() {
            Shape::Whole { .. } => "request",
            Shape::Stream { .. } => "event",
        }
    }

    /// Whether latencies of two proxies can be compared: not where each is pushed to its own limit.
    pub(crate) fn is_paced(self) -> bool {
        !matches!(self, Self::Saturation | Self::StreamBurst)
    }

    /// The load for one proxy.
    pub(crate) fn plan(self, proxy: &Running, quick: bool) -> Plan {
        let size = self.size();
        let requests = if quick { size.quick } else { size.requests };
        let (address, key) = (proxy.address, proxy.key.clone());
        Plan { address, key, connections: size.connections, requests, rate: size.rate, shape: self.shape() }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Saturation | Self::Rate1000 | Self::Rate5000 => Shape::Whole { delay_ms: 0 },
            Self::Upstream60 => Shape::Whole { delay_ms: 60 },
            Self::StreamPaced => Shape::Stream { gap_ms: 10, events: EVENTS },
            Self::StreamSlow => Shape::Stream { gap_ms: 100, events: 20 },
            Self::StreamBurst => Shape::Stream { gap_ms: 0, events: EVENTS },
        }
    }

    fn size(self) -> Size {
        match self {
            Self::Saturation => Size { connections: 64, requests: 100_000, quick: 40_000, rate: None },
            Self::Rate1000 => Size { connections: 64, requests: 4_000, quick: 2_000, rate: Some(1_000) },
            Self::Rate5000 => Size { connections: 64, requests: 15_000, quick: 7_500, rate: Some(5_000) },
            Self::Upstream60 => Size { connections: 256, requests: 6_000, quick: 3_000, rate: Some(2_000) },
            Self::StreamPaced => Size { connections: 128, requests: 384, quick: 256, rate: None },
            Self::StreamSlow => Size { connections: 16, requests: 32, quick: 16, rate: None },
            Self::StreamBurst => Size { connections: 64, requests: 1_500, quick: 750, rate: None },
        }
    }
}

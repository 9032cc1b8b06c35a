//! The server's settings: where it listens, behind what, and how much it takes on.
//! Owns their defaults and bounds. Refuses an address open to other machines without a proxy that ends TLS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::draft::{Draft, Given};
use super::edge::{self, EdgeConfig};
use super::fault::Problem;
use super::network::Network;
use super::setting::Setting;

const LISTEN: Setting = Setting {
    key: "server.listen",
    default: "127.0.0.1:8080",
    example: "\"127.0.0.1:8080\"",
    unit: "address:port",
    note: "Where to listen. Port 0 takes a free port; the address is then in data_dir/address.",
};
const BEHIND_PROXY: Setting = Setting {
    key: "server.behind_proxy",
    default: "false",
    example: "false",
    unit: "",
    note: "A reverse proxy that ends TLS stands in front. Needed to listen on an address open to other machines.",
};
const TRUSTED_PROXIES: Setting = Setting {
    key: "server.trusted_proxies",
    default: "none",
    example: "[]",
    unit: "addresses or networks",
    note: "Proxies whose X-Forwarded-For is believed, such as \"10.0.0.0/8\". From others it is ignored.",
};
const WORKERS: Setting = Setting {
    key: "server.workers",
    default: "one per core",
    example: "2",
    unit: "threads",
    note: "Threads that serve requests, 1 to 256.",
};
const MAX_IN_FLIGHT: Setting = Setting {
    key: "server.max_in_flight",
    default: "2000",
    example: "2000",
    unit: "requests",
    note: "Requests served at once; beyond it the answer is 503 with Retry-After.",
};
const MAX_BODY_BYTES: Setting = Setting {
    key: "server.max_body_bytes",
    default: "10485760 (10 MiB)",
    example: "10485760",
    unit: "bytes",
    note: "The largest request body; beyond it the answer is 413.",
};
const MAX_BODIES_BYTES: Setting = Setting {
    key: "server.max_bodies_bytes",
    default: "536870912 (512 MiB)",
    example: "536870912",
    unit: "bytes",
    note: "What the bodies of all requests under way may take together; beyond it the answer is 503 with Retry-After. Bodies \
           that arrive in one piece are not counted.",
};
const MEMORY_LIMIT: Setting = Setting {
    key: "server.memory_limit_bytes",
    default: "0 (the control group's)",
    example: "0",
    unit: "bytes",
    note: "What the process may hold; above 85 % of it new calls are refused with 503 until it holds less. 0 is \
           the limit of its control group, if it has one.",
};
const CLIENT_PATIENCE: Setting = Setting {
    key: "server.client_patience_seconds",
    default: "30",
    example: "30",
    unit: "seconds",
    note: "How long a client may make no progress: sending the first byte, sending a body, or reading its \
           answer. A body may take twice as long in all.",
};
const HEAD_SECONDS: Setting = Setting {
    key: "server.head_seconds",
    default: "10",
    example: "10",
    unit: "seconds",
    note: "How long the head of any request on a connection may take from its first byte; 1 to 600. Then 408.",
};
const FAILURES_PER_MINUTE: Setting = Setting {
    key: "server.failures_per_minute",
    default: "20",
    example: "20",
    unit: "failures",
    note: "Wrong keys, tokens and sign-ins that one address (of IPv6, one /64) may send at once, given back evenly over a \
           minute; beyond it the answer is 429 before anything is looked at. 0 is no limit.",
};
const ADDRESS_REQUESTS: Setting = Setting {
    key: "server.address_requests_per_second",
    default: "0",
    example: "0",
    unit: "requests",
    note: "Requests of any kind that one address may send at once, given back evenly over a second; beyond it the answer is \
           429. 0 is no limit.",
};
const SHUTDOWN_GRACE: Setting = Setting {
    key: "server.shutdown_grace_seconds",
    default: "60",
    example: "60",
    unit: "seconds",
    note: "How long running requests may take to end after a signal to stop; the rest is cut and settled, as \
           all is by a second signal.",
};
const SHUTDOWN_NOTICE: Setting = Setting {
    key: "server.shutdown_notice_seconds",
    default: "2",
    example: "2",
    unit: "seconds",
    note: "How long new requests are still served after SIGTERM, while /ready answers 503 and connections are closed, so that \
           balancers can notice; a part of the grace. SIGINT, from a terminal, gives no notice.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[
    &LISTEN,
    &BEHIND_PROXY,
    &TRUSTED_PROXIES,
    &WORKERS,
    &MAX_IN_FLIGHT,
    &MAX_BODY_BYTES,
    &MAX_BODIES_BYTES,
    &MEMORY_LIMIT,
    &CLIENT_PATIENCE,
    &HEAD_SECONDS,
    &FAILURES_PER_MINUTE,
    &ADDRESS_REQUESTS,
    &SHUTDOWN_GRACE,
    &SHUTDOWN_NOTICE,
];

/// How the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether a reverse proxy that ends TLS stands in front.
    pub behind_proxy: bool,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Threads that serve requests; at least one.
    pub workers: usize,
    /// Requests served at once; at least one.
    pub max_in_flight: usize,
    /// The largest request body in bytes.
    pub max_body_bytes: usize,
    /// What the bodies of all requests under way may take together, in bytes.
    pub max_bodies_bytes: usize,
    /// What the process may hold, in bytes; 0 is the control group's limit.
    pub memory_limit_bytes: u64,
    /// How long a client may make no progress.
    pub client_patience: Duration,
    /// How long the head of a request may take from its first byte.
    pub head_patience: Duration,
    /// Failed credentials that one address may send at once, given back over a minute; 0 is no limit.
    pub failures_per_minute: u32,
    /// Requests that one address may send at once, given back over a second; 0 is no limit.
    pub address_requests_per_second: u32,
    /// How long running requests may take to end.
    pub shutdown_grace: Duration,
    /// How much of that new requests are still served for, if it is a balancer that must notice.
    pub shutdown_notice: Duration,
    /// How it meets the world.
    pub edge: EdgeConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            behind_proxy: false,
            trusted_proxies: Vec::new(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            max_in_flight: 2_000,
            max_body_bytes: 10 * 1024 * 1024,
            max_bodies_bytes: 512 * 1024 * 1024,
            memory_limit_bytes: 0,
            client_patience: Duration::from_secs(30),
            head_patience: Duration::from_secs(10),
            failures_per_minute: 20,
            address_requests_per_second: 0,
            shutdown_grace: Duration::from_secs(60),
            shutdown_notice: Duration::from_secs(2),
            edge: EdgeConfig::default(),
        }
    }
}

impl ServerConfig {
    pub(super) fn take(draft: &mut Draft, base: &Path) -> Self {
        let default = Self::default();
        let listen_at = draft.place_of(&LISTEN);
        let trusted_at = draft.place_of(&TRUSTED_PROXIES);
        let server = Self {
            listen: draft.take(&LISTEN, default.listen, address),
            behind_proxy: draft.take(&BEHIND_PROXY, default.behind_proxy, Given::switch),
            trusted_proxies: draft.take(&TRUSTED_PROXIES, default.trusted_proxies, networks),
            workers: draft.take(&WORKERS, default.workers, |given| count(given, 256)),
            max_in_flight: draft.take(&MAX_IN_FLIGHT, default.max_in_flight, |given| count(given, 1_000_000)),
            max_body_bytes: draft.take(&MAX_BODY_BYTES, default.max_body_bytes, |given| count(given, 1 << 30)),
            max_bodies_bytes: draft.take(&MAX_BODIES_BYTES, default.max_bodies_bytes, |given| count(given, 1 << 40)),
            memory_limit_bytes: draft.take(&MEMORY_LIMIT, 0, |given| given.number(0..=1 << 50)),
            client_patience: draft.take(&CLIENT_PATIENCE, default.client_patience, patience),
            head_patience: draft.take(&HEAD_SECONDS, default.head_patience, patience),
            failures_per_minute: draft.take(&FAILURES_PER_MINUTE, default.failures_per_minute, allowance),
            address_requests_per_second: draft.take(&ADDRESS_REQUESTS, default.address_requests_per_second, allowance),
            shutdown_grace: draft.take(&SHUTDOWN_GRACE, default.shutdown_grace, seconds),
            shutdown_notice: draft.take(&SHUTDOWN_NOTICE, default.shutdown_notice, seconds),
            edge: EdgeConfig::take(draft, base),
        };
        let is_private = server.behind_proxy || server.edge.tls.is_some();
        if !is_private && !server.listen.ip().is_loopback() {
            draft.note(listen_at, open_to_others(server.listen));
        }
        if !server.behind_proxy && !server.trusted_proxies.is_empty() {
            draft.note(trusted_at, Problem::new("it has no effect without a proxy", "set server.behind_proxy = true"));
        }
        server
    }
}

fn open_to_others(listen: SocketAddr) -> Problem {
    Problem::new(
        format!("{listen} is open to other machines, and keys and answers would travel unencrypted"),
        "listen on 127.0.0.1, or set server.tls_cert and server.tls_key, or server.behind_proxy = true behind a proxy that \
         ends TLS",
    )
}

fn address(given: &Given) -> Result<SocketAddr, Problem> {
    edge::address(given.text()?)
}

pub(super) fn networks(given: &Given) -> Result<Vec<Network>, Problem> {
    let parse = |text: &str| {
        let hint = "write an address such as \"10.0.0.7\" or a network such as \"10.0.0.0/8\"";
        text.parse().map_err(|_| Problem::new(format!("{text:?} is neither an address nor a network"), hint))
    };
    given.list()?.into_iter().map(parse).collect()
}

fn count(given: &Given, most: u64) -> Result<usize, Problem> {
    let number = given.number(1..=most)?;
    usize::try_from(number).map_err(|_| Problem::new("the number is too large for this machine", "lower it"))
}

fn allowance(given: &Given) -> Result<u32, Problem> {
    let number = given.number(0..=1_000_000)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

fn seconds(given: &Given) -> Result<Duration, Problem> {
    given.number(0..=3_600).map(Duration::from_secs)
}

fn patience(given: &Given) -> Result<Duration, Problem> {
    given.number(1..=600).map(Duration::from_secs)
}

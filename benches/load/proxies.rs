//! What stands between load generator and mock: nothing, nginx, or Farthing.
//! Owns the running process behind one interface. Refuses to tune one more than the other: each as its users run it.

mod farthing;
mod nginx;

use std::net::{SocketAddr, TcpListener};

use clap::ValueEnum;

use crate::child::Owned;
use crate::cpu;
use crate::fault::Fault;
use crate::scratch::Scratch;

/// A proxy, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// No proxy: the load generator talks to the mock.
    Direct,
    /// nginx as reverse proxy.
    Nginx,
    /// The gateway, everything on.
    Farthing,
}

impl Kind {
    /// Its name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Farthing => "farthing",
        }
    }
}

/// A proxy that answers.
pub(crate) struct Running {
    /// Which.
    pub(crate) kind: Kind,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The key to present; the mock and nginx take any.
    pub(crate) key: String,
    process: Option<Owned>,
    _scratch: Option<Scratch>,
}

impl Running {
    /// Starts it in front of `upstream`.
    pub(crate) async fn start(kind: Kind, upstream: SocketAddr) -> Result<Self, Fault> {
        match kind {
            Kind::Direct => Ok(Self { kind, address: upstream, key: any_key(), process: None, _scratch: None }),
            Kind::Nginx => nginx::start(upstream).await,
            Kind::Farthing => farthing::start(upstream).await,
        }
    }

    /// Processor time so far, in microseconds; `None` without a proxy.
    pub(crate) fn spent_us(&self) -> Result<Option<u64>, Fault> {
        self.process.as_ref().map(|process| cpu::spent_us(process.id())).transpose()
    }

    /// Resident memory now, in KiB; `None` without a proxy.
    pub(crate) fn resident_kib(&self) -> Result<Option<u64>, Fault> {
        self.process.as_ref().map(|process| cpu::resident_kib(process.id())).transpose()
    }
}

/// As long as a virtual key, so that every proxy is sent requests of the same size.
fn any_key() -> String {
    format!("sk-ft-{}", "0".repeat(58))
}

/// A port of loopback that nobody holds at the moment, for a program that cannot say which one it was given.
fn free_address() -> Result<SocketAddr, Fault> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Fault::io("free port"))?;
    listener.local_addr().map_err(Fault::io("free port"))
}

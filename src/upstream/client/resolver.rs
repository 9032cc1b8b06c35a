//! The resolver: where a provider's name leads, asked anew for every connection.
//! Owns that a connection goes only to addresses that were vetted: the connector is handed those, never the name. Refuses
//! all of a name's addresses if one of them is forbidden. Addresses written in figures are vetted with the base URL.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};

use actix_tls::connect::{Connector, ConnectorService, Resolve, Resolver};
use futures_core::future::LocalBoxFuture;

use crate::upstream::guard;

/// Whoever knows the addresses of names.
pub(super) trait Names {
    /// The addresses of `host`.
    fn addresses<'a>(&'a self, host: &'a str, port: u16) -> LocalBoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The operating system's: its hosts file and its name servers.
pub(super) struct SystemNames;

struct Vetted<N> {
    names: N,
    private: bool,
}

/// What opens connections to where `names` lead; `private` permits private networks.
pub(super) fn connector(names: impl Names + 'static, private: bool) -> ConnectorService {
    Connector::new(Resolver::custom(Vetted { names, private })).service()
}

impl Names for SystemNames {
    fn addresses<'a>(&'a self, host: &'a str, port: u16) -> LocalBoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

impl<N: Names> Resolve for Vetted<N> {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> LocalBoxFuture<'a, Result<Vec<SocketAddr>, Box<dyn Error>>> {
        Box::pin(async move {
            let figures = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            let answers = match figures {
                Ok(address) => vec![SocketAddr::new(address, port)],
                Err(_) => self.names.addresses(host, port).await?,
            };
            guard::vet(host, &answers, self.private)?;
            Ok(answers)
        })
    }
}

#[cfg(test)]
mod tests;

//! The server: sockets, workers, and the layers around every handler.
//! Owns the settings of actix-web that matter here, each with its reason.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware::from_fn, web};

use super::{Gateway, middleware::envelope, routes};
use crate::admin::passage::passage;
use crate::config::ServerConfig;
use crate::relay::{Recounting, Relay, Reporting, Retries};
use crate::upstream::{AccessTokens, KeyVault, Sandbox, Upstream};

/// A listening server.
pub struct Bound {
    /// Runs it when awaited.
    pub server: Server,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Listens at the configured address.
///
/// # Errors
/// If the address cannot be had.
pub fn bind(gateway: web::Data<Gateway>, vault: Arc<dyn KeyVault>, config: &ServerConfig) -> io::Result<Bound> {
    let (tokens, retries) = (Arc::<AccessTokens>::default(), Retries::default());
    let patience = config.client_patience;
    let server = HttpServer::new(move || {
        let relay = relay(&gateway, Arc::clone(&vault), Arc::clone(&tokens), retries.clone());
        App::new()
            .app_data(gateway.clone())
            .app_data(web::ThinData(Rc::new(relay)))
            // Request id first and log line last: nothing happens without either.
            .wrap(from_fn(envelope::wrap))
            .configure(routes::all)
    })
    .workers(config.workers)
    // A client that closes its sending half has left: its pending call is cancelled at once.
    .h1_allow_half_closed(false)
    // actix closes idle connections after 5 s; applications reuse them for longer.
    .keep_alive(Duration::from_secs(75))
    // actix answers 408 to a fresh connection idle for 5 s; clients open connections ahead.
    .client_request_timeout(config.client_patience)
    .on_connect(move |socket, _| watch(socket, patience))
    .shutdown_timeout(config.shutdown_grace.as_secs())
    // Signals are the application's: streams are settled before sockets are closed.
    .disable_signals()
    .bind(config.listen)?;
    let address = server.addrs().first().copied().unwrap_or(config.listen);
    Ok(Bound { server: server.run(), address })
}

/// Has the kernel give up a connection whose client has not taken what is sent to it for so long: actix-http waits for ever.
/// The answer's body is dropped then, as if the client had left, which it has.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "only Linux has such a limit"))]
fn watch(socket: &dyn Any, patience: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(socket) = socket.downcast_ref::<actix_web::rt::net::TcpStream>() {
        let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        // A socket that cannot be told is one that has just been closed.
        rustix::net::sockopt::set_tcp_user_timeout(socket, millis).ok();
    }
}

/// A relay for the current thread; connections to providers belong to it, their access tokens and the bound on retries to all.
pub fn relay(gateway: &Gateway, vault: Arc<dyn KeyVault>, tokens: Arc<AccessTokens>, retries: Retries) -> Relay {
    let lists = Arc::clone(gateway.admin.price_lists());
    Relay {
        ledger: gateway.ledger.clone(),
        limiters: gateway.limiters.clone(),
        breakers: gateway.breakers.clone(),
        cache: gateway.cache.clone(),
        shadow: gateway.shadow.clone(),
        feed: gateway.feed.clone(),
        catalogue: gateway.catalogue.clone(),
        patterns: gateway.patterns.clone(),
        passage: Box::new(move |provider, model| passage(&lists, provider, model)),
        upstream: Upstream::new(vault, tokens, Sandbox::new(gateway.clock.clone()), gateway.clock.clone()),
        recounting: Recounting { queue: gateway.counts.clone(), reporting: Reporting::default() },
        retries,
        tasks: gateway.tasks.clone(),
        clock: gateway.clock.clone(),
    }
}

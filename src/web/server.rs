//! The server: sockets, workers, and the layers around every handler.
//! Owns the settings of actix that matter here, each with its reason. Puts the pieces together itself, as `HttpServer` does,
//! because actix-http then serves a [`Connection`] of ours instead of a bare socket.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, Protocol, Request, Response};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config,
};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use actix_web::rt::net::TcpStream;
use actix_web::web::ServiceConfig;
use actix_web::{App, middleware::from_fn, web};
use rustix::process::{Resource, getrlimit};
use socket2::SockRef;
use thiserror::Error;
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::connection::{Connection, Ending, OverTls, Progress};
use super::tls::Certificate;
use super::{Gateway, middleware::envelope, routes};
use crate::admin::passage::passage;
use crate::config::ServerConfig;
use crate::relay::{Drains, Recounting, Relay, Reporting, Retries};
use crate::upstream::{AccessTokens, KeyVault, Sandbox, Upstream};

/// Connections that the system has accepted and no worker has taken yet.
const BACKLOG: u32 = 1024;
/// actix closes idle connections after 5 s; applications reuse them for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// What the kernel keeps of an answer until its client has confirmed it; left alone it takes 4 MiB. Enough for 25 Mbit/s over
/// half the world.
const SEND_BUFFER: usize = 256 * 1024;
/// How much of that may wait to be sent: a client that has stopped reading is not worth copying more for.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 32 * 1024;
/// Connections of one worker; actix's own bound.
const MOST_CONNECTIONS: u64 = 25_600;
/// Files, sockets and pipes of our own, and of each worker beside its connections.
const OWN_FILES: u64 = 256;
const FILES_OF_A_WORKER: u64 = 8;
/// How long a stop waits for the last bytes of answers, in seconds.
const LAST_BYTES: u64 = 3;
/// How long a connection that is closed may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// A listening server.
pub struct Bound {
    /// Runs it when awaited.
    pub server: Server,
    /// Where it serves applications.
    pub address: SocketAddr,
    /// Where it serves operators: there, unless they have an address of their own.
    pub admin: SocketAddr,
}

/// Why nothing listens.
#[derive(Debug, Error)]
pub enum BindError {
    /// An address cannot be had.
    #[error("{setting}: {address} cannot be had: {error}; {}", remedy(error))]
    Address {
        /// The setting that names it.
        setting: &'static str,
        /// Which.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The system gives no threads or sockets.
    #[error(transparent)]
    Server(#[from] io::Error),
}

/// What to do about an address that cannot be had.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another process listens there: end it, or choose another port (`demo` takes --listen); port 0 takes a free one"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a right of their own: choose a higher one, or give the service CAP_NET_BIND_SERVICE"
        }
        _ => "choose an address of this machine, such as 127.0.0.1:8080",
    }
}

/// Listens at the configured address.
///
/// # Errors
/// If the address cannot be had.
pub fn bind(
    gateway: web::Data<Gateway>,
    (vault, certificate): (Arc<dyn KeyVault>, Option<Certificate>),
    config: &ServerConfig,
) -> Result<Bound, BindError> {
    let (tokens, retries) = (Arc::<AccessTokens>::default(), Retries::default());
    let (patience, head_patience) = (config.client_patience, config.head_patience);
    let door = |routes: fn(&mut ServiceConfig), address| {
        let (gateway, vault, tokens) = (gateway.clone(), Arc::clone(&vault), Arc::clone(&tokens));
        let (retries, certificate) = (retries.clone(), certificate.clone());
        move || {
            let relay = relay(&gateway, Arc::clone(&vault), Arc::clone(&tokens), retries.clone());
            let app = App::new()
                .app_data(gateway.clone())
                .app_data(web::ThinData(Rc::new(relay)))
                // Request id first and log line last: nothing happens without either.
                .wrap(from_fn(envelope::wrap))
                .configure(routes);
            let certificate = certificate.clone();
            let accept = move |socket| accepted(socket, (patience, head_patience), certificate.clone());
            fn_service(accept).and_then(http(app, patience, address))
        }
    };
    let mut server = Server::build()
        .workers(config.workers)
        .max_concurrent_connections(connections_of_a_worker(config))
        // Asked to stop when no call is in flight: idle connections, which clients keep for long, are not waited for longer.
        .shutdown_timeout(LAST_BYTES)
        // Signals are the application's: streams are settled before sockets are closed.
        .disable_signals();
    let (listener, address) = listen("server.listen", config.listen)?;
    let Some(admin) = config.edge.admin_listen else {
        let server = server.listen("http", listener, door(routes::all, address))?.run();
        return Ok(Bound { server, address, admin: address });
    };
    server = server.listen("applications", listener, door(routes::for_applications, address))?;
    let (listener, admin) = listen("server.admin_listen", admin)?;
    let server = server.listen("operators", listener, door(routes::for_operators, admin))?.run();
    Ok(Bound { server, address, admin })
}

/// So many that files are left for every call's connection to a provider, and for ourselves; more wait to be accepted.
fn connections_of_a_worker(config: &ServerConfig) -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let workers = u64::try_from(config.workers).unwrap_or(1).max(1);
    let ours = OWN_FILES.saturating_add(workers.saturating_mul(FILES_OF_A_WORKER));
    let ours = ours.saturating_add(u64::try_from(config.max_in_flight).unwrap_or(u64::MAX));
    // Where there are few, calls share what there is.
    let theirs = files.saturating_sub(ours).max(files / 2);
    usize::try_from((theirs / workers).clamp(1, MOST_CONNECTIONS)).unwrap_or(1)
}

fn listen(setting: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    listener(address).map_err(|error| BindError::Address { setting, address, error })
}

fn listener(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait for what the system remembers of old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A new connection, and who it is from.
type Accepted = (Connection, Protocol, Option<SocketAddr>);

/// Meets a client: sets its socket's limits, and shakes hands if there is a certificate.
async fn accepted(
    socket: TcpStream,
    (patience, head_patience): (Duration, Duration),
    certificate: Option<Certificate>,
) -> Result<Accepted, DispatchError> {
    watch(&socket, patience);
    let peer = socket.peer_addr().ok();
    let connection = match certificate {
        None => Connection::new(socket, head_patience),
        Some(certificate) => {
            let shaken = timeout(head_patience, certificate.acceptor().accept(socket)).await;
            let shaken = shaken.map_err(|late| DispatchError::Io(late.into()))?;
            Connection::encrypted(shaken.map_err(DispatchError::Io)?, head_patience)
        }
    };
    Ok((connection, Protocol::Http1, peer))
}

/// HTTP/1.1 over such connections.
fn http<S>(
    app: impl IntoServiceFactory<S, Request>,
    patience: Duration,
    address: SocketAddr,
) -> impl ServiceFactory<
    (Connection, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
>
where
    S: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
{
    HttpService::build()
        // A client that closes its sending half has left: its pending call is cancelled at once.
        .h1_allow_half_closed(false)
        .keep_alive(KEEP_ALIVE)
        // actix answers 408 to a fresh connection idle for 5 s; clients open connections ahead.
        .client_request_timeout(patience)
        .client_disconnect_timeout(GOODBYE)
        .local_addr(address)
        .on_connect_ext(|connection: &Connection, known: &mut Extensions| {
            known.insert(connection.progress());
            if connection.is_encrypted() {
                known.insert(OverTls);
            }
        })
        .finish(apply_fn_factory(map_config(app, |()| AppConfig::default()), serve))
}

/// Serves one request; its connection is busy until the answer's last byte is written.
fn serve<A>(
    request: Request,
    app: &A,
) -> impl Future<Output = Result<Response<Ending<BoxBody>>, actix_web::Error>> + use<A>
where
    A: Service<Request, Response = ServiceResponse, Error = actix_web::Error>,
{
    let busy = request.conn_data::<Rc<Progress>>().cloned().unwrap_or_default().begin();
    let answer = app.call(request);
    async move {
        let answer = Response::<BoxBody>::from(answer.await?);
        Ok(answer.map_body(|_, body| busy.until_the_end_of(body)))
    }
}

/// Has the kernel give up a connection whose client has not taken what is sent to it for so long: actix-http waits for ever.
/// The answer's body is dropped then, as if the client had left, which it has. Until then the kernel keeps little for it.
fn watch(socket: &TcpStream, patience: Duration) {
    let socket = SockRef::from(socket);
    // A socket that cannot be told is one that has just been closed.
    socket.set_send_buffer_size(SEND_BUFFER).ok();
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_notsent_lowat(UNSENT).ok();
        socket.set_tcp_user_timeout(Some(patience)).ok();
    }
    #[cfg(not(target_os = "linux"))]
    let _: Duration = patience;
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
        drains: Drains::default(),
        tasks: gateway.tasks.clone(),
        clock: gateway.clock.clone(),
    }
}

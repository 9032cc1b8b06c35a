//! When to stop: a signal, a second one, or a fault no restart mends; and the signals that are no stop.
//! Owns the signal handlers.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use farthing_actors::supervisor::{OnFatal, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Its number on Linux (but MIPS), macOS and the BSDs.
const SIGXFSZ: i32 = 25;

/// What tells a running gateway to stop.
#[derive(Clone)]
pub(super) struct StopSign(Arc<watch::Sender<Option<StartError>>>);

/// Why it stops.
pub(super) enum Reason {
    /// SIGTERM: whoever runs services wants it, and balancers may not know yet.
    Terminated,
    /// SIGINT: somebody at a terminal, who waits.
    Interrupted,
    /// An actor cannot be kept alive.
    Fault(StartError),
}

impl Default for StopSign {
    fn default() -> Self {
        Self(Arc::new(watch::channel(None).0))
    }
}

impl StopSign {
    /// For the supervisor: an actor that cannot be kept alive stops the process.
    pub(super) fn on_fatal(&self) -> OnFatal {
        let sign = self.clone();
        Arc::new(move |error| {
            log::error!(actor = error.name, error = error.reason.as_str(); "an actor cannot be kept alive");
            sign.0.send_replace(Some(error));
        })
    }

    /// Waits for SIGTERM, SIGINT or a fatal fault.
    pub(super) async fn wait(&self) -> Reason {
        let mut fatal = self.0.subscribe();
        tokio::select! {
            reason = signalled() => reason,
            fault = fatal.wait_for(Option::is_some) => {
                fault.ok().and_then(|fault| fault.clone()).map_or(Reason::Interrupted, Reason::Fault)
            }
        }
    }

    /// The end of patience with calls in flight: after `grace`, or with a (second) signal, for which it listens from the
    /// call on.
    pub(super) fn patience(&self, grace: Duration) -> impl Future<Output = ()> + use<> {
        let second = signalled();
        async move {
            tokio::select! {
                () = tokio::time::sleep(grace) => log::warn!("the grace period is over: cutting what is in flight"),
                _ = second => log::warn!("a second signal: cutting what is in flight"),
            }
        }
    }
}

/// A file that may not grow (`ulimit -f`, a service's limit) is an error of its write like any other, not the end of the
/// process, which is what the system's default would be.
pub(super) fn survive_file_limits() -> std::io::Result<()> {
    // Tokio's handler stays when this is dropped.
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}

/// Every SIGHUP from now on: it asks to read again, and ends nothing any more.
pub(super) fn hangups() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Listens from the call on, not from the first poll on.
fn signalled() -> impl Future<Output = Reason> + use<> {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        tokio::select! {
            () = next(terminate) => Reason::Terminated,
            () = next(interrupt) => Reason::Interrupted,
        }
    }
}

/// A signal that cannot be listened to never comes.
async fn next(signal: std::io::Result<Signal>) {
    match signal {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

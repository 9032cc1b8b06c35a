//! The mock provider: an OpenAI-compatible upstream that answers at once, after a delay, or in paced events, as the
//! request's metadata asks. Cheap, so that a run measures the proxy; loopback only; ends with the process that began it.
//! Owns its connections. Refuses to look at more of a request than it needs.

mod answers;
pub(crate) mod stamp;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::alarm::Alarm;
use crate::fault::Fault;
use crate::table::{abandoned, say};
use crate::upstream::answers::Wish;
use crate::wire::Wire;

/// Nobody benchmarks for longer; a forgotten mock ends by itself.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Listens on a free port of loopback, writes the address as one line, and serves until standard input closes.
pub(crate) async fn serve() -> Result<(), Fault> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Fault::io("mock upstream"))?;
    say(&listener.local_addr().map_err(Fault::io("mock upstream"))?.to_string())?;
    tokio::select! {
        () = abandoned() => Ok(()),
        () = tokio::time::sleep(LIFETIME) => Ok(()),
        refused = accept(listener) => refused,
    }
}

async fn accept(listener: TcpListener) -> Result<(), Fault> {
    let alarm = Arc::new(Alarm::start());
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.map_err(Fault::io("mock upstream"))?;
        connections.spawn(converse(Wire::over(socket)?, Arc::clone(&alarm)));
        while connections.try_join_next().is_some() {}
    }
}

/// Answers until the peer closes or breaks off; neither is a fault of the mock's.
async fn converse(mut wire: Wire, alarm: Arc<Alarm>) {
    let mut body = Vec::with_capacity(4096);
    while let Ok(Some(_)) = wire.message(&mut body).await {
        let wish = Wish::read(&body);
        let answered =
            if wish.stream { events(&mut wire, &wish, &alarm).await } else { whole(&mut wire, &wish, &alarm).await };
        if answered.is_err() {
            return;
        }
    }
}

async fn whole(wire: &mut Wire, wish: &Wish, alarm: &Alarm) -> Result<(), Fault> {
    if !wish.delay.is_zero() {
        alarm.until(alarm.now().saturating_add(wish.delay)).await;
    }
    wire.send(answers::COMPLETION.as_bytes()).await
}

/// Every event is a write of its own, at a moment of its own: streams that began apart stay apart.
async fn events(wire: &mut Wire, wish: &Wish, alarm: &Alarm) -> Result<(), Fault> {
    wire.send(answers::STREAM_HEAD.as_bytes()).await?;
    let mut due = alarm.now();
    for _ in 0..wish.events {
        due = due.saturating_add(wish.gap);
        alarm.until(due).await;
        wire.send(answers::event().as_bytes()).await?;
    }
    wire.send(answers::ending(wish.usage).as_bytes()).await
}

//! One caller: sends the request, reads the answer to its end, and looks whether it is the right one.
//! Owns its connection, replaced after a fault. Refuses to count an answer that is cut, short or not a 200.

use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;

use crate::alarm::Alarm;
use crate::fault::Fault;
use crate::message::{Body, Head};
use crate::plan::{Plan, Shape};
use crate::samples::Samples;
use crate::upstream::stamp;
use crate::wire::Wire;

/// Longer than any scenario's answer; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A caller with one keep-alive connection.
pub(crate) struct Client {
    plan: Arc<Plan>,
    alarm: Arc<Alarm>,
    request: Vec<u8>,
    wire: Option<Wire>,
    payload: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(plan: Arc<Plan>, alarm: Arc<Alarm>) -> Result<Self, Fault> {
        let request = plan.request();
        let wire = Some(Wire::open(plan.address).await?);
        Ok(Self { plan, alarm, request, wire, payload: Vec::with_capacity(4096) })
    }

    /// One call. The latency of a whole answer counts from `began`, which may lie before the sending; the latency of an
    /// event counts from the stamp the mock put into it.
    pub(crate) async fn call(&mut self, began: Duration) -> Result<Samples, Fault> {
        let mut samples = Samples::default();
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => Wire::open(self.plan.address).await?,
        };
        wire.send(&self.request).await?;
        match self.plan.shape {
            Shape::Whole { .. } => {
                self.whole(&mut wire).await?;
                samples.record(self.alarm.now().saturating_sub(began));
            }
            Shape::Stream { events, .. } => {
                let call = self.stream(&mut wire, |at| samples.record(stamp::now().saturating_sub(at)));
                tokio::time::timeout(PATIENCE, call).await.map_err(|_| Fault::Slow(PATIENCE.as_secs()))??;
                expect_events(samples.count(), events)?;
            }
        }
        self.wire = Some(wire);
        Ok(samples)
    }

    /// Reads a stream to its end, telling each content event's stamp. Sent and read without a limit of time.
    pub(crate) async fn watch(&mut self, on_event: impl FnMut(Duration)) -> Result<(), Fault> {
        let Some(mut wire) = self.wire.take() else { return Err(Fault::Cut) };
        wire.send(&self.request).await?;
        self.stream(&mut wire, on_event).await
    }

    async fn whole(&mut self, wire: &mut Wire) -> Result<(), Fault> {
        let message = wire.message(&mut self.payload);
        let head = tokio::time::timeout(PATIENCE, message).await.map_err(|_| Fault::Slow(PATIENCE.as_secs()))??;
        self.expect_ok(head.ok_or(Fault::Cut)?)?;
        if memmem::find(&self.payload, b"\"total_tokens\"").is_some() && self.payload.ends_with(b"}") {
            return Ok(());
        }
        Err(self.wrong("not a chat completion with usage"))
    }

    async fn stream(&mut self, wire: &mut Wire, mut on_event: impl FnMut(Duration)) -> Result<(), Fault> {
        let head = wire.head().await?.ok_or(Fault::Cut)?;
        let mut body = Body::new(head.framing);
        let (mut done, mut more) = (false, true);
        self.payload.clear();
        while more {
            more = wire.piece(&mut body, &mut self.payload).await?;
            while let Some(end) = memmem::find(&self.payload, b"\n\n") {
                let event = self.payload.get(..end).unwrap_or_default();
                done = event == b"data: [DONE]";
                stamp::read(event).into_iter().for_each(&mut on_event);
                self.payload.drain(..end.saturating_add(2));
            }
        }
        self.expect_ok(head)?;
        if done { Ok(()) } else { Err(self.wrong("the stream ends without [DONE]")) }
    }

    fn expect_ok(&self, head: Head) -> Result<(), Fault> {
        match head.status {
            200 => Ok(()),
            status => Err(self.wrong(&format!("status {status}"))),
        }
    }

    fn wrong(&self, why: &str) -> Fault {
        let text = String::from_utf8_lossy(&self.payload);
        Fault::Answer(format!("{why}: {}", text.chars().take(200).collect::<String>()))
    }
}

fn expect_events(seen: u64, wanted: u64) -> Result<(), Fault> {
    if seen == wanted {
        return Ok(());
    }
    Err(Fault::Answer(format!("{seen} events instead of {wanted}")))
}

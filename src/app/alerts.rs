//! Alerts: what operators should hear of though nobody looks, posted to a webhook.
//! Owns the queue, the signature and the tries. Refuses to hold anybody up: with a thousand waiting, the next is dropped
//! and logged. What is told here is in the log and the feed as well; a stop forgets what waits.

use std::time::Duration;

use actix_web::http::header::HeaderName;
use farthing_actors::domain::{AlertId, Clock, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{AppError, failed};
use crate::config::Config;
use crate::config::secrets::ALERTS_WEBHOOK_SECRET;
use crate::security::WebhookKey;
use crate::upstream::UpstreamError;
use crate::upstream::client::post;
use crate::upstream::guard::Address;
use crate::web::manage::rfc3339;

const UNSIGNED: &str = "is missing; alerts.webhook_url needs it to sign what is posted: 32 characters or more";

/// Alerts that may wait to be posted.
const ROOM: usize = 1_000;

/// How often one is posted at most.
const TRIES: u32 = 5;

/// How long before the second try; it grows fourfold. There is one sender, so that nobody comes at the same time.
const PAUSE: Duration = Duration::from_secs(1);

const TIMESTAMP: HeaderName = HeaderName::from_static("x-farthing-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-farthing-signature");

/// The way to whoever is to be told; to nobody, if there is no webhook.
#[derive(Clone)]
pub(super) struct Alerts {
    waiting: Option<mpsc::Sender<Alert>>,
    clock: Clock,
}

/// What is told.
struct Alert {
    kind: &'static str,
    time: Timestamp,
    message: String,
    details: Value,
}

/// Whom to tell, and what to sign with.
pub(super) struct Webhook {
    address: Address,
    key: WebhookKey,
    clock: Clock,
    waiting: mpsc::Receiver<Alert>,
}

/// What tells of alerts, and what posts them, if anybody wants them.
///
/// # Errors
/// If the webhook's address is none, or its secret is missing.
pub(super) fn begin(config: &Config, clock: Clock) -> Result<(Alerts, Option<Webhook>), AppError> {
    let (url, secret) = (config.alerts.webhook_url.as_deref(), config.secrets.webhook_secret.clone());
    let Some(url) = url else { return Ok((Alerts { waiting: None, clock }, None)) };
    let secret = secret.ok_or_else(|| AppError { part: ALERTS_WEBHOOK_SECRET, reason: UNSIGNED.to_owned() })?;
    let address = Address::written(url).map_err(failed("alerts.webhook_url"))?;
    let (sender, waiting) = mpsc::channel(ROOM);
    let alerts = Alerts { waiting: Some(sender), clock: clock.clone() };
    Ok((alerts, Some(Webhook { address, key: WebhookKey::new(secret), clock, waiting })))
}

impl Alerts {
    /// Tells of something: its kind, one sentence for people, and what it is about for programs.
    pub(super) fn tell(&self, kind: &'static str, message: String, details: Value) {
        let Some(waiting) = &self.waiting else { return };
        let alert = Alert { kind, time: self.clock.now(), message, details };
        if waiting.try_send(alert).is_err() {
            log::error!(kind; "too many alerts wait for the webhook; one was dropped");
        }
    }
}

impl Webhook {
    /// Posts one after the other, as they come.
    pub(super) async fn serve(mut self) {
        while let Some(alert) = self.waiting.recv().await {
            self.deliver(&alert).await;
        }
    }

    async fn deliver(&self, alert: &Alert) {
        // The id is the same with each try, so that whoever heard it twice knows.
        let id = AlertId::generate();
        let body = json!({
            "id": id, "type": alert.kind, "time": rfc3339(alert.time),
            "message": alert.message, "details": alert.details,
        });
        let body = body.to_string();
        for tried in 1..=TRIES {
            match self.post(&body).await {
                Ok(()) => return,
                Err(error) => log::warn!(kind = alert.kind, tried, error:%; "an alert was not taken by the webhook"),
            }
            if tried < TRIES {
                sleep(PAUSE.saturating_mul(4u32.saturating_pow(tried - 1))).await;
            }
        }
        log::error!(kind = alert.kind; "an alert was given up: the webhook took none of its tries");
    }

    async fn post(&self, body: &str) -> Result<(), UpstreamError> {
        let seconds = self.clock.now().0.div_euclid(1_000);
        let headers = [(TIMESTAMP, seconds.to_string()), (SIGNATURE, self.key.sign(seconds, body))];
        post(&self.address, &headers, body.to_owned().into()).await
    }
}

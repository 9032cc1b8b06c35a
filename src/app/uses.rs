//! Uses of keys: what workers counted is brought to the database, and what is odd about it is told.
//! Owns the rhythm. Refuses to stop a call: an alarm is for people.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use farthing_actors::domain::{Effect, KeyId, Timestamp};
use farthing_actors::feed::{Event, SystemNoted};
use farthing_actors::keyring::habits::{Habits, Oddity, Use};
use farthing_actors::tasks::Stage;
use serde_json::json;

use super::alerts::Alerts;
use crate::store::{Store, StoreError, key_uses};
use crate::web::Gateway;
use crate::web::uses::{Listener, Uses};

/// How often the table is emptied.
const LISTEN_EVERY: Duration = Duration::from_secs(5);
/// How often it is written: at most once a minute and key.
const WRITE_EVERY: Duration = Duration::from_secs(60);
/// Uses that wait to be written, of all keys; more are not counted.
const WAITING: usize = 65_536;

/// What is known of all keys.
pub(super) struct Watch {
    listener: Listener,
    habits: HashMap<KeyId, Habits>,
    waiting: HashMap<(KeyId, Arc<str>, Arc<str>), u64>,
}

/// The table, and what watches it, from what the database remembers.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub(super) fn begin(store: &Store) -> Result<(Uses, Watch), StoreError> {
    let (last, known) =
        store.read(|connection| Ok((key_uses::last_used(connection)?, key_uses::known(connection)?)))?;
    let (uses, listener) = Uses::new(last);
    let mut habits = HashMap::<KeyId, Habits>::new();
    for (key, network, agent, at) in known {
        habits.entry(key).or_default().recall(network.into(), agent.into(), at);
    }
    Ok((uses, Watch { listener, habits, waiting: HashMap::new() }))
}

/// Watches until the stop, and writes what waits before it.
pub(super) async fn watch(gateway: web::Data<Gateway>, mut watch: Watch, alerts: Alerts) {
    let mut looks = tokio::time::interval(LISTEN_EVERY);
    let mut written = gateway.clock.monotonic();
    loop {
        let stopping = tokio::select! {
            _ = looks.tick() => false,
            () = gateway.tasks.reached(Stage::Closing) => true,
        };
        watch.listen(&gateway, &alerts);
        let now = gateway.clock.monotonic();
        if stopping || now.saturating_sub(written) >= WRITE_EVERY {
            written = now;
            watch.write(&gateway).await;
        }
        if let Err(error) = gateway.admin.save_token_counts().await {
            log::warn!(error:%; "how often tokens were used could not be saved; trying again");
        }
        if stopping {
            gateway.uses.finish();
            return;
        }
    }
}

impl Watch {
    fn listen(&mut self, gateway: &Gateway, alerts: &Alerts) {
        let now = gateway.clock.now();
        let heard = self.listener.drain(&gateway.uses);
        if heard.is_empty() {
            return;
        }
        gateway.uses.were_used(heard.iter().map(|(key, _)| *key), now);
        let keys = gateway.keyring.load();
        for (key, used) in heard {
            let Some(made) = keys.key(key).map(|key| key.key.created_at) else { continue };
            for oddity in self.habits.entry(key).or_default().learn(&used, made, now) {
                alarm((gateway, alerts), key, &oddity, now);
            }
            let place = (key, used.network, used.agent);
            if self.waiting.len() < WAITING || self.waiting.contains_key(&place) {
                *self.waiting.entry(place).or_default() += used.calls;
            }
        }
    }

    async fn write(&mut self, gateway: &Gateway) {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let uses = waiting.map(|((key, network, agent), calls)| (key, Use { network, agent, calls }));
        let uses: Vec<_> = uses.collect();
        if let Err(error) = gateway.admin.save_key_uses(uses.clone()).await {
            log::warn!(error:%; "uses of keys could not be saved; trying again");
            self.waiting.extend(uses.into_iter().map(|(key, used)| ((key, used.network, used.agent), used.calls)));
        }
    }
}

/// Tells of something odd: by the audit trail, the log, the feed and the webhook.
fn alarm((gateway, alerts): (&Gateway, &Alerts), key: KeyId, oddity: &Oddity, now: Timestamp) {
    let event = gateway.admin.system().does("key.anomaly").about(key).and("anomaly", oddity.name());
    let project = gateway.admin.key(key).map(|key| key.key.project).ok();
    let event = project.map_or(event.clone(), |project| event.of(project));
    let (event, what) = match oddity {
        Oddity::Network(network) => (event.and("network", network), format!("from a new network, {network}")),
        Oddity::Agent(agent) => (event.and("agent", agent), "with a new program".to_owned()),
        Oddity::Rate { calls, usual } => {
            (event.and("calls", calls).and("usual", usual), format!("{calls} times this minute, usually {usual}"))
        }
    };
    gateway.audit.note(event.ending(Effect::Success));
    log::warn!(key_id:% = key, anomaly = oddity.name(); "a key is used as it was not before");
    let message = format!("the key {key} is used {what}");
    alerts.tell("anomaly", message.clone(), json!({"key": key, "project_id": project, "anomaly": oddity.name()}));
    gateway.feed.publish(Event::System(SystemNoted { time: now, message: message.into() }));
}

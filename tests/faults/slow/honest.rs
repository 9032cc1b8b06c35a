//! Honest callers beside an attack, each call on a connection of its own. Owns what they call; fails in the end if one was not
//! served. They call with as little as they can, so that it is the gateway whose time is taken.

use std::time::Duration;

use farthing_support::Scene;
use farthing_support::scene::{ask, prices};
use farthing_support::traffic::{Took, Traffic};
use serde_json::json;

use crate::raw::tell;

/// A model that thinks before it answers.
const THINKER: &str = "thinker";

pub(crate) struct Honest(Traffic);

impl Honest {
    /// What they need beside the scene's model.
    pub(crate) fn prepare(scene: &Scene) {
        scene.gateway.create("/api/providers", &json!({"name": THINKER, "kind": "sandbox"}));
        scene.gateway.add_model(THINKER, THINKER, &prices());
    }

    pub(crate) fn start(scene: &Scene) -> Self {
        let (address, key) = (scene.gateway.address(), scene.key.secret.clone());
        let request = move |body: String| {
            let length = body.len();
            format!(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
                 Connection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
        };
        let at_once = request(ask(&json!({})).to_string());
        let thinking = move |thinking: Duration| {
            let sandbox = json!({"latency_ms": thinking.as_millis(), "output_tokens": 1});
            request(ask(&json!({"model": THINKER, "sandbox": sandbox})).to_string())
        };
        Self(Traffic::start(move |time| {
            let asked = if time.is_zero() { at_once.clone() } else { thinking(time) };
            let told = tell(address, asked.as_bytes());
            if told.statuses() == [200] { Ok(()) } else { Err(told.text) }
        }))
    }

    pub(crate) fn stop(self) -> Took {
        self.0.stop().expect("others are served")
    }
}

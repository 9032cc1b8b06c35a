//! The demo's own traffic: a question every other second, half of them streamed, through the same relay as everybody's.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farthing_actors::domain::RequestId;
use farthing_actors::keyring::ring::AuthorizedKey;
use serde_json::json;

use crate::app::Running;
use crate::dialect::{ChatRequest, Request};
use crate::relay::{AnswerBody, Ask, Relay, Retries};
use crate::web::server;

const PAUSE: Duration = Duration::from_secs(2);
const QUESTIONS: [&str; 4] =
    ["What is a ledger?", "Name three rivers.", "Explain double entry.", "Why is the sky blue?"];

/// Asks until the process ends.
pub(super) fn begin(running: &Running, key: Arc<AuthorizedKey>) {
    let relay =
        Rc::new(server::relay(&running.gateway, Arc::clone(&running.vault), Arc::default(), Retries::default()));
    running.gateway.tasks.keep_running(async move {
        for (question, stream) in QUESTIONS.iter().cycle().zip([false, true].into_iter().cycle()) {
            tokio::time::sleep(PAUSE).await;
            ask(&relay, &key, question, stream).await;
        }
    });
}

/// A failure here is seen in the request list like any other.
async fn ask(relay: &Rc<Relay>, key: &Arc<AuthorizedKey>, question: &str, stream: bool) {
    let body = json!({
        "model": "sandbox", "stream": stream, "messages": [{ "role": "user", "content": question }],
        "sandbox": { "chunk_ms": 20 },
    });
    let Ok(chat) = ChatRequest::parse(Bytes::from(body.to_string())) else { return };
    let ask =
        Ask { request: Request::Chat(chat), headers: Vec::new(), run: None, tags: None, claim: None, caching: None };
    if let Ok(answer) = relay.serve(RequestId::generate(), Arc::clone(key), ask).await
        && let AnswerBody::Stream(mut pieces, _) = answer.body
    {
        while pieces.next().await.is_some() {}
    }
}

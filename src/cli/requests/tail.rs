//! `farthing requests tail`: the live feed in a terminal. Owns the order: connect, show, connect again.
//! Refuses to hide that something was missed: a lost connection and dropped events are said.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::Value;

use super::line::Names;
use crate::cli::error::CliError;
use crate::cli::http::{Api, Ending, Heard, HttpError};
use crate::cli::output;

const PATH: &str = "/ws/feed";
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Recent events come again with every connection; a server keeps 256.
const REMEMBERED: usize = 1_024;

/// Shows events until Ctrl-C, or until nobody reads them any more.
pub(super) async fn follow(api: &Api, json: bool) -> Result<(), CliError> {
    let mut tail = Tail { json, names: Names::default(), seen: Seen::default(), result: Ok(()) };
    tokio::select! {
        followed = tail.run(api) => followed,
        stopped = tokio::signal::ctrl_c() => stopped.map_err(CliError::io("cannot wait for Ctrl-C")),
    }
}

struct Tail {
    json: bool,
    names: Names,
    seen: Seen,
    /// Why the output ended.
    result: std::io::Result<()>,
}

/// The latest events, so that none is shown twice.
#[derive(Default)]
struct Seen {
    events: HashSet<String>,
    order: VecDeque<String>,
}

impl Tail {
    async fn run(&mut self, api: &Api) -> Result<(), CliError> {
        let (mut ever, mut pause) = (false, FIRST_PAUSE);
        loop {
            let mut opened = false;
            let heard = api.listen(PATH, &mut async |heard| self.hear(api, heard, &mut opened).await).await;
            let why = match heard {
                Ok(Ending::Enough) => {
                    let result = std::mem::replace(&mut self.result, Ok(()));
                    return result.map_err(CliError::io("cannot write the answer"));
                }
                Ok(Ending::Lost(why)) => why,
                Err(error) if !ever || is_final(&error) => return Err(error.into()),
                Err(error) => error.to_string(),
            };
            (ever, pause) = if opened { (true, FIRST_PAUSE) } else { (ever, pause) };
            output::complain(&format!(
                "the connection is lost ({}); connecting again in {} ms",
                output::harmless(&why),
                pause.as_millis()
            ));
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn hear(&mut self, api: &Api, heard: Heard, opened: &mut bool) -> ControlFlow<()> {
        match heard {
            Heard::Opened => {
                *opened = true;
                output::complain("connected; Ctrl-C ends it");
                ControlFlow::Continue(())
            }
            Heard::Text(text) => self.show(api, text).await,
        }
    }

    async fn show(&mut self, api: &Api, text: String) -> ControlFlow<()> {
        let Ok(event) = serde_json::from_str::<Value>(&text) else {
            output::complain("the server sent something that is no event");
            return ControlFlow::Continue(());
        };
        if event.get("type").and_then(Value::as_str) != Some("lagged") && !self.seen.is_new(&text) {
            return ControlFlow::Continue(());
        }
        let line = if self.json { text } else { self.names.line(api, &event).await };
        match output::pass_on(&format!("{line}\n")) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(()),
            Err(error) => {
                self.result = Err(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// Whether asking again is of no use: the server knows us and says no.
fn is_final(error: &HttpError) -> bool {
    match error {
        HttpError::Denied { code, .. } => matches!(code.as_str(), "unauthorized" | "forbidden"),
        HttpError::Address(_) | HttpError::Token => true,
        HttpError::Refused(_) | HttpError::Broken { .. } | HttpError::Slow(_) | HttpError::Foreign { .. } => false,
    }
}

impl Seen {
    fn is_new(&mut self, text: &str) -> bool {
        if !self.events.insert(text.to_owned()) {
            return false;
        }
        self.order.push_back(text.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.events.remove(&oldest);
        }
        true
    }
}

//! A stream of Responses events into canonical ones.
//! Owns which events say something new: deltas do, and what repeats them whole does only where no delta came. Refuses
//! the events of a provider's own tools, which are skipped.

mod items;

use bytes::Bytes;

use self::items::Items;
use super::event::{Frame, Said};
use crate::dialect::canonical::{Event, Stop};
use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::openai_responses::{elements, object, pick, text};
use crate::dialect::passage::{Decode, StreamEnd};
use crate::dialect::sse::Splitter;
use crate::dialect::usage::Reading;

/// One stream being read.
#[derive(Default)]
pub struct ResponsesDecoder {
    splitter: Splitter,
    began: bool,
    done: bool,
    items: Items,
}

impl ResponsesDecoder {
    /// Begins a stream.
    pub fn new() -> Self {
        Self::default()
    }

    fn take(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.done {
            return Ok(());
        }
        let Frame::Said(json) = Frame::read(bytes)? else { return Ok(()) };
        let json = String::from_utf8_lossy(&json);
        let said = Said::read(&json)?;
        if let Some(fault) = said.fault() {
            events.extend(usage(&said));
            return Err(fault);
        }
        self.begin(&said, events);
        let mut pieces = Vec::new();
        self.items.take(&said.kind, &json, &mut pieces);
        if said.is_end() {
            self.items.catch_up(&output(&said), &mut pieces);
        }
        events.extend(pieces.into_iter().map(|piece| Event::More { choice: 0, piece }));
        if said.is_end() {
            self.end(&said, events);
        }
        Ok(())
    }

    /// The first event has the response in it; a server whose first has not gets a beginning without names.
    fn begin(&mut self, said: &Said<'_>, events: &mut Vec<Event>) {
        if std::mem::replace(&mut self.began, true) {
            return;
        }
        let names = ["id", "model", "created_at"];
        let [id, model, created] = said.response.map_or([None; 3], |response| pick(response.text, &names));
        let created = created.and_then(|created| created.whole());
        events.push(Event::Began { id: text(id), model: text(model), created });
    }

    fn end(&mut self, said: &Said<'_>, events: &mut Vec<Event>) {
        let response = said.response.map_or("{}", |response| response.text);
        let stop = object::stop(response, self.items.called(), self.items.refused());
        // A server may leave the status out of an event whose type says it.
        let stop = match (said.kind.as_str(), stop) {
            ("response.incomplete", stop) if object::incomplete_reason(&stop).is_none() => {
                Stop::Other("incomplete".to_owned())
            }
            (_, stop) => stop,
        };
        events.push(Event::Finished { choice: 0, stop });
        let [tier] = pick(response, &["service_tier"]);
        events.extend(tier.and_then(|tier| tier.string()).map(Event::ServiceTier));
        events.extend(usage(said));
        self.done = true;
    }
}

/// The items of the whole output, as the last event repeats them.
fn output<'a>(said: &Said<'a>) -> Vec<&'a str> {
    let [output] = said.response.map_or([None], |response| pick(response.text, &["output"]));
    elements(output)
}

fn usage(said: &Said<'_>) -> Option<Event> {
    Some(said.usage()).filter(|reading| *reading != Reading::Absent).map(Event::Usage)
}

impl Decode for ResponsesDecoder {
    fn push(&mut self, chunk: &Bytes, events: &mut Vec<Event>) -> Result<(), StreamFault> {
        let mut splitter = std::mem::take(&mut self.splitter);
        let (_, outcome) = frame::sift(&mut splitter, chunk, |event| self.take(event, events).map(|()| false));
        self.splitter = splitter;
        if self.done { Ok(()) } else { outcome }
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> StreamEnd {
        // A fault in the last event is told by the answer's being cut.
        let outcome = frame::last(&mut self.splitter).map_or(Ok(()), |last| self.take(&last, events));
        if outcome.is_ok() && self.done { StreamEnd::Complete } else { StreamEnd::Cut }
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

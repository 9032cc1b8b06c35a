//! One event of a stream as it comes. Owns what is an event at all, which end the stream, and which are errors.

use std::borrow::Cow;

use farthing_actors::domain::ServiceTier;

use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::members::{self, Member};
use crate::dialect::openai_responses::{pick, text, usage};
use crate::dialect::usage::{Reading, tier};
use crate::dialect::words::UpstreamWords;

/// What one event is.
pub(super) enum Frame<'a> {
    /// A comment, or nothing.
    Silent,
    /// `[DONE]`, which some servers add; it ends nothing here.
    Marker,
    /// An event with its JSON. Broken UTF-8 in it is replaced.
    Said(Cow<'a, [u8]>),
}

impl<'a> Frame<'a> {
    /// Reads the lines of one event.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, StreamFault> {
        let json = frame::open(bytes)?.data();
        Ok(match json.trim_ascii() {
            b"" => Self::Silent,
            frame::MARKER => Self::Marker,
            _ => Self::Said(json),
        })
    }
}

/// What every event says: its type, and what the stream's state depends on.
pub(super) struct Said<'a> {
    /// Its type; empty where a server leaves it out.
    pub(super) kind: String,
    /// What it adds to a text.
    pub(super) delta: Option<Member<'a>>,
    /// The response as it stands.
    pub(super) response: Option<Member<'a>>,
    error: Option<Member<'a>>,
    json: &'a str,
}

impl<'a> Said<'a> {
    /// Reads the JSON of an event.
    pub(super) fn read(json: &'a str) -> Result<Self, StreamFault> {
        let object = members::read(json, &["type", "delta", "response", "error"])
            .map_err(|_| StreamFault::Garbage("an event is not a JSON object"))?;
        let [kind, delta, response, error] = object.present();
        Ok(Self { kind: text(kind), delta, response, error, json })
    }

    /// Whether it ends the stream well.
    pub(super) fn is_end(&self) -> bool {
        matches!(self.kind.as_str(), "response.completed" | "response.incomplete")
    }

    /// The usage in the response.
    pub(super) fn usage(&self) -> Reading {
        self.response.map_or(Reading::Absent, |response| usage::of(response.text))
    }

    /// The tier that the response names, if it names one that is known.
    pub(super) fn tier(&self) -> Option<ServiceTier> {
        let [served] = self.response.map_or([None], |response| pick(response.text, &["service_tier"]));
        tier(served)
    }

    /// The error it reports, if it does. Servers put it in the response, in a member of its own, or at the top.
    pub(super) fn fault(&self) -> Option<StreamFault> {
        let words = match (self.kind.as_str(), self.error) {
            ("response.failed", _) => {
                let [error] = self.response.map_or([None], |response| pick(response.text, &["error"]));
                error.map_or_else(unnamed, UpstreamWords::of)
            }
            ("error" | "", Some(error)) => UpstreamWords::of(error),
            ("error", None) => {
                let words = UpstreamWords::read(self.json.as_bytes()).unwrap_or_else(unnamed);
                UpstreamWords { kind: None, ..words }
            }
            _ => return None,
        };
        Some(StreamFault::UpstreamError(words))
    }
}

fn unnamed() -> UpstreamWords {
    let message = "the provider gave no reason".to_owned();
    UpstreamWords { message, kind: None, param: None, code: None }
}

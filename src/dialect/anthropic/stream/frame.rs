//! Frames: one event of a stream, opened so far that its kind and its members are known.
//! Owns what is an error and what is no stream of this dialect. Refuses to read on: whoever needs a member reads it.

use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::members::{self, Member};
use crate::dialect::words::UpstreamWords;

const MEMBERS: [&str; 7] = ["type", "index", "message", "content_block", "delta", "usage", "error"];

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    MessageStart,
    BlockStart,
    BlockDelta,
    BlockStop,
    MessageDelta,
    MessageStop,
    /// A ping, a comment, or something newer than this code.
    Other,
}

/// The members of an event that is no error.
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) index: u64,
    pub(super) message: Option<Member<'a>>,
    pub(super) block: Option<Member<'a>>,
    pub(super) delta: Option<Member<'a>>,
    pub(super) usage: Option<Member<'a>>,
}

impl Frame<'_> {
    const OTHER: Self = Self { kind: Kind::Other, index: 0, message: None, block: None, delta: None, usage: None };

    /// Opens an event and shows it to `look`.
    ///
    /// # Errors
    /// When it reports an error, or is nothing an event stream of this dialect can hold.
    pub(super) fn open<T>(bytes: &[u8], look: impl FnOnce(&Frame<'_>) -> T) -> Result<T, StreamFault> {
        let data = frame::open(bytes)?.data();
        // Local servers send broken UTF-8; in a passage it stays as it came, in a translation it is replaced.
        let text = String::from_utf8_lossy(data.trim_ascii());
        match text.as_ref() {
            "" => Ok(look(&Self::OTHER)),
            // OpenAI's marker, from servers that speak both dialects.
            "[DONE]" => Ok(look(&Frame { kind: Kind::MessageStop, ..Self::OTHER })),
            json => Frame::read(json).map(|frame| look(&frame)),
        }
    }
}

impl<'a> Frame<'a> {
    fn read(json: &'a str) -> Result<Self, StreamFault> {
        let object =
            members::read(json, &MEMBERS).map_err(|_| StreamFault::Garbage("an event is not a JSON object"))?;
        let [kind, index, message, block, delta, usage, error] = object.present();
        if let Some(error) = error {
            return Err(StreamFault::UpstreamError(UpstreamWords::of(error)));
        }
        let kind = match kind.map_or("", |kind| kind.text) {
            r#""message_start""# => Kind::MessageStart,
            r#""content_block_start""# => Kind::BlockStart,
            r#""content_block_delta""# => Kind::BlockDelta,
            r#""content_block_stop""# => Kind::BlockStop,
            r#""message_delta""# => Kind::MessageDelta,
            r#""message_stop""# => Kind::MessageStop,
            r#""error""# => return Err(wordless(json)),
            _ => Kind::Other,
        };
        let index = index.and_then(|index| index.whole()).unwrap_or(0);
        Ok(Self { kind, index, message, block, delta, usage })
    }

    /// The usage it reports: its own member, or that of the message that begins.
    pub(super) fn any_usage(&self) -> Option<Member<'a>> {
        let of_message = || {
            let [usage] = self.message?.members(&["usage"])?.present();
            usage
        };
        self.usage.or_else(of_message)
    }

    /// Whether it says why the answer ends.
    pub(super) fn finishes(&self) -> bool {
        let delta = self.delta.filter(|_| self.kind == Kind::MessageDelta);
        let delta = delta.and_then(|delta| delta.members(&["stop_reason"]));
        delta.is_some_and(|delta| delta.present().iter().any(Option::is_some))
    }
}

/// An event that calls itself an error and has no member `error`.
fn wordless(json: &str) -> StreamFault {
    let unsaid = || UpstreamWords { message: "an error without words".into(), kind: None, param: None, code: None };
    StreamFault::UpstreamError(UpstreamWords::read(json.as_bytes()).unwrap_or_else(unsaid))
}

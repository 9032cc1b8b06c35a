//! The events of a stream as they are written: each under the name that is also its `type`.

use bytes::BytesMut;
use serde::Serialize;

use crate::dialect::anthropic::block::Block;
use crate::dialect::anthropic::usage::Figures;
use crate::dialect::canonical::Json;
use crate::dialect::frame;

/// One event.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Wire<'a> {
    MessageStart {
        message: Start<'a>,
    },
    ContentBlockStart {
        index: usize,
        content_block: Block<'a>,
    },
    ContentBlockDelta {
        index: usize,
        delta: Delta<'a>,
    },
    ContentBlockStop {
        index: usize,
    },
    MessageDelta {
        delta: End<'a>,
        usage: Figures<'a>,
    },
    MessageStop {
        #[serde(skip_serializing_if = "Option::is_none")]
        farthing: Option<Json>,
    },
}

/// The message that begins: as yet without content.
#[derive(Serialize)]
pub(super) struct Start<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: [(); 0],
    stop_reason: Option<()>,
    stop_sequence: Option<()>,
    usage: Figures<'a>,
}

/// What is added to a block.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "type")]
pub(super) enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    Arguments { partial_json: &'a str },
}

/// How the message ends.
#[derive(Serialize)]
pub(super) struct End<'a> {
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
}

impl<'a> Wire<'a> {
    pub(super) fn start(id: &'a str, model: &'a str, usage: Figures<'a>) -> Self {
        let (kind, role) = ("message", "assistant");
        let message = Start { id, kind, role, model, content: [], stop_reason: None, stop_sequence: None, usage };
        Self::MessageStart { message }
    }

    pub(super) fn end(stop_reason: &'a str, stop_sequence: Option<&'a str>, usage: Figures<'a>) -> Self {
        Self::MessageDelta { delta: End { stop_reason, stop_sequence }, usage }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop { .. } => "message_stop",
        }
    }

    /// Adds the event to `out`.
    pub(super) fn write(&self, out: &mut BytesMut) {
        frame::write(Some(self.name()), &serde_json::to_vec(self).unwrap_or_default(), out);
    }
}

//! An answer from a provider of one dialect to a client of any.
//! Owns the choice of the dialect's own code, and that an answer between equals is not touched. Refuses to know more of
//! a dialect than its name.

use bytes::Bytes;
use farthing_actors::domain::Dialect;

use super::canonical::Reply;
use super::overheard::Overheard;
use super::passage::{Decode, Encode, Passage, Translation};
use super::plain::{self, Endpoint};
use super::request::Request;
use super::usage::Reading;
use super::words::ErrorBody;
use super::{anthropic, gemini, ollama_chat, openai_chat, openai_responses};

/// Whether `body` can be an answer in `dialect` at all.
pub fn is_answer(dialect: Dialect, body: &[u8]) -> bool {
    match dialect {
        Dialect::OpenaiChat => openai_chat::reply::is_answer(body),
        Dialect::OpenaiResponses => openai_responses::reply::is_answer(body),
        Dialect::Anthropic => anthropic::reply::is_answer(body),
        Dialect::Gemini => gemini::reply::is_answer(body),
        Dialect::OllamaChat => ollama_chat::reply::is_answer(body),
    }
}

/// The usage a whole answer reports.
pub fn usage(endpoint: Endpoint, dialect: Dialect, body: &[u8]) -> Reading {
    if endpoint != Endpoint::Conversation {
        return plain::usage(endpoint, body);
    }
    match dialect {
        Dialect::OpenaiChat => openai_chat::reply::usage(body),
        Dialect::OpenaiResponses => openai_responses::reply::usage(body),
        Dialect::Anthropic => anthropic::reply::usage(body),
        Dialect::Gemini => gemini::reply::usage(body),
        Dialect::OllamaChat => ollama_chat::reply::usage(body),
    }
}

/// The usage that a body reports, if it is an answer at all.
pub fn inspect(endpoint: Endpoint, dialect: Dialect, body: &[u8]) -> Option<Reading> {
    match (endpoint, dialect) {
        (Endpoint::Conversation, Dialect::OpenaiChat) => openai_chat::reply::inspect(body),
        _ => is_answer(dialect, body).then(|| usage(endpoint, dialect, body)),
    }
}

/// A whole answer, in no dialect's words; `None` if it is none. `now`, in seconds since 1970, for a provider that does
/// not say when it was made.
pub fn read(dialect: Dialect, body: &[u8], now: u64) -> Option<Reply> {
    if !is_answer(dialect, body) {
        return None;
    }
    let reply = match dialect {
        Dialect::OpenaiChat => openai_chat::reply::read(body),
        Dialect::OpenaiResponses => openai_responses::reply::read(body),
        Dialect::Anthropic => anthropic::reply::read(body),
        Dialect::Gemini => gemini::reply::read(body),
        Dialect::OllamaChat => ollama_chat::reply::read(body),
    }?;
    Some(Reply { created: reply.created.or(Some(now)), ..reply })
}

/// A whole answer in the client's words, with `farthing` (one line of JSON) beside the usage where there is a place for
/// it.
pub fn write(dialect: Dialect, reply: &Reply, farthing: Option<&str>) -> Bytes {
    match dialect {
        // No client speaks Ollama's.
        Dialect::OpenaiChat | Dialect::OllamaChat => openai_chat::reply::write(reply, farthing),
        Dialect::OpenaiResponses => openai_responses::reply::write(reply, farthing),
        Dialect::Anthropic => anthropic::reply::write(reply, farthing),
        Dialect::Gemini => gemini::reply::write(reply, farthing),
    }
}

/// A whole answer on its way between two dialects.
pub enum Anew {
    /// In no dialect's words, to be written when it is booked.
    Reply(Box<Reply>),
    /// In the client's words already.
    Ready(Bytes),
}

/// A whole answer to `request` from a provider that speaks `spoken`, if it can be read; `now` as for [`read`].
pub fn translate(request: &Request, spoken: Dialect, body: &[u8], now: u64) -> Option<Anew> {
    match request {
        Request::Embed(asked) => asked.answer(body).map(Anew::Ready),
        _ => read(spoken, body, now).map(|reply| Anew::Reply(Box::new(reply))),
    }
}

/// A translated answer in the client's words; `farthing` as for [`write`].
pub fn finish(client: Dialect, anew: Anew, farthing: Option<&str>) -> Bytes {
    match anew {
        Anew::Ready(body) => body,
        Anew::Reply(reply) => write(client, &reply, farthing),
    }
}

/// The same as [`passage`], of which a transcript is kept.
pub fn overheard(request: &Request, spoken: Dialect, now: u64) -> Box<dyn Passage> {
    Box::new(Overheard::new(passage(request, spoken, now), decoder(spoken)))
}

/// The stream that answers `request` from a provider that speaks `spoken`; `now` in seconds since 1970.
pub fn passage(request: &Request, spoken: Dialect, now: u64) -> Box<dyn Passage> {
    match (request, spoken) {
        (Request::Chat(chat) | Request::Completion(chat), Dialect::OpenaiChat) => {
            Box::new(openai_chat::ChatStream::new(chat.head.wants_usage))
        }
        (Request::Responses(_), Dialect::OpenaiResponses) => Box::new(openai_responses::ResponsesStream::new()),
        (Request::Messages(_), Dialect::Anthropic) => Box::new(anthropic::MessagesStream::new()),
        (Request::Gemini(..), Dialect::Gemini) => Box::new(gemini::GeminiStream::new()),
        _ => Box::new(Translation::new(decoder(spoken), encoder(request), now)),
    }
}

fn decoder(spoken: Dialect) -> Box<dyn Decode> {
    match spoken {
        Dialect::OpenaiChat => Box::new(openai_chat::ChatDecoder::new()),
        Dialect::OpenaiResponses => Box::new(openai_responses::ResponsesDecoder::new()),
        Dialect::Anthropic => Box::new(anthropic::MessagesDecoder::new()),
        Dialect::Gemini => Box::new(gemini::GeminiDecoder::new()),
        Dialect::OllamaChat => Box::new(ollama_chat::OllamaDecoder::new()),
    }
}

fn encoder(request: &Request) -> Box<dyn Encode> {
    let model = request.head().model.clone();
    match request {
        Request::Chat(_) | Request::Completion(_) | Request::Plain(_) => {
            Box::new(openai_chat::ChatEncoder::new(model, request.head().wants_usage))
        }
        Request::Responses(_) => Box::new(openai_responses::ResponsesEncoder::new()),
        Request::Messages(_) => Box::new(anthropic::MessagesEncoder::new()),
        Request::Gemini(_, framing) => Box::new(gemini::GeminiEncoder::new(*framing)),
        Request::Embed(_) => Box::new(gemini::GeminiEncoder::new(gemini::Framing::Sse)),
    }
}

/// The answer to a client that asked only for the number of tokens; the dialects without such a call get a bare figure.
pub fn count(request: &Request, tokens: u64) -> Bytes {
    match request {
        Request::Gemini(..) => gemini::count::count_tokens_reply(tokens),
        _ => anthropic::request::count_tokens_reply(tokens),
    }
}

/// What a client hears while the provider is silent; nothing where its library would stumble over it.
pub fn keep_alive(client: Dialect) -> Bytes {
    Bytes::from_static(match client {
        Dialect::OpenaiChat | Dialect::OpenaiResponses => b": keep-alive\n\n",
        Dialect::Anthropic => b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
        Dialect::Gemini | Dialect::OllamaChat => b"",
    })
}

impl ErrorBody<'_> {
    /// The body of an error in the shape of `dialect`.
    pub fn json(&self, dialect: Dialect) -> Vec<u8> {
        match dialect {
            Dialect::OpenaiChat | Dialect::OllamaChat => openai_chat::error::json(self),
            Dialect::OpenaiResponses => openai_responses::error::json(self),
            Dialect::Anthropic => anthropic::error::json(self),
            Dialect::Gemini => gemini::error::json(self),
        }
    }

    /// What ends a broken stream that answers `request`: one error event, no end marker.
    pub fn ending(&self, request: &Request) -> Bytes {
        match request {
            Request::Chat(_) | Request::Completion(_) | Request::Plain(_) => openai_chat::error::event(self),
            Request::Responses(_) => openai_responses::error::event(self),
            Request::Messages(_) => anthropic::error::event(self),
            Request::Gemini(_, framing) => gemini::error::ending(self, *framing, true),
            Request::Embed(_) => gemini::error::event(self),
        }
    }
}

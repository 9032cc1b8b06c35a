//! A WebSocket of the server, for listening. Owns the handshake, signs of life, and when nobody is taken to be there any
//! more. Refuses to say anything but that it lives.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::time::Duration;

use awc::error::{SendRequestError, WsClientError};
use awc::http::header::AUTHORIZATION;
use awc::ws::{Frame, Message};
use futures_core::Stream;

use super::{Api, HttpError, PATIENCE};

/// The server asks for a sign of life every 25 s.
const SILENCE: Duration = Duration::from_secs(60);

/// What a listener is told.
pub(in crate::cli) enum Heard {
    /// The server listens to us too.
    Opened,
    /// A text it sent.
    Text(String),
}

/// Why nothing more is heard.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Ending {
    /// The listener has heard enough.
    Enough,
    /// The connection is gone, and why.
    Lost(String),
}

impl Api {
    /// Listens at `path` until `hear` breaks off or the connection ends.
    ///
    /// # Errors
    /// If there is no connection: nobody answers, or the server refuses.
    pub(in crate::cli) async fn listen(
        &self,
        path: &str,
        hear: &mut impl AsyncFnMut(Heard) -> ControlFlow<()>,
    ) -> Result<Ending, HttpError> {
        let request = self.client.ws(format!("{}{path}", self.base));
        let connecting = request.set_header(AUTHORIZATION, self.authorization.clone()).connect();
        let connected = tokio::time::timeout(PATIENCE, connecting).await;
        let (_, mut framed) = match connected.map_err(|_| HttpError::Slow(self.base.clone()))? {
            Ok(connected) => connected,
            Err(error) => return Err(self.no_socket(path, error).await),
        };
        if hear(Heard::Opened).await.is_break() {
            return Ok(Ending::Enough);
        }
        loop {
            let next = poll_fn(|context| Pin::new(&mut framed).poll_next(context));
            let frame = match tokio::time::timeout(SILENCE, next).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Ok(Ending::Lost(error.to_string())),
                Ok(None) => return Ok(Ending::Lost("the server closed it".to_owned())),
                Err(_) => return Ok(Ending::Lost("nothing was heard for a minute".to_owned())),
            };
            match frame {
                Frame::Text(bytes) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if hear(Heard::Text(text)).await.is_break() {
                        return Ok(Ending::Enough);
                    }
                }
                Frame::Ping(bytes) => {
                    let mut pinned = Pin::new(&mut framed);
                    let sent = pinned.as_mut().write(Message::Pong(bytes));
                    let flushed = poll_fn(|context| pinned.as_mut().flush::<Message>(context)).await;
                    if let Err(error) = sent.and(flushed) {
                        return Ok(Ending::Lost(error.to_string()));
                    }
                }
                Frame::Close(reason) => {
                    let why = reason.and_then(|reason| reason.description);
                    return Ok(Ending::Lost(why.unwrap_or_else(|| "the server closed it".to_owned())));
                }
                Frame::Pong(_) | Frame::Binary(_) | Frame::Continuation(_) => {}
            }
        }
    }

    /// Why there is no socket. The answer to a refused handshake cannot be read, so the server is asked once more, plainly.
    async fn no_socket(&self, path: &str, error: WsClientError) -> HttpError {
        match error {
            WsClientError::InvalidResponseStatus(_) => match self.get(path).await {
                Err(said) => said,
                Ok(_) => self.broken(&error),
            },
            WsClientError::SendRequest(SendRequestError::Connect(_)) => HttpError::Refused(self.base.clone()),
            other => self.broken(&other),
        }
    }
}

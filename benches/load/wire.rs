//! One keep-alive connection, from either end: whole messages in, bytes out.
//! Owns the socket and what was read ahead. Refuses HTTP's meaning; message.rs has it.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fault::Fault;
use crate::message::{Body, Head};

/// A connection that carries one message after the other.
pub(crate) struct Wire {
    socket: TcpStream,
    input: Vec<u8>,
}

impl Wire {
    /// Connects to `address`.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Fault> {
        Self::over(TcpStream::connect(address).await.map_err(Fault::io("connect"))?)
    }

    /// Takes over an accepted or connected socket.
    pub(crate) fn over(socket: TcpStream) -> Result<Self, Fault> {
        socket.set_nodelay(true).map_err(Fault::io("socket"))?;
        Ok(Self { socket, input: Vec::with_capacity(4096) })
    }

    /// Sends bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.socket.write_all(bytes).await.map_err(Fault::io("send"))
    }

    /// The next head; `None` when the peer closed between two messages.
    pub(crate) async fn head(&mut self) -> Result<Option<Head>, Fault> {
        loop {
            if let Some(head) = Head::parse(&self.input) {
                self.input.drain(..head.length);
                return Ok(Some(head));
            }
            match self.more().await {
                Err(Fault::Cut) if self.input.is_empty() => return Ok(None),
                outcome => outcome?,
            }
        }
    }

    /// The next piece of a body, appended to `out`. Returns whether more will come.
    pub(crate) async fn piece(&mut self, body: &mut Body, out: &mut Vec<u8>) -> Result<bool, Fault> {
        let used = body.take(&self.input, out);
        self.input.drain(..used);
        if body.is_whole() {
            return Ok(false);
        }
        if used == 0 {
            self.more().await?;
        }
        Ok(true)
    }

    /// A whole message, its body in `out`; `None` when the peer closed before it.
    pub(crate) async fn message(&mut self, out: &mut Vec<u8>) -> Result<Option<Head>, Fault> {
        out.clear();
        let Some(head) = self.head().await? else { return Ok(None) };
        let mut body = Body::new(head.framing);
        while self.piece(&mut body, out).await? {}
        Ok(Some(head))
    }

    async fn more(&mut self) -> Result<(), Fault> {
        match self.socket.read_buf(&mut self.input).await.map_err(Fault::io("receive"))? {
            0 => Err(Fault::Cut),
            _ => Ok(()),
        }
    }
}

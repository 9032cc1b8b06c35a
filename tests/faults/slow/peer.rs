//! A slow peer: one connection that does not get on, of one kind. Owns what each kind sends, and notes when it was let go.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::raw::answered;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Silent,
    FirstHead,
    SecondHead,
    Body,
    ChunkedBody,
    NoBody,
}

pub(crate) const KINDS: [Kind; 6] =
    [Kind::Silent, Kind::FirstHead, Kind::SecondHead, Kind::Body, Kind::ChunkedBody, Kind::NoBody];

const WHOLE: &str = "GET /live HTTP/1.1\r\nHost: h\r\n\r\n";
const PART: &str = "GET /live HTTP/1.1\r\nHost: h\r\nX: ";

pub(crate) struct Peer {
    pub(crate) kind: Kind,
    /// How long after it began not to get on the other side closed.
    pub(crate) closed: Option<Duration>,
    stream: TcpStream,
    began: Instant,
}

impl Peer {
    pub(crate) fn open(kind: Kind, address: SocketAddr, key: &str) -> Self {
        let mut stream = TcpStream::connect(address).expect("the gateway listens");
        if kind == Kind::SecondHead {
            stream.write_all(WHOLE.as_bytes()).expect("a request is taken");
            assert_eq!(answered(&mut stream), 200);
        }
        let head = format!("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\n");
        let first = match kind {
            Kind::Silent => String::new(),
            Kind::FirstHead | Kind::SecondHead => PART.to_owned(),
            Kind::ChunkedBody => format!("{head}Transfer-Encoding: chunked\r\n\r\n3e8\r\n"),
            Kind::Body | Kind::NoBody => format!("{head}Content-Length: 1000\r\n\r\n"),
        };
        stream.write_all(first.as_bytes()).expect("a first piece is taken");
        stream.set_nonblocking(true).expect("a socket can be told");
        Self { kind, closed: None, stream, began: Instant::now() }
    }

    /// Sends another byte, and looks whether the other side has closed.
    pub(crate) fn step(&mut self) {
        if !matches!(self.kind, Kind::Silent | Kind::NoBody) {
            drop(self.stream.write(b" "));
        }
        let mut buffer = [0; 1024];
        let is_closed = match self.stream.read(&mut buffer) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        if is_closed {
            self.closed = Some(self.began.elapsed());
        }
    }
}

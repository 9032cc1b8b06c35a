//! A connection byte by byte: what is written is what is sent, and what comes back is read to the end of the connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that came back.
pub(crate) struct Told {
    pub(crate) text: String,
    /// Whether the other side closed; else we gave up waiting.
    pub(crate) closed: bool,
}

impl Told {
    /// The status codes of all answers, in order.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let status = |rest: &str| rest.get(..3).and_then(|code| code.parse().ok());
        self.text.split("HTTP/1.1 ").skip(1).filter_map(status).collect()
    }
}

/// Sends `bytes` in one piece, and reads until the other side closes.
pub(crate) fn tell(address: SocketAddr, bytes: &[u8]) -> Told {
    let mut stream = TcpStream::connect(address).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    // Whoever refuses early may close before all is written.
    drop(stream.write_all(bytes));
    hear(stream)
}

/// Reads until the other side closes.
pub(crate) fn hear(mut stream: TcpStream) -> Told {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    let closed = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break true,
            Ok(count) => heard.extend_from_slice(&buffer[..count]),
            Err(error) => break !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    };
    Told { text: String::from_utf8_lossy(&heard).into_owned(), closed }
}

/// The status of the next answer on a connection that stays open; its body is read and thrown away.
pub(crate) fn answered(stream: &mut TcpStream) -> u16 {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let (mut heard, mut byte) = (Vec::new(), [0]);
    while !heard.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("an answer");
        heard.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&heard).to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).expect("the answer's body");
    head.get(9..12).and_then(|code| code.parse().ok()).expect("a status")
}

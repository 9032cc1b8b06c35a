//! A client's connection: kept for as long as the gateway keeps it. What is well framed must be answered; what is not may
//! be answered or dropped.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::PATIENCE;

/// How long a gateway is waited for that may be waiting for us; then our half is closed. Decides nothing.
const PAUSE: Duration = Duration::from_millis(30);

pub(crate) struct Line {
    address: SocketAddr,
    kept: Option<BufReader<TcpStream>>,
}

/// An answer; its status is 0 where there was none.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) id: Option<String>,
    /// Whether the gateway answers such a call by itself, for nothing.
    pub(crate) free: bool,
    kind: String,
    body: Vec<u8>,
    closes: bool,
}

impl Line {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, kept: None }
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(self.address).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("a socket can be told");
        BufReader::new(stream)
    }

    /// Sends a request whose framing is sound, and reads the answer, which must come.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Heard {
        let mut stream = self.kept.take().unwrap_or_else(|| self.connect());
        stream.get_mut().write_all(request).expect("the gateway reads what is well framed");
        let heard = Heard::read(&mut stream);
        let heard = heard.unwrap_or_else(|error| panic!("no answer ({error}) to {}", shown(request)));
        if !heard.closes {
            self.kept = Some(stream);
        }
        heard
    }

    /// Sends anything on a connection of its own, and reads what comes.
    pub(crate) fn send(&self, bytes: &[u8]) -> Heard {
        let mut stream = self.connect();
        // Whoever refuses early may close before all is written.
        drop(stream.get_mut().write_all(bytes));
        stream.get_mut().set_read_timeout(Some(PAUSE)).expect("a timeout can be set");
        if stream.fill_buf().is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)) {
            drop(stream.get_mut().shutdown(Shutdown::Write));
        }
        stream.get_mut().set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        Heard::read(&mut stream).unwrap_or_default()
    }
}

impl Heard {
    fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Self> {
        let mut heard = Self::default();
        let (mut length, mut chunked) = (None, false);
        while heard.status < 200 {
            let line = line(stream)?;
            heard.status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(ErrorKind::InvalidData)?;
            loop {
                let line = self::line(stream)?;
                let Some((name, value)) = line.split_once(':') else { break };
                let (name, value) = (name.to_ascii_lowercase(), value.trim());
                match name.as_str() {
                    "content-length" => length = value.parse().ok(),
                    "transfer-encoding" => chunked = true,
                    "connection" => heard.closes = value.eq_ignore_ascii_case("close"),
                    "content-type" => heard.kind = value.to_owned(),
                    "x-farthing-request-id" => heard.id = Some(value.to_owned()),
                    _ => {}
                }
            }
        }
        match length {
            Some(length) => stream.take(length).read_to_end(&mut heard.body).map(drop)?,
            None if chunked => while heard.chunk(stream)? {},
            None => return Err(ErrorKind::InvalidData.into()),
        }
        Ok(heard)
    }

    fn chunk(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<bool> {
        let size = u64::from_str_radix(line(stream)?.trim(), 16).map_err(|_| ErrorKind::InvalidData)?;
        let read = stream.take(size).read_to_end(&mut self.body)?;
        line(stream)?;
        if u64::try_from(read).unwrap_or(0) < size { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(size > 0) }
    }

    pub(crate) fn free(self, free: bool) -> Self {
        Self { free, ..self }
    }

    /// Whatever the answer is, it is no defect, and an error says so in JSON.
    pub(crate) fn check(&self, number: u64) {
        let text = || String::from_utf8_lossy(&self.body);
        assert_ne!(self.status, 500, "case {number}: {}", text());
        if self.status >= 400 && self.id.is_some() {
            let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
            assert!(json["error"].is_object(), "case {number}: {} without an error: {}", self.status, text());
        }
        if self.status == 200 && self.kind.starts_with(super::peer::EVENTS) {
            assert!(
                text().is_empty() || text().ends_with('\n'),
                "case {number}: a stream ends inside an event: {}",
                text()
            );
        }
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn shown(request: &[u8]) -> String {
    request.get(..4_096).unwrap_or(request).escape_ascii().to_string()
}

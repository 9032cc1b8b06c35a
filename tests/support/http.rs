//! A plain HTTP/1.1 client: one connection per request, the answer's bytes as they arrive, a hang-up at any moment.
//! Owns framing. Refuses cleverness: no redirects, no retries, no pool, so that tests see what was sent and nothing else.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(300);

/// A caller: an address and the headers it always sends.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    headers: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
}

/// An answer whose head has arrived and whose body is still on its way.
pub struct Exchange {
    /// The status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    body: Body,
}

/// A request on its way, its answer not yet awaited.
pub struct Sent {
    stream: TcpStream,
    writer: JoinHandle<io::Result<()>>,
}

enum Frame {
    Sized(u64),
    Chunk(u64),
    UntilClose,
}

struct Body {
    stream: BufReader<TcpStream>,
    frame: Frame,
    done: bool,
}

impl Client {
    /// A caller without a key.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, headers: Vec::new() }
    }

    /// The same caller with one more header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name.to_owned(), value.to_owned()));
        Self { address: self.address, headers }
    }

    /// The same caller with a bearer token.
    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// GET.
    ///
    /// # Panics
    /// If no whole answer arrives.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, b"").unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// POST of a JSON body.
    ///
    /// # Panics
    /// If no whole answer arrives.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string().as_bytes())
    }

    /// POST of any bytes, called JSON.
    ///
    /// # Panics
    /// If no whole answer arrives.
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        self.send("POST", path, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// Any method; the whole answer.
    ///
    /// # Errors
    /// If the connection fails or ends before the answer does.
    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.open(method, path, body)?.finish()
    }

    /// Any method; returns when the head of the answer has arrived.
    ///
    /// # Errors
    /// If the connection fails or ends before that.
    pub fn open(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Exchange> {
        let Sent { stream, writer } = self.start(method, path, body)?;
        let exchange = Exchange::read(BufReader::new(stream));
        // A server may refuse a large body before it has read it all: the answer decides, if there is one.
        let written = writer.join().expect("the writer does not panic");
        exchange.map_err(|error| written.err().unwrap_or(error))
    }

    /// Begins to send a request, and does not wait for anything.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn start(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Sent> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut request = self.head(method, path, body.len()).into_bytes();
        request.extend_from_slice(body);
        let mut writing = stream.try_clone()?;
        let writer = thread::spawn(move || writing.write_all(&request));
        Ok(Sent { stream, writer })
    }

    fn head(&self, method: &str, path: &str, length: usize) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let named = self.headers.iter().any(|(name, _)| name == "content-type");
        let typed = if method == "GET" || named { "" } else { "content-type: application/json\r\n" };
        let address = self.address;
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}{typed}content-length: {length}\r\nconnection: close\r\n\r\n"
        )
    }
}

impl Answer {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("status {} with no JSON ({error}): {}", self.status, self.text()))
    }
}

impl Exchange {
    fn read(mut stream: BufReader<TcpStream>) -> io::Result<Self> {
        let line = read_line(&mut stream)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| malformed(&line))?;
        let mut headers = Vec::new();
        loop {
            let line = read_line(&mut stream)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let frame = Frame::announced(&headers);
        Ok(Self { status, headers, body: Body { stream, frame, done: false } })
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// If the connection ends before the body does.
    pub fn finish(mut self) -> io::Result<Answer> {
        let mut body = Vec::new();
        self.body.read_to_end(&mut body)?;
        Ok(Answer { status: self.status, headers: self.headers, body })
    }

    /// The next server-sent event, without the blank line that ends it; `None` at the end of the body.
    ///
    /// # Errors
    /// If the connection ends before the body does.
    pub fn next_event(&mut self) -> io::Result<Option<String>> {
        let mut event = Vec::new();
        let mut byte = [0];
        while self.body.read(&mut byte)? == 1 {
            event.extend_from_slice(&byte);
            if event.ends_with(b"\n\n") {
                return Ok(Some(String::from_utf8_lossy(&event).trim_end().to_owned()));
            }
        }
        assert!(event.is_empty(), "the stream ended inside an event: {}", String::from_utf8_lossy(&event));
        Ok(None)
    }

    /// Reads until `text` has come, and gives all that came until then.
    ///
    /// # Errors
    /// If the body or the connection ends before that.
    pub fn read_until(&mut self, text: &str) -> io::Result<String> {
        let (mut read, mut byte) = (Vec::new(), [0]);
        while !read.ends_with(text.as_bytes()) {
            self.body.read_exact(&mut byte)?;
            read.extend_from_slice(&byte);
        }
        Ok(String::from_utf8_lossy(&read).into_owned())
    }

    /// Leaves in the middle, and says when.
    pub fn hang_up(self) -> Instant {
        let left = Instant::now();
        // The connection is dropped below either way; a peer that left first makes this fail.
        drop(self.body.stream.get_ref().shutdown(Shutdown::Both));
        left
    }
}

impl Sent {
    /// The whole answer.
    ///
    /// # Errors
    /// If the connection fails or ends before the answer does.
    pub fn finish(self) -> io::Result<Answer> {
        Exchange::read(BufReader::new(self.stream))?.finish()
    }

    /// Leaves without having read anything, once all is sent.
    pub fn hang_up(self) {
        drop(self.writer.join());
        drop(self.stream.shutdown(Shutdown::Both));
    }

    /// Leaves once all is sent and this many bytes of the answer have come, its head included, or all there are. Gives
    /// those bytes, and when it left.
    ///
    /// # Errors
    /// If the connection fails before that.
    pub fn hang_up_after(self, bytes: u64) -> io::Result<(Vec<u8>, Instant)> {
        drop(self.writer.join());
        let mut read = Vec::new();
        (&self.stream).take(bytes).read_to_end(&mut read)?;
        let left = Instant::now();
        // A peer that left first makes this fail; the connection is dropped below either way.
        drop(self.stream.shutdown(Shutdown::Both));
        Ok((read, left))
    }
}

impl Frame {
    fn announced(headers: &[(String, String)]) -> Self {
        if find(headers, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Self::Chunk(0);
        }
        find(headers, "content-length").and_then(|value| value.parse().ok()).map_or(Self::UntilClose, Self::Sized)
    }
}

impl Body {
    // Makes sure that some of the body may be read, or finds its end.
    fn open_chunk(&mut self) -> io::Result<()> {
        match self.frame {
            Frame::Sized(0) => self.done = true,
            Frame::Chunk(0) => {
                let line = read_line(&mut self.stream)?;
                let left = u64::from_str_radix(line.trim(), 16).map_err(|_| malformed(&line))?;
                self.frame = Frame::Chunk(left);
                if left == 0 {
                    read_line(&mut self.stream)?;
                    self.done = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn took(&mut self, count: u64) -> io::Result<()> {
        match &mut self.frame {
            Frame::UntilClose => self.done = count == 0,
            Frame::Sized(_) | Frame::Chunk(_) if count == 0 => return Err(ErrorKind::UnexpectedEof.into()),
            Frame::Sized(left) => *left -= count,
            Frame::Chunk(left) => {
                *left -= count;
                if *left == 0 {
                    read_line(&mut self.stream)?;
                }
            }
        }
        Ok(())
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done || buffer.is_empty() {
            return Ok(0);
        }
        self.open_chunk()?;
        if self.done {
            return Ok(0);
        }
        let limit = match self.frame {
            Frame::Sized(left) | Frame::Chunk(left) => left,
            Frame::UntilClose => u64::MAX,
        };
        let count = self.stream.by_ref().take(limit).read(buffer)?;
        self.took(u64::try_from(count).unwrap_or(u64::MAX))?;
        Ok(count)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn read_line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn malformed(line: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("malformed: {line:?}"))
}

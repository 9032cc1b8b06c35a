//! A provider whose streams never end, however many there are. Owns how many callers came and how many left; keeps nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::give_way;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const BEFORE: &str = r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":""#;
const AFTER: &str = "\"},\"finish_reason\":null}]}\n\n";

#[derive(Default)]
pub(crate) struct Endless {
    pub(crate) left: AtomicUsize,
}

impl Endless {
    /// Starts it; the base URL it is registered with.
    pub(crate) fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let endless = Arc::new(Self::default());
        let shared = Arc::clone(&endless);
        thread::spawn(move || {
            give_way();
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(&stream));
            }
        });
        (endless, format!("http://{address}/v1"))
    }

    fn serve(&self, stream: &TcpStream) {
        if read_request(stream).is_some() && pour(stream).is_err() {
            self.left.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Reads a request with a length to its end.
fn read_request(stream: &TcpStream) -> Option<()> {
    let (mut reader, mut length) = (BufReader::new(stream), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(said) = line.strip_prefix("content-length:") {
            length = said.trim().parse().ok()?;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()
}

fn pour(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(HEAD)?;
    // Large ones: it is the readers that are slow, and a thousand buffers must fill up first.
    let event = format!("{BEFORE}{}{AFTER}", "word ".repeat(800));
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    loop {
        stream.write_all(chunk.as_bytes())?;
    }
}

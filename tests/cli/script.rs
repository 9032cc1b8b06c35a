//! A scripted server: gives the answers it was told, in order, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::Value;

/// A request as the scripted server saw it.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    /// Method and target.
    pub(crate) line: String,
    /// The header.
    pub(crate) authorization: String,
    /// The JSON, or null.
    pub(crate) body: Value,
}

/// A server that gives these answers in order and then ends.
pub(crate) struct Script {
    /// Where it listens.
    pub(crate) url: String,
    served: JoinHandle<Vec<Seen>>,
}

impl Script {
    /// A server on a free port.
    pub(crate) fn new(answers: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let mut seen = Vec::new();
            for (stream, (status, body)) in listener.incoming().map(Result::unwrap).zip(answers) {
                let Some(request) = read_request(&stream) else { break };
                seen.push(request);
                answer(stream, status, &body.to_string());
            }
            seen
        });
        Self { url, served }
    }

    /// What was asked. An empty connection ends a script that was not played to its end.
    pub(crate) fn seen(self) -> Vec<Seen> {
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
        self.served.join().unwrap()
    }
}

fn read_request(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" if head.is_empty() => return None,
            "" => break,
            text => head.push(text.to_owned()),
        }
    }
    let header = |name: &str| {
        let lines = head.iter().filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Some(Seen {
        line: head[0].trim_end_matches(" HTTP/1.1").to_owned(),
        authorization: header("authorization").unwrap(),
        body,
    })
}

fn answer(mut stream: TcpStream, status: u16, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
    write!(stream, "{head}connection: close\r\n\r\n{body}").unwrap();
}

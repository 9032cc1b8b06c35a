//! The upstream's side of one connection: requests in, scripted bytes out, and a watch on whether the caller is still there.
//! Owns HTTP/1.1 framing of the answers. Refuses decisions: the reply says what happens.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::Seen;
use crate::dialect::Wish;
use crate::reply::{Completion, Form, Gate, Reply, Turn};

const WATCH: Duration = Duration::from_millis(5);

/// What became of an answer so far.
pub(super) enum Progress {
    Event,
    Finished,
    Left(Instant),
}

impl Progress {
    pub(super) fn apply(self, seen: &mut Seen) {
        match self {
            Self::Event => seen.events += 1,
            Self::Finished => seen.finished = true,
            Self::Left(at) => seen.left_at = Some(at),
        }
    }
}

/// The writing half of a connection.
pub(super) struct Line(TcpStream);

impl Line {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Without it chunks only arrive later.
        drop(stream.set_nodelay(true));
        Self(stream)
    }

    /// Gives `reply`; `false` when the connection is over.
    pub(super) fn answer(&mut self, request: &Seen, reply: &Reply, mut note: impl FnMut(Progress)) -> bool {
        let kept = self.try_answer(request, reply, &mut note);
        if kept.is_none() {
            note(Progress::Left(Instant::now()));
        }
        kept.unwrap_or(false)
    }

    // `None`: the caller left. `Some(false)`: we cut.
    fn try_answer(&mut self, request: &Seen, reply: &Reply, note: &mut impl FnMut(Progress)) -> Option<bool> {
        self.pause(reply.before)?;
        if let Some(gate) = &reply.gate {
            self.wait(gate)?;
        }
        match &reply.form {
            Form::Silence => self.wait(&Gate::default()).map(|()| false),
            Form::Fixed { status, headers, body } => {
                self.whole(*status, headers, body)?;
                note(Progress::Finished);
                Some(true)
            }
            Form::Refusal { status, headers, message } => {
                let body = Wish::of(&request.path, &request.json()).dialect.error(*status, message);
                self.whole(*status, headers, body.to_string().as_bytes())?;
                note(Progress::Finished);
                Some(true)
            }
            Form::Completion(answer) => self.complete(&Wish::of(&request.path, &request.json()), answer, note),
        }
    }

    fn complete(&mut self, wish: &Wish, answer: &Completion, note: &mut impl FnMut(Progress)) -> Option<bool> {
        if wish.stream {
            return self.stream(wish, answer, note);
        }
        let typed = ("content-type".to_owned(), "application/json".to_owned());
        let (body, cut) = (answer.whole(wish), matches!(answer.turn, Some((_, Turn::Cut))));
        if cut {
            let half = body.len() / 2;
            self.head(200, &[typed], body.len())?;
            self.write(&body.as_bytes()[..half])?;
            drop(self.0.shutdown(Shutdown::Both));
            return Some(false);
        }
        self.whole(200, &[typed], body.as_bytes())?;
        note(Progress::Finished);
        Some(true)
    }

    fn stream(&mut self, wish: &Wish, answer: &Completion, note: &mut impl FnMut(Progress)) -> Option<bool> {
        let kind = if wish.array { "application/json" } else { "text/event-stream" };
        self.write(
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n").as_bytes(),
        )?;
        let mut events = answer.events(wish);
        if answer.headless {
            events.head.clear();
        }
        let before = events.head.len();
        for (n, event) in events.head.iter().chain(&events.pieces).chain(&events.tail).enumerate() {
            if let Some((at, turn)) = &answer.turn
                && before + *at == n
                && !self.turn(wish, turn, n == 0)?
            {
                return Some(false);
            }
            if n > 0 {
                self.pause(answer.gap)?;
            }
            self.chunk(event)?;
            note(Progress::Event);
        }
        self.write(b"0\r\n\r\n")?;
        note(Progress::Finished);
        Some(true)
    }

    // Whether the stream goes on.
    fn turn(&mut self, wish: &Wish, turn: &Turn, first: bool) -> Option<bool> {
        match turn {
            Turn::Wait(gate) => self.wait(gate).map(|()| true),
            Turn::Cut => {
                drop(self.0.shutdown(Shutdown::Both));
                Some(false)
            }
            Turn::End => {
                self.write(b"0\r\n\r\n")?;
                drop(self.0.shutdown(Shutdown::Both));
                Some(false)
            }
            Turn::Error(message) => {
                self.chunk(&wish.error_event(message, first))?;
                self.write(b"0\r\n\r\n")?;
                drop(self.0.shutdown(Shutdown::Both));
                Some(false)
            }
        }
    }

    fn whole(&mut self, status: u16, headers: &[(String, String)], body: &[u8]) -> Option<()> {
        self.head(status, headers, body.len())?;
        self.write(body)
    }

    fn head(&mut self, status: u16, headers: &[(String, String)], length: usize) -> Option<()> {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.write(format!("HTTP/1.1 {status} Scripted\r\n{headers}content-length: {length}\r\n\r\n").as_bytes())
    }

    fn chunk(&mut self, event: &str) -> Option<()> {
        self.write(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.0.write_all(bytes).ok()
    }

    fn pause(&self, delay: Duration) -> Option<()> {
        let end = Instant::now() + delay;
        self.watch(|| end.saturating_duration_since(Instant::now()))
    }

    fn wait(&self, gate: &Gate) -> Option<()> {
        self.watch(|| if gate.is_open() { Duration::ZERO } else { WATCH })
    }

    // Waits as long as `left` says, with an eye on the caller: `None` as soon as it has left.
    fn watch(&self, left: impl Fn() -> Duration) -> Option<()> {
        loop {
            let left = left();
            if left.is_zero() {
                return Some(());
            }
            self.0.set_read_timeout(Some(left.min(WATCH))).ok()?;
            let gone = match self.0.peek(&mut [0]) {
                Ok(count) => count == 0,
                Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            };
            self.0.set_read_timeout(None).ok()?;
            if gone {
                return None;
            }
        }
    }
}

/// The next request of a connection; `None` when there is none.
pub(super) fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let line = read_line(reader)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen =
        Seen { serial: 0, method, path, headers, body: Vec::new(), events: 0, finished: false, left_at: None };
    seen.body = read_body(reader, &seen)?;
    Some(seen)
}

fn read_body(reader: &mut BufReader<TcpStream>, seen: &Seen) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if seen.header("transfer-encoding").is_none() {
        let length = seen.header("content-length").map_or(Some(0), |value| value.parse().ok())?;
        return read_exactly(reader, length, body);
    }
    loop {
        let size = usize::from_str_radix(read_line(reader)?.trim(), 16).ok()?;
        body = read_exactly(reader, size, body)?;
        read_line(reader)?;
        if size == 0 {
            return Some(body);
        }
    }
}

fn read_exactly(reader: &mut BufReader<TcpStream>, length: usize, mut body: Vec<u8>) -> Option<Vec<u8>> {
    let limit = u64::try_from(length).ok()?;
    let read = reader.by_ref().take(limit).read_to_end(&mut body).ok()?;
    (read == length).then_some(body)
}

fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

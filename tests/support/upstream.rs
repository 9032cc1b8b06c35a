//! The scripted upstream: a provider of every dialect on a free loopback port that does what the test says and journals
//! what it saw. Owns its journal, which is the ground truth of what was asked of a provider. Refuses surprises: when it
//! is dropped, a call nobody declared and a declared call nobody made both fail the test.

use std::collections::VecDeque;
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::reply::Reply;

#[cfg(test)]
mod tests;
mod wire;

/// One request as it arrived, and how it ended.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its place in the journal, from 0.
    pub serial: usize,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Vec<u8>,
    /// How many stream events were written.
    pub events: usize,
    /// Whether the answer was written to its end.
    pub finished: bool,
    /// When the caller was seen to have left before that.
    pub left_at: Option<Instant>,
}

type Answering = Box<dyn Fn(&Seen) -> Reply + Send>;

/// The upstream. Dropping it checks that exactly the declared calls were made.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    changed: Condvar,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Script {
    journal: Vec<Seen>,
    expected: VecDeque<Reply>,
    always: Option<Answering>,
    undeclared: Vec<String>,
}

impl Upstream {
    /// Starts one that expects no call at all.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared =
            Arc::new(Shared { script: Mutex::default(), changed: Condvar::new(), stopped: AtomicBool::new(false) });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared }
    }

    /// The base URL a provider is registered with.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL a provider of this kind is registered with; some put the version below it themselves.
    pub fn base_url_for(&self, kind: &str) -> String {
        match kind {
            "anthropic" | "gemini" => format!("http://{}", self.address),
            _ => self.base_url(),
        }
    }

    /// Declares one more call and its reply; replies are given in the order of declaration.
    pub fn expect(&self, reply: Reply) {
        self.shared.script().expected.push_back(reply);
    }

    /// Allows any number of calls beyond the declared ones, answered like this.
    pub fn always(&self, reply: Reply) {
        self.answer_with(move |_| reply.clone());
    }

    /// Allows any number of calls beyond the declared ones, answered by what they ask.
    pub fn answer_with(&self, answering: impl Fn(&Seen) -> Reply + Send + 'static) {
        self.shared.script().always = Some(Box::new(answering));
    }

    /// Everything seen so far, in order of arrival.
    pub fn journal(&self) -> Vec<Seen> {
        self.shared.script().journal.clone()
    }

    /// Everything seen since there were `before` requests.
    pub fn journal_from(&self, before: usize) -> Vec<Seen> {
        self.shared.script().journal.iter().skip(before).cloned().collect()
    }

    /// How many requests have arrived.
    pub fn calls(&self) -> usize {
        self.shared.script().journal.len()
    }

    /// The only request seen.
    ///
    /// # Panics
    /// If there was none, or more than one.
    pub fn only(&self) -> Seen {
        let journal = self.journal();
        assert_eq!(journal.len(), 1, "expected one upstream call: {journal:?}");
        journal.into_iter().next().expect("one call")
    }

    /// Waits until the journal shows what `probe` looks for.
    ///
    /// # Panics
    /// If `patience` ends first.
    pub fn wait_for<T>(&self, what: &str, patience: Duration, mut probe: impl FnMut(&[Seen]) -> Option<T>) -> T {
        let deadline = Instant::now() + patience;
        let mut script = self.shared.script();
        loop {
            if let Some(found) = probe(&script.journal) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(script);
                panic!("waited {patience:?} in vain until the upstream saw {what}");
            }
            script = self.shared.changed.wait_timeout(script, left).expect("no thread panics with the script").0;
        }
    }

    fn check(&self) {
        let (undeclared, left) = {
            let script = self.shared.script();
            (script.undeclared.clone(), script.expected.len())
        };
        assert!(undeclared.is_empty(), "upstream calls nobody declared: {undeclared:?}");
        assert!(left == 0, "{left} declared upstream calls were never made");
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Wakes the accepting thread; if that fails it has ended already.
        drop(TcpStream::connect(self.address));
        if !thread::panicking() {
            self.check();
        }
    }
}

impl Seen {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no thread panics with the script")
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn admit(&self, mut seen: Seen) -> (usize, Reply) {
        let mut script = self.script();
        seen.serial = script.journal.len();
        let reply = script.reply_to(&seen);
        let serial = seen.serial;
        script.journal.push(seen);
        self.changed.notify_all();
        (serial, reply)
    }

    fn note(&self, serial: usize, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.script().journal.get_mut(serial) {
            change(seen);
        }
        self.changed.notify_all();
    }
}

impl Script {
    fn reply_to(&mut self, seen: &Seen) -> Reply {
        if let Some(reply) = self.expected.pop_front() {
            return reply;
        }
        if let Some(answering) = &self.always {
            return answering(seen);
        }
        self.undeclared.push(format!("{} {}", seen.method, seen.path));
        Reply::error(500, "this call was not declared by the test")
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_stopped() {
            return;
        }
        let shared = Arc::clone(shared);
        // A connection that fails to open is the caller's to report.
        if let Ok(stream) = stream {
            thread::spawn(move || serve(stream, &shared));
        }
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let Ok(reading) = stream.try_clone() else { return };
    let mut reader = BufReader::new(reading);
    let mut line = wire::Line::new(stream);
    while let Some(request) = wire::read_request(&mut reader) {
        let (serial, reply) = shared.admit(request.clone());
        if !line.answer(&request, &reply, |progress| shared.note(serial, |seen| progress.apply(seen))) {
            return;
        }
    }
}

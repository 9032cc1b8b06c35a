//! The built gateway as a process of its own: started on a free port with fresh secrets and an empty data directory,
//! killed, restarted, stopped. Owns the checks that must hold at rest: when it is dropped, no hold is open, the books
//! balance (asked of the server and of the command line), SIGTERM ends it with 0, and nothing in it ever panicked.

use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;

use crate::http::{Answer, Client};
use crate::poll::{PATIENCE, until};

const STOP: Duration = Duration::from_secs(30);

/// What to start.
pub struct Builder {
    binary: PathBuf,
    settings: Vec<(String, String)>,
    data_dir: Option<PathBuf>,
}

/// A running gateway.
pub struct TestGateway {
    binary: PathBuf,
    settings: Vec<(String, String)>,
    home: PathBuf,
    data_dir: PathBuf,
    token: String,
    address: SocketAddr,
    process: Option<Child>,
}

/// A virtual key as it was handed out.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// What an application presents.
    pub secret: String,
}

impl Builder {
    /// Sets an environment variable of the gateway, such as `FARTHING__SERVER__LISTEN`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Uses this data directory instead of a fresh one, and leaves it there.
    #[must_use]
    pub fn data_dir(mut self, path: &Path) -> Self {
        self.data_dir = Some(path.to_owned());
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready; the message holds what it logged.
    pub fn start(self) -> TestGateway {
        let home = fresh_directory();
        let token = secret();
        let data_dir = self.data_dir.unwrap_or_else(|| home.join("data"));
        let mut settings = vec![
            ("FARTHING__SERVER__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            // No balancer stands in front.
            ("FARTHING__SERVER__SHUTDOWN_NOTICE_SECONDS".to_owned(), "0".to_owned()),
            ("FARTHING__DATA_DIR".to_owned(), data_dir.display().to_string()),
            // Nothing beyond loopback, unless a test says where.
            ("FARTHING__CATALOGUE__URL".to_owned(), String::new()),
            ("SESSION_SECRET".to_owned(), secret()),
            ("MASTER_ENCRYPTION_KEY".to_owned(), secret()),
            ("MANAGEMENT_TOKEN".to_owned(), token.clone()),
        ];
        settings.extend(self.settings);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut gateway =
            TestGateway { binary: self.binary, settings, home, data_dir, token, address: nowhere, process: None };
        gateway.launch();
        gateway
    }
}

impl TestGateway {
    /// What to start; `binary` is `env!("CARGO_BIN_EXE_farthing")`.
    pub fn builder(binary: impl Into<PathBuf>) -> Builder {
        Builder { binary: binary.into(), settings: Vec::new(), data_dir: None }
    }

    /// A caller without a key.
    pub fn anonymous(&self) -> Client {
        Client::new(self.address)
    }

    /// An application with this key.
    pub fn application(&self, secret: &str) -> Client {
        self.anonymous().bearer(secret)
    }

    /// An operator with the management token, at the operators' door.
    pub fn operator(&self) -> Client {
        let door = read_address(&self.data_dir.join("admin_address")).unwrap_or(self.address);
        Client::new(door).bearer(&self.token)
    }

    /// Where it listens, for whoever speaks to it byte by byte.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A figure of its process in bytes, such as `VmRSS` or `VmHWM`; 0 where there is no `/proc`.
    pub fn memory(&self, figure: &str) -> u64 {
        let id = self.process.as_ref().map_or(0, Child::id);
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.unwrap_or(0) * 1024
    }

    /// The management token, as an operator types it.
    pub fn management_token(&self) -> &str {
        &self.token
    }

    /// The folder it runs in, where its `.env` may be.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone()
    }

    /// Everything logged so far, over all restarts.
    pub fn logs(&self) -> String {
        let bytes = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Creates an object through the management API.
    ///
    /// # Panics
    /// If the answer is not 201.
    pub fn create(&self, path: &str, body: &Value) -> Value {
        let answer = self.operator().post(path, body);
        assert_eq!(answer.status, 201, "POST {path} {body}: {}", answer.text());
        answer.json()
    }

    /// All of a list, page by page; `path` may have a query.
    ///
    /// # Panics
    /// If a page is not 200.
    pub fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let answer = self.operator().get(&format!("{path}{mark}limit=100{cursor}"));
            assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
            let page = answer.json();
            items.extend(page["data"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The recorded line of one request, which may be written a moment after its answer.
    ///
    /// # Panics
    /// If it is not there in time.
    pub fn request(&self, id: &str) -> Value {
        let path = format!("/api/requests/{id}");
        let found =
            || Some(self.operator().get(&path)).filter(|answer| answer.status == 200).map(|answer| answer.json());
        until(&format!("{path} exists"), PATIENCE, found).0
    }

    /// The recorded lines of a project once there are at least `count`.
    ///
    /// # Panics
    /// If they are not there in time.
    pub fn requests_at_least(&self, project: &str, count: usize) -> Vec<Value> {
        let path = format!("/api/requests?project={project}");
        let enough = || Some(self.list(&path)).filter(|rows| rows.len() >= count);
        until(&format!("{project} has {count} recorded requests"), PATIENCE, enough).0
    }

    /// The recorded lines of a project, of which there must be exactly `count` in the end.
    ///
    /// # Panics
    /// If they are not there in time, or there are more.
    pub fn requests(&self, project: &str, count: usize) -> Vec<Value> {
        let rows = self.requests_at_least(project, count);
        assert_eq!(rows.len(), count, "{rows:#?}");
        rows
    }

    /// Waits until no hold is open, and returns the verdict on the books.
    ///
    /// # Panics
    /// If holds stay open.
    pub fn settled(&self) -> Value {
        // On a busy machine the database may be too far behind to be asked at first.
        let caught_up = || Some(self.operator().get("/api/ledger/verify")).filter(|answer| answer.status != 503);
        until("the books can be verified", PATIENCE, caught_up);
        let quiet = || Some(self.verdict()).filter(|verdict| verdict["open_holds"] == 0);
        until("no hold is open", PATIENCE, quiet).0
    }

    /// What `GET /api/ledger/verify` says now.
    ///
    /// # Panics
    /// If it does not answer 200.
    pub fn verdict(&self) -> Value {
        let answer = self.operator().get("/api/ledger/verify");
        assert_eq!(answer.status, 200, "ledger verify: {}", answer.text());
        answer.json()
    }

    /// Sets an environment variable from the next start on, and for commands at once.
    pub fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// What an environment variable is set to.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Takes an environment variable away from the next start on, and from commands at once.
    pub fn unset(&mut self, name: &str) {
        self.settings.retain(|(known, _)| known != name);
    }

    /// Runs the binary's command line beside the server, with the server's settings.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.invocation().args(arguments).output().expect("the gateway's binary runs")
    }

    /// The same, without waiting for its end.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn background(&self, arguments: &[&str]) -> Child {
        let mut command = self.invocation();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the gateway's binary runs")
    }

    /// Ends the process without a chance to tidy up.
    ///
    /// # Panics
    /// If it was not running, or ended by itself before.
    pub fn kill_9(&mut self) {
        let mut process = self.process.take().expect("a running gateway");
        process.kill().expect("it can be killed");
        let status = process.wait().expect("a killed process ends");
        assert_eq!(status.signal(), Some(9), "it ended by itself: {status}\n{}", self.logs());
    }

    /// Lets it write no file beyond this many bytes, or any again with `None`.
    ///
    /// # Panics
    /// If it does not run, or the system does not allow that.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let process = self.process.as_ref().expect("a running gateway");
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(Pid::from_child(process)), Resource::Fsize, limit).expect("a child's limit can be set");
    }

    /// Starts it again on the same data; how long it took to be ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn restart(&mut self) -> Duration {
        assert!(self.process.is_none(), "stop or kill it first");
        let begin = Instant::now();
        self.launch();
        begin.elapsed()
    }

    /// SIGTERM; returns how it ended.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.ended(STOP).0
    }

    /// SIGTERM, without waiting for anything.
    ///
    /// # Panics
    /// If it does not run.
    pub fn terminate(&self) {
        let process = self.process.as_ref().expect("a running gateway");
        kill_process(Pid::from_child(process), Signal::TERM).expect("it can be told to stop");
    }

    /// SIGHUP: it is to read again what can change meanwhile.
    ///
    /// # Panics
    /// If it does not run.
    pub fn hang_up(&self) {
        let process = self.process.as_ref().expect("a running gateway");
        kill_process(Pid::from_child(process), Signal::HUP).expect("it can be told to read again");
    }

    /// Waits for the end of the process; how it ended, and how long that took.
    ///
    /// # Panics
    /// If `patience` ends first.
    pub fn ended(&mut self, patience: Duration) -> (ExitStatus, Duration) {
        let mut process = self.process.take().expect("a running gateway");
        until("it stops after SIGTERM", patience, || process.try_wait().expect("a child can be waited for"))
    }

    fn launch(&mut self) {
        let file = self.data_dir().join("address");
        // A killed gateway leaves it behind; a first start has none.
        drop(fs::remove_file(&file));
        let log = self.open_log();
        let errors = log.try_clone().expect("a file handle can be shared");
        let mut process =
            self.invocation().arg("serve").stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("it starts");
        let logs = || format!("the gateway did not start:\n{}", self.logs());
        let address = until("the gateway wrote its address", PATIENCE, || {
            assert!(process.try_wait().expect("a child can be waited for").is_none(), "{}", logs());
            read_address(&file)
        });
        self.address = address.0;
        self.process = Some(process);
        let ready = || self.anonymous().send("GET", "/ready", b"").ok().filter(|answer| answer.status == 200);
        until("/ready answers 200", PATIENCE, ready);
    }

    // The environment is emptied: a developer's own OPENAI_API_KEY must not register a provider.
    fn invocation(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(&self.home).env_clear().envs(self.settings.iter().cloned());
        command
    }

    fn open_log(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.log_path()).expect("the log can be written")
    }

    fn log_path(&self) -> PathBuf {
        self.home.join("log")
    }

    fn check(&mut self) {
        if self.process.is_some() {
            let verdict = self.settled();
            assert_eq!(verdict["ok"], true, "the books do not balance: {verdict}");
            let status = self.stop();
            assert!(status.success(), "SIGTERM should end it with 0, not {status}:\n{}", self.logs());
        }
        let verify = self.command(&["ledger", "verify"]);
        assert!(verify.status.success(), "ledger verify at rest: {verify:?}");
        let logs = self.logs();
        assert!(!logs.contains("panicked"), "something panicked:\n{logs}");
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.check();
            // Left-overs in the temporary directory harm nobody.
            drop(fs::remove_dir_all(&self.home));
            return;
        }
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
        eprintln!("the gateway's directory is kept: {}\n--- its log ---\n{}", self.home.display(), self.logs());
    }
}

/// Asserts that `answer` is an error in OpenAI's shape with this status, and returns the error.
///
/// # Panics
/// If it is not.
pub fn openai_error(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    let error = answer.json()["error"].clone();
    let text = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
    assert!(text("message") && text("type"), "no message or type: {error}");
    let has = |name: &str| error.get(name).is_some_and(|value| value.is_null() || value.is_string());
    assert!(has("code") && has("param"), "code and param should be there, if only as null: {error}");
    error
}

fn read_address(file: &Path) -> Option<SocketAddr> {
    fs::read_to_string(file).ok()?.trim().trim_start_matches("http://").parse().ok()
}

fn secret() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    STANDARD.encode(bytes)
}

fn fresh_directory() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("farthing-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    // A left-over of a process that had the same id.
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).expect("the temporary directory can be written");
    path
}

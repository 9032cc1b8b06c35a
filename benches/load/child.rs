//! The processes of a run: this program in another role, and the proxies.
//! Owns each child and ends it when dropped, so that a failed run leaves nothing behind. Ends no other process.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::fault::Fault;
use crate::plan::Plan;
use crate::report::Report;

/// How long a child may take to end after it was asked to.
const FAREWELL: Duration = Duration::from_secs(20);
const GLANCE: Duration = Duration::from_millis(10);

/// A process that ends with this value: asked first, then made to.
pub(crate) struct Owned(Child);

impl Owned {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Fault> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.spawn().map(Self).map_err(|error| Fault::Setup(format!("cannot start {name}: {error}")))
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has not ended yet.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    fn ask_to_end(&self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).ok();
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.ask_to_end();
        let mut waited = Duration::ZERO;
        while self.lives() && waited < FAREWELL {
            std::thread::sleep(GLANCE);
            waited = waited.saturating_add(GLANCE);
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// This program in another role, which has written its first line. It ends when its input closes.
pub(crate) struct Part {
    _process: Owned,
    _input: Option<ChildStdin>,
    /// The line it wrote.
    pub(crate) line: String,
}

impl Part {
    /// Starts the role and waits for its first line.
    pub(crate) fn start(role: &str, plan: Option<&Plan>) -> Result<Self, Fault> {
        let mut command = Command::new(std::env::current_exe().map_err(Fault::io("own program"))?);
        command.args(["--role", role]).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(plan) = plan {
            command.arg("--plan").arg(serde_json::to_string(plan).map_err(|error| Fault::Setup(error.to_string()))?);
        }
        let mut process = Owned::start(&mut command)?;
        let (input, output) = (process.0.stdin.take(), process.0.stdout.take());
        let mut line = String::new();
        let output = output.ok_or(Fault::Cut)?;
        BufReader::new(output).read_line(&mut line).map_err(Fault::io("own program"))?;
        match line.trim() {
            "" => Err(Fault::Setup(format!("the {role} process ended early"))),
            line => Ok(Self { line: line.to_owned(), _process: process, _input: input }),
        }
    }
}

/// Runs a plan in a load generator of its own.
pub(crate) fn run_load(plan: &Plan) -> Result<Report, Fault> {
    let part = Part::start("load", Some(plan))?;
    serde_json::from_str(&part.line).map_err(|error| Fault::Setup(format!("the report is not readable: {error}")))
}

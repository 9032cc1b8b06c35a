//! The release binary, served from a folder of its own, and what is set up in it through `/api`.
//! Owns the process and the folder: both end with the run.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use farthing_support::http::{Answer, Client};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::Fault;

const PATIENCE: Duration = Duration::from_secs(600);
const GLANCE: Duration = Duration::from_millis(10);
const PROVIDERS: usize = 3;
const MODELS: usize = 10;
const PROJECTS: usize = 20;
const KEYS: usize = 200;

/// A gateway, running or not.
pub(crate) struct Gateway {
    folder: PathBuf,
    secrets: [String; 3],
    process: Option<Child>,
    kept: bool,
    address: Option<SocketAddr>,
    /// What an application calls with.
    key: String,
}

impl Gateway {
    /// A folder, and nothing in it.
    pub(crate) fn new() -> Result<Self, Fault> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("scale-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            secrets: [secret()?, secret()?, secret()?],
            process: None,
            kept: false,
            address: None,
            key: String::new(),
        })
    }

    /// Serves, and says how long it took until it was ready.
    pub(crate) fn start(&mut self) -> Result<Duration, Fault> {
        let begun = Instant::now();
        let log = fs::File::create(self.folder.join("log"))?;
        let data = self.folder.join("data");
        fs::remove_file(data.join("address")).ok();
        let mut command = Command::new(env!("CARGO_BIN_EXE_farthing"));
        command.arg("serve").current_dir(&self.folder).env_clear().env("FARTHING__SERVER__LISTEN", "127.0.0.1:0");
        command.env("FARTHING__DATA_DIR", &data).env("FARTHING__CATALOGUE__URL", "");
        command.env("FARTHING__DATABASE__URL", format!("sqlite://{}", self.database().display()));
        for (name, secret) in ["SESSION_SECRET", "MASTER_ENCRYPTION_KEY", "MANAGEMENT_TOKEN"].iter().zip(&self.secrets)
        {
            command.env(name, secret);
        }
        self.process = Some(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
        while begun.elapsed() < PATIENCE {
            let written = fs::read_to_string(data.join("address")).unwrap_or_default();
            self.address = written.trim().parse().ok();
            let ready =
                |address| Client::new(address).send("GET", "/ready", b"").is_ok_and(|answer| answer.status == 200);
            if self.address.is_some_and(ready) {
                return Ok(begun.elapsed());
            }
            std::thread::sleep(GLANCE);
        }
        Err(format!("farthing does not serve:\n{}", fs::read_to_string(self.folder.join("log"))?).into())
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if let Some(pid) = i32::try_from(process.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).ok();
        }
        process.wait().ok();
    }

    /// Leaves the folder when the run ends.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }

    /// Its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("data/farthing.db")
    }

    /// Removes the journal of a gateway that is stopped: everything in it is in the database.
    pub(crate) fn forget_journal(&self) -> Result<(), Fault> {
        Ok(fs::remove_dir_all(self.folder.join("data/journal"))?)
    }

    /// The answer to the operator's question.
    pub(crate) fn get(&self, path: &str) -> Result<Answer, Fault> {
        Ok(self.operator()?.send("GET", path, b"")?)
    }

    /// The page as somebody sees it who is signed in with `cookie`.
    pub(crate) fn page(&self, path: &str, cookie: &str) -> Result<Answer, Fault> {
        let address = self.address.ok_or("it is not running")?;
        Ok(Client::new(address).with("cookie", cookie).send("GET", path, b"")?)
    }

    /// An application.
    pub(crate) fn application(&self) -> Result<Client, Fault> {
        Ok(Client::new(self.address.ok_or("it is not running")?).bearer(&self.key))
    }

    /// Signs in with the management token; the cookie.
    pub(crate) fn sign_in(&self) -> Result<String, Fault> {
        let address = self.address.ok_or("it is not running")?;
        let [.., token] = &self.secrets;
        let answer = Client::new(address).post("/api/session", &json!({ "management_token": token }));
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        Ok(cookie.ok_or_else(|| format!("no session: {}", answer.text()))?.to_owned())
    }

    /// Providers, models, projects and keys, as an operator makes them.
    pub(crate) fn set_up(&mut self) -> Result<(), Fault> {
        let prices = json!({"input_cost_per_m": "0.15", "output_cost_per_m": "0.60"});
        for n in 0..PROVIDERS {
            self.create("/api/providers", &json!({"name": format!("provider-{n}"), "kind": "sandbox"}))?;
        }
        for n in 0..MODELS {
            let (name, provider) = (format!("model-{n}"), format!("provider-{}", n % PROVIDERS));
            let model = json!({"name": name, "provider": provider, "upstream_model": name, "prices": prices});
            self.create("/api/models", &model)?;
        }
        let budget = json!({"limit_usd": "1000000", "window": "month", "time_zone": "UTC"});
        for n in 0..PROJECTS {
            let project = json!({"name": format!("project-{n}"), "allowed_models": ["*"], "budget": budget});
            self.create("/api/projects", &project)?;
        }
        for n in 0..KEYS {
            let key = json!({"project": format!("project-{}", n % PROJECTS), "name": format!("key-{n}")});
            let made = self.create("/api/keys", &key)?;
            self.key = made.get("key").and_then(Value::as_str).ok_or("a key without a secret")?.to_owned();
        }
        Ok(())
    }

    /// The answer to what the operator sends, whatever it is.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Answer, Fault> {
        Ok(self.operator()?.send("POST", path, body.to_string().as_bytes())?)
    }

    fn operator(&self) -> Result<Client, Fault> {
        let [.., token] = &self.secrets;
        Ok(Client::new(self.address.ok_or("it is not running")?).bearer(token))
    }

    fn create(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        let answer = self.operator()?.send("POST", path, body.to_string().as_bytes())?;
        if answer.status == 201 { Ok(answer.json()) } else { Err(format!("{path}: {}", answer.text()).into()) }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
        if !self.kept {
            fs::remove_dir_all(&self.folder).ok();
        }
    }
}

/// 32 random bytes in base64.
fn secret() -> Result<String, Fault> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(STANDARD.encode(bytes))
}

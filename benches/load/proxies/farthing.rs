//! Farthing as its users run it: the release binary, `serve`, set up through `/api` with everything on: a key, limits on
//! requests, tokens and concurrency, a hard budget, prices, the durable ledger. Limits are set so high that none refuses.
//! Owns the setting up. Refuses shortcuts: no call the contract does not name.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Kind, Running};
use crate::child::Owned;
use crate::fault::Fault;
use crate::plan::{MODEL, post};
use crate::scratch::Scratch;
use crate::wire::Wire;

const PATIENCE: u32 = 3_000;
const GLANCE: Duration = Duration::from_millis(10);

/// Starts Farthing in front of `upstream` and makes a key.
pub(super) async fn start(upstream: SocketAddr) -> Result<Running, Fault> {
    let scratch = Scratch::make("farthing")?;
    let token = secret()?;
    let mut process = serve(scratch.path(), &token)?;
    let address = await_address(&mut process, scratch.path()).await?;
    let key = set_up(address, upstream, &token).await?;
    Ok(Running { kind: Kind::Farthing, address, key, process: Some(process), _scratch: Some(scratch) })
}

/// An environment of its own: a provider's key in the caller's would register that provider.
fn serve(folder: &Path, token: &str) -> Result<Owned, Fault> {
    let log = std::fs::File::create(folder.join("log")).map_err(Fault::io("farthing's log"))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_farthing"));
    command.arg("serve").current_dir(folder).env_clear();
    command.env("FARTHING__SERVER__LISTEN", "127.0.0.1:0").env("FARTHING__DATA_DIR", folder.join("data"));
    command.env("FARTHING__CATALOGUE__URL", "");
    command.env("FARTHING__DATABASE__URL", format!("sqlite://{}", folder.join("data/farthing.db").display()));
    command.env("SESSION_SECRET", secret()?).env("MASTER_ENCRYPTION_KEY", secret()?).env("MANAGEMENT_TOKEN", token);
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(Fault::io("farthing's log"))?).stderr(log);
    Owned::start(&mut command)
}

/// 32 random bytes in base64.
fn secret() -> Result<String, Fault> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Fault::Setup(format!("no random bytes: {error}")))?;
    Ok(STANDARD.encode(bytes))
}

async fn await_address(process: &mut Owned, folder: &Path) -> Result<SocketAddr, Fault> {
    for _ in 0..PATIENCE {
        let written = std::fs::read_to_string(folder.join("data/address")).unwrap_or_default();
        if let Ok(address) = written.trim().parse() {
            return Ok(address);
        }
        if !process.lives() {
            break;
        }
        tokio::time::sleep(GLANCE).await;
    }
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    Err(Fault::Setup(format!("farthing does not serve; its log says:\n{log}")))
}

async fn set_up(address: SocketAddr, upstream: SocketAddr, token: &str) -> Result<String, Fault> {
    let mut api = Api { wire: Wire::open(address).await?, address, token };
    api.create("/api/providers", &provider(upstream)).await?;
    api.create("/api/models", &model()).await?;
    api.create("/api/projects", &project()).await?;
    let key = api.create("/api/keys", &json!({"project": "bench", "name": "bench", "expires_in_days": 1})).await?;
    let text = key.get("key").and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| Fault::Setup(format!("no key in the answer of /api/keys: {key}")))
}

fn provider(upstream: SocketAddr) -> Value {
    json!({
        "name": "mock", "kind": "openai_compatible", "base_url": format!("http://{upstream}/v1"), "api_key": "sk-mock",
        "allow_private_network": true, "enabled": true,
    })
}

fn model() -> Value {
    json!({
        "name": MODEL, "provider": "mock", "upstream_model": MODEL,
        "max_output_tokens": 16_384, "context_window": 128_000,
        "prices": {"input_cost_per_m": "0.15", "output_cost_per_m": "0.60", "cache_read_cost_per_m": "0.075"},
    })
}

fn project() -> Value {
    json!({
        "name": "bench",
        "budget": {"limit_usd": "1000000.00", "window": "month", "time_zone": "UTC"},
        "limits": {"rpm": 1_000_000_000, "tpm": 1_000_000_000_000_u64, "concurrency": 100_000},
        "allowed_models": ["*"],
    })
}

/// The management API, as an operator's script would call it.
struct Api<'a> {
    wire: Wire,
    address: SocketAddr,
    token: &'a str,
}

impl Api<'_> {
    async fn create(&mut self, path: &str, body: &Value) -> Result<Value, Fault> {
        let mut answer = Vec::new();
        self.wire.send(&post(path, self.address, self.token, &body.to_string())).await?;
        let head = self.wire.message(&mut answer).await?.ok_or(Fault::Cut)?;
        match serde_json::from_slice(&answer) {
            Ok(value) if head.status == 201 => Ok(value),
            _ => {
                let text = String::from_utf8_lossy(&answer);
                Err(Fault::Setup(format!("{path} answered {} instead of 201: {text}", head.status)))
            }
        }
    }
}

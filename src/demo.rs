//! The demo: a gateway with the sandbox provider, one project with a budget, one ready key and a little live traffic,
//! in a directory that is removed afterwards. Owns the first five minutes; refuses to be reachable from elsewhere.

mod setup;
mod traffic;

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use farthing_actors::domain::{RequestId, Secret};

use crate::app::{AppError, Running, failed};
use crate::config::{Config, Secrets};

/// Runs the demo until Ctrl-C, then prints requests, spend and whether the books balance.
///
/// # Errors
/// Which part could not start or stop.
pub fn run(listen: SocketAddr) -> Result<(), AppError> {
    actix::System::new().block_on(async {
        let directory = Scratch::new()?;
        let secrets = Secrets::generate().map_err(failed("randomness"))?;
        let management_token = secrets.management_token.clone();
        let mut config = Config::new(directory.0.clone(), secrets);
        config.server.listen = listen;
        // It shows itself off without the network.
        config.catalogue.url = None;
        let running = Running::start(config, None).await?;
        let issued = setup::sandbox_project(&running.gateway.admin).await.map_err(failed("demo"))?;
        say(&greeting(running.address, &management_token, &issued.secret));
        traffic::begin(&running, Arc::clone(&issued.key));
        running.until_told(farewell).await
    })
}

/// What the last word is: requests, spend, and the result of the verification.
async fn farewell(running: &Running) -> Result<(), AppError> {
    let verdict = running.gateway.admin.books().verify().await.map_err(failed("ledger verify"))?;
    let spent = setup::spent(&running.gateway.admin).await.map_err(failed("ledger"))?;
    let balance = if verdict.is_ok() { "books balance" } else { "THE BOOKS DO NOT BALANCE" };
    say(&format!("\n{} requests, ${spent} spent, ledger verify: {balance}\n", verdict.requests));
    Ok(())
}

fn greeting(address: SocketAddr, token: &Secret, key: &Secret) -> String {
    let (token, key) = (token.expose(), key.expose());
    format!(
        r#"Farthing is listening. Everything here is made up and gone when you stop it.

  gateway     http://{address}
  dashboard   http://{address}/
  sign in     {token}   (the management token)
  key         {key}   (project "demo", $5.00 a day)

Ask it something:

  curl http://{address}/v1/chat/completions -H "Authorization: Bearer {key}" -H "Content-Type: application/json" -d '{{"model":"sandbox","messages":[{{"role":"user","content":"Hello"}}]}}'

Add "stream":true inside the braces and the answer comes as it is written. See what it cost:

  FARTHING_URL=http://{address} MANAGEMENT_TOKEN={token} farthing requests list

Ctrl-C stops it.
"#
    )
}

/// A terminal that is gone needs no words.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// A data directory that is gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, AppError> {
        let path = std::env::temp_dir().join(format!("farthing-demo-{}", RequestId::generate()));
        fs::create_dir_all(&path).map_err(failed("data directory"))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's own temporary directory.
        drop(fs::remove_dir_all(&self.0));
    }
}

//! nginx as reverse proxy: two workers, keep-alive on both sides, nothing buffered, nothing logged.
//! Owns its configuration and its installation when it is absent. Refuses to touch an nginx that already runs.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Kind, Running, any_key, free_address};
use crate::child::Owned;
use crate::fault::Fault;
use crate::scratch::Scratch;
use crate::table::say;
use crate::wire::Wire;

/// Debian keeps it in a folder that is not in everybody's PATH.
const PROGRAMS: [&str; 2] = ["nginx", "/usr/sbin/nginx"];

const PATIENCE: u32 = 500;
const GLANCE: Duration = Duration::from_millis(10);

/// Starts nginx in front of `upstream`, installing it first if need be.
pub(super) async fn start(upstream: SocketAddr) -> Result<Running, Fault> {
    let program = match installed() {
        Some(program) => program,
        None => install()?,
    };
    let scratch = Scratch::make("nginx")?;
    let address = free_address()?;
    let config = scratch.path().join("nginx.conf");
    std::fs::write(&config, configuration(scratch.path(), address, upstream)).map_err(Fault::io("nginx.conf"))?;
    let mut command = Command::new(program);
    command.arg("-p").arg(scratch.path()).arg("-e").arg("error.log").arg("-c").arg(&config);
    let mut process = Owned::start(command.stdin(Stdio::null()))?;
    await_listener(&mut process, address, scratch.path()).await?;
    Ok(Running { kind: Kind::Nginx, address, key: any_key(), process: Some(process), _scratch: Some(scratch) })
}

fn installed() -> Option<&'static str> {
    let answers = |program: &&str| Command::new(program).arg("-v").stderr(Stdio::null()).status().is_ok();
    PROGRAMS.into_iter().find(answers)
}

/// `RUNLEVEL=1` keeps the package from starting a web server of its own.
fn install() -> Result<&'static str, Fault> {
    say("nginx is absent: installing it with apt-get install nginx")?;
    let mut command = Command::new("apt-get");
    command.args(["install", "--yes", "--quiet", "--no-install-recommends", "nginx"]);
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").stdin(Stdio::null()).stdout(Stdio::null());
    let outcome = command.status().map_err(Fault::io("apt-get"))?;
    installed().filter(|_| outcome.success()).ok_or_else(|| {
        Fault::Setup("nginx could not be installed; install it, or leave it out with --proxies direct,farthing".into())
    })
}

async fn await_listener(process: &mut Owned, address: SocketAddr, folder: &Path) -> Result<(), Fault> {
    for _ in 0..PATIENCE {
        if Wire::open(address).await.is_ok() {
            return Ok(());
        }
        if !process.lives() {
            break;
        }
        tokio::time::sleep(GLANCE).await;
    }
    let log = std::fs::read_to_string(folder.join("error.log")).unwrap_or_default();
    Err(Fault::Setup(format!("nginx does not listen on {address}: {log}")))
}

fn configuration(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  upstream mock {{
    server {upstream};
    keepalive 1024;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {address};
    location / {{
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }}
  }}
}}
"
    )
}

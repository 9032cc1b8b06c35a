//! `farthing init`: writes a commented `farthing.toml` and a `.env` with new secrets, and tells the link that makes the first
//! owner. Owns both files' making.
//! Refuses to overwrite; with `--force` the old files are kept beside the new, for they hold the only copy of a key.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::error::CliError;
use super::output::Reply;
use crate::config::{Config, DOTENV_NAME, FILE_NAME, Secrets, Sources, template};
use crate::security::set_up_code;

/// Files that hold secrets are for their owner alone.
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;
const PRIVATE_DIR: u32 = 0o700;
/// Stands for an address that the system chooses.
const UNKNOWN: &str = "ADDRESS";

/// Write a commented farthing.toml and a .env with new secrets
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where to write them; made if absent
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Write new files even if there are some; the old ones are kept as .old-1, .old-2, …
    #[arg(long)]
    force: bool,
}

impl Init {
    /// `sources` are those of the process: what the environment sets goes before the new file.
    pub(super) fn run(&self, sources: &Sources) -> Result<Reply, CliError> {
        let config = self.path(FILE_NAME);
        let dotenv = self.path(DOTENV_NAME);
        let failed = |error| CliError::Failed(format!("the system gives no randomness: {error}"));
        let secrets = Secrets::generate().map_err(failed)?;
        let make = DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(&self.dir);
        make.map_err(CliError::io(format!("cannot make {}", self.dir.display())))?;
        let kept = self.clear([&config, &dotenv])?;
        write_new(&dotenv, PRIVATE, &template::dotenv(&secrets))?;
        write_new(&config, PUBLIC, &template::farthing_toml())?;
        let sources = Sources { config: Some(config.clone()), ..sources.clone() };
        // With a fault, `serve` does not start either; `check` tells all of them.
        let settings = Config::load(&sources).unwrap_or_else(|_| Config::new(PathBuf::from("data"), secrets));
        let link = set_up_link(&settings)?;
        let text = report((&config, &dotenv), &kept, &link) + later(&settings);
        Ok(Reply { json: json!({ "config": config, "env": dotenv, "kept": kept, "set_up": link }), text })
    }

    /// The file in the folder, without `./` before it.
    fn path(&self, name: &str) -> PathBuf {
        if self.dir == Path::new(".") { PathBuf::from(name) } else { self.dir.join(name) }
    }

    /// Sees that neither file is in the way: moves it aside, or refuses before anything is written.
    fn clear(&self, files: [&Path; 2]) -> Result<Vec<PathBuf>, CliError> {
        let there: Vec<_> = files.into_iter().filter(|path| path.symlink_metadata().is_ok()).collect();
        match there.first() {
            Some(path) if !self.force => Err(in_the_way(path)),
            _ => there.into_iter().map(move_aside).collect(),
        }
    }
}

fn in_the_way(path: &Path) -> CliError {
    let path = path.display();
    CliError::Failed(format!("{path} is there already; --force writes a new one and keeps the old beside it"))
}

fn move_aside(path: &Path) -> Result<PathBuf, CliError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let free = |number: &u32| path.with_file_name(format!("{name}.old-{number}")).symlink_metadata().is_err();
    let number = (1..=u32::MAX).find(free).unwrap_or(u32::MAX);
    let kept = path.with_file_name(format!("{name}.old-{number}"));
    fs::rename(path, &kept).map_err(CliError::io(format!("cannot move {} aside", path.display())))?;
    Ok(kept)
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), CliError> {
    let failed = CliError::io(format!("cannot write {}", path.display()));
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())).map_err(failed)
}

/// Where the first owner is made. The code is behind a `#`, which browsers keep to themselves: no log on the way has it.
fn set_up_link(settings: &Config) -> Result<String, CliError> {
    let code = set_up_code(&settings.secrets.session_secret).map_err(|error| CliError::Failed(error.to_string()))?;
    Ok(format!("{}/set-up#{}", origin(settings), code.expose()))
}

/// How a browser reaches the dashboard, as far as the settings tell.
fn origin(settings: &Config) -> String {
    let edge = &settings.server.edge;
    if let Some(origin) = &edge.public_origin {
        return origin.clone();
    }
    let scheme = if edge.tls.is_some() { "https" } else { "http" };
    match edge.admin_listen.unwrap_or(settings.server.listen) {
        address if address.port() == 0 => format!("{scheme}://{UNKNOWN}"),
        address => format!("{scheme}://{}", near(address)),
    }
}

/// An address that listens everywhere, as it is reached from this machine.
fn near(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
}

/// What is to be said of a link that cannot be whole yet.
fn later(settings: &Config) -> &'static str {
    if origin(settings).ends_with(UNKNOWN) { "  (ADDRESS is in the file data/address when serve runs)\n" } else { "" }
}

fn report((config, dotenv): (&Path, &Path), kept: &[PathBuf], link: &str) -> String {
    let kept: String = kept.iter().map(|path| format!("kept   {}\n", path.display())).collect();
    let here = config == Path::new(FILE_NAME);
    let flag = if here { String::new() } else { format!(" --config {}", config.display()) };
    let (config, dotenv) = (config.display(), dotenv.display());
    format!(
        "{kept}wrote  {config}\nwrote  {dotenv}  (secrets; for you alone, and worth a backup)\n\nNext:\n  \
         farthing{flag} check\n  farthing{flag} serve\n\nThen make the first owner, in a browser (this link works while there is no \
         account):\n  {link}\n"
    )
}

//! The command line: `farthing` and its commands. Owns the exit codes and the choice between text and JSON.
//! Refuses to do the work itself: offline commands call the composition root, online ones the management API.

mod audit;
mod backup;
mod cache;
mod connection;
mod error;
mod flags;
mod group;
mod http;
mod init;
mod key;
mod ledger;
mod lookup;
mod model;
mod online;
mod output;
mod prices;
mod project;
mod provider;
mod requests;
mod run;
mod secrets;
mod server;
mod session;
mod shadow;
mod system;
mod table;
mod token;
mod usage;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

pub use error::CliError;
pub use http::HttpError;

use crate::config::Sources;
use output::Reply;

const EXIT_CODES: &str = "Exit codes: 0 in order, 1 failed, 2 wrong usage, 3 a check found a fault.";

/// A self-hosted LLM gateway whose books balance.
///
/// Applications talk to it as if it were OpenAI, Anthropic or Gemini; it knows them by their keys, keeps them within
/// their budgets, and writes every fraction of a cent into a ledger that can be proved.
#[derive(Debug, Parser)]
#[command(name = "farthing", version, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Cli {
    /// The configuration file; before FARTHING_CONFIG, which is before ./farthing.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer in JSON, for machines
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve,
    Demo(server::Demo),
    Init(init::Init),
    /// Say whether the configuration is sound, or everything that is wrong with it
    Check,
    /// Bring the database to this version
    Migrate,
    Ledger(ledger::Ledger),
    Audit(audit::Audit),
    Secrets(secrets::Secrets),
    Backup(backup::Backup),
    Restore(backup::Restore),
    User(user::User),
    #[command(flatten)]
    Online(Box<online::Online>),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Parses the arguments of the process, runs the command, and says what went wrong.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; a closed pipe is no reason to complain.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, CliError::FaultsFound) {
                output::complain(&format!("error: {error}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

impl Cli {
    fn run(self) -> Result<(), CliError> {
        let sources = Sources::of_process(self.config.clone());
        match &self.command {
            Command::Serve => server::serve(&sources),
            Command::Demo(demo) => demo.run(),
            Command::Init(init) => self.say(&init.run(&sources)?),
            Command::Check => {
                let (reply, sound) = server::check(&sources)?;
                self.say_and_judge(&reply, sound)
            }
            Command::Migrate => self.say(&server::migrate(&sources)?),
            Command::Ledger(ledger) => {
                let Some((reply, sound)) = ledger.run(&sources)? else { return Ok(()) };
                self.say_and_judge(&reply, sound)
            }
            Command::Audit(audit) => {
                let Some((reply, sound)) = audit.run(&sources)? else { return Ok(()) };
                self.say_and_judge(&reply, sound)
            }
            Command::Secrets(secrets) => self.say(&secrets.run(&sources)?),
            Command::Backup(backup) => {
                let (reply, sound) = backup.run(&sources)?;
                self.say_and_judge(&reply, sound)
            }
            Command::Restore(restore) => self.say(&restore.run(&sources)?),
            Command::User(user) => self.say(&user.run(&sources)?),
            Command::Online(online) => match online.run(&sources, self.json)? {
                Some(reply) => self.say(&reply),
                None => Ok(()),
            },
            Command::Completions { shell } => written(output::print(&completions(*shell))),
        }
    }

    fn say(&self, reply: &Reply) -> Result<(), CliError> {
        written(reply.print(self.json))
    }

    fn say_and_judge(&self, reply: &Reply, sound: bool) -> Result<(), CliError> {
        self.say(reply)?;
        if sound { Ok(()) } else { Err(CliError::FaultsFound) }
    }
}

fn written(outcome: std::io::Result<()>) -> Result<(), CliError> {
    outcome.map_err(CliError::io("cannot write the answer"))
}

fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "farthing", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

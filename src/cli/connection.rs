//! The connection: where the server is, and what opens it. Owns the order in which both are looked for, and how a secret
//! reaches the command line. Refuses secrets as arguments, which every user of the machine can list.

use std::path::{Path, PathBuf};

use clap::Args;
use farthing_actors::domain::Secret;

use super::error::CliError;
use crate::config::secrets::{self, MANAGEMENT_TOKEN};
use crate::config::{Place, Sources, Variable};

const URL_VARIABLE: &str = "FARTHING_URL";
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Where the server is, and what opens it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct Connection {
    /// Where the server is; before FARTHING_URL, which is before http://127.0.0.1:8080
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// A file with the management token; before MANAGEMENT_TOKEN in the environment or in .env
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Connection {
    /// Whether any of it was given as a flag.
    pub(super) fn is_given(&self) -> bool {
        self.url.is_some() || self.token_file.is_some()
    }

    /// The address and the token.
    pub(super) fn resolve(&self, sources: &Sources) -> Result<(String, Secret), CliError> {
        let (variables, _) = sources.variables();
        let url = self.url.clone().or_else(|| Some(variables.get(URL_VARIABLE)?.text.clone()));
        let token = match &self.token_file {
            Some(path) => read_token(path)?,
            None => {
                let variable = variables.get(MANAGEMENT_TOKEN).ok_or_else(no_token)?;
                let found = secrets::resolve(variable, &variables, sources.base());
                found.map_err(|problem| CliError::Failed(format!("{MANAGEMENT_TOKEN}: {}", problem.what)))?.text
            }
        };
        let token = Some(token).filter(|token| !token.is_empty()).ok_or_else(no_token)?;
        Ok((url.unwrap_or_else(|| DEFAULT_URL.to_owned()), Secret::new(token)))
    }
}

fn read_token(path: &Path) -> Result<String, CliError> {
    let text = std::fs::read_to_string(path).map_err(CliError::io(format!("cannot read {}", path.display())))?;
    Ok(text.trim().to_owned())
}

fn no_token() -> CliError {
    CliError::Failed(format!(
        "there is no management token; set {MANAGEMENT_TOKEN} in the environment or in .env, or name a file with --token-file"
    ))
}

/// A secret by where it is: never in the arguments, which every user of the machine can list.
pub(super) fn pointed_secret(text: &str, sources: &Sources) -> Result<Secret, CliError> {
    if !text.starts_with("env:") && !text.starts_with("file:") {
        let hint = "give the key as env:NAME or file:PATH; arguments can be seen by everybody on this machine";
        return Err(CliError::Usage(hint.to_owned()));
    }
    let (variables, _) = sources.variables();
    let variable = Variable { text: text.to_owned(), place: Place::Environment };
    let found = secrets::resolve(&variable, &variables, "".as_ref());
    found.map(|found| Secret::new(found.text)).map_err(|problem| CliError::Failed(format!("the key: {}", problem.what)))
}

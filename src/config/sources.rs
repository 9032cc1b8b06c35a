//! Sources: where settings come from: `farthing.toml`, the `.env` beside it, and the environment, the later over the
//! earlier. Owns finding and reading them, and the only look at the process environment. Refuses to change it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Place, Problem};
use super::setting::key_of;

/// The name looked for in the working directory when no other is given.
pub const FILE_NAME: &str = "farthing.toml";
/// The file of variables beside it.
pub const DOTENV_NAME: &str = ".env";
/// The variable that names the file.
pub const CONFIG_VARIABLE: &str = "FARTHING_CONFIG";

/// Where to read the configuration from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file somebody named; it must exist.
    pub config: Option<PathBuf>,
    /// Where `farthing.toml` and `.env` are looked for when no file is named. Empty means the working directory.
    pub directory: PathBuf,
    /// The environment.
    pub environment: BTreeMap<String, String>,
}

/// A variable and where it was found.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its text.
    pub text: String,
    /// The environment, or the `.env` file.
    pub place: Place,
}

/// The variables of the environment, and below them those of `.env`.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, Variable>);

impl Sources {
    /// The sources of this process. `config` is the file given on the command line, before `FARTHING_CONFIG`.
    pub fn of_process(config: Option<PathBuf>) -> Self {
        let environment = process_environment();
        let named = environment.get(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { config: config.or(named), directory: PathBuf::new(), environment }
    }

    /// Where relative paths start: beside the configuration file.
    pub fn base(&self) -> &Path {
        self.config.as_deref().and_then(Path::parent).unwrap_or(&self.directory)
    }

    /// The configuration file, whether it exists or not.
    pub fn file(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| self.directory.join(FILE_NAME))
    }

    /// A fault of the variable or setting `name`, where it was given.
    pub fn fault(&self, name: &str, problem: Problem) -> Fault {
        let (variables, _) = self.variables();
        let given =
            variables.iter().find(|(variable, _)| *variable == name || key_of(variable).is_some_and(|key| key == name));
        match given {
            Some((variable, found)) => Fault::new(found.place.clone(), variable, problem),
            None if name.contains('.') => Fault::new(Place::File(self.file()), name, problem),
            None => Fault::new(Place::Environment, name, problem),
        }
    }

    /// The text of the configuration file; `None` if none was named and none is there.
    pub(super) fn read_file(&self) -> Result<Option<String>, Fault> {
        let path = self.file();
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound && self.config.is_none() => Ok(None),
            Err(error) => Err(unreadable(path, &error, "name a readable file, or write one with `farthing init`")),
        }
    }

    /// The variables, and a fault for each line of `.env` that is not `NAME=value`: the others still count, so that
    /// everything that is wrong can be said at once.
    pub fn variables(&self) -> (Variables, Vec<Fault>) {
        let mut variables = Variables::default();
        for (name, text) in &self.environment {
            variables.offer(name.clone(), text.clone(), &Place::Environment);
        }
        let faults = self.read_dotenv(&mut variables);
        (variables, faults)
    }

    fn read_dotenv(&self, variables: &mut Variables) -> Vec<Fault> {
        let path = self.base().join(DOTENV_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
            Err(error) => return vec![unreadable(path, &error, "make it readable, or remove it")],
        };
        let place = Place::File(path);
        let mut faults = Vec::new();
        for line in dotenvy::from_read_iter(text.trim_start_matches('\u{feff}').as_bytes()) {
            match line {
                Ok((name, text)) => variables.offer(name, text, &place),
                Err(error) => faults.push(Fault::new(place.clone(), "", bad_line(&text, &error))),
            }
        }
        faults
    }
}

impl Variables {
    /// The variable of this name.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.0.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.0.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    fn offer(&mut self, name: String, text: String, place: &Place) {
        self.0.entry(name).or_insert_with(|| Variable { text, place: place.clone() });
    }
}

fn unreadable(path: PathBuf, error: &std::io::Error, hint: &str) -> Fault {
    Fault::new(Place::File(path), "", Problem::new(format!("cannot be read: {error}"), hint))
}

/// Names the line by its number: the error quotes it, and it may hold a secret.
fn bad_line(text: &str, error: &dotenvy::Error) -> Problem {
    let at = match error {
        dotenvy::Error::LineParse(line, _) => text.lines().position(|candidate| candidate == line.trim_end()),
        _ => None,
    };
    let line = at.map_or_else(|| "a line".to_owned(), |index| format!("line {}", index + 1));
    Problem::new(format!("{line} is not NAME=value"), "put values with spaces, quotes, # or $ in single quotes")
}

/// A variable that is not Unicode cannot be a setting of ours, so it is passed over.
#[expect(clippy::disallowed_methods, reason = "this is the one look at the environment")]
fn process_environment() -> BTreeMap<String, String> {
    let texts = std::env::vars_os().map(|(name, text)| (name.into_string(), text.into_string()));
    texts.filter_map(|pair| Some((pair.0.ok()?, pair.1.ok()?))).collect()
}

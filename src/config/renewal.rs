//! Renewal: a new master key in `.env`, the present one beside it as a previous one. Owns the one place where the program writes
//! into its own settings. Refuses where the key is not in `.env` itself, and to lose a line of what is there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::fault::{Fault, Place, Problem};
use super::secrets::{MASTER_ENCRYPTION_KEY, MASTER_ENCRYPTION_KEY_PREVIOUS, Secrets};
use super::sources::{DOTENV_NAME, Sources};

/// For its owner alone.
const PRIVATE: u32 = 0o600;

const BY_HAND: &str = "set MASTER_ENCRYPTION_KEY to a new key (`openssl rand -base64 32`) and MASTER_ENCRYPTION_KEY_PREVIOUS to the \
                       present one where they are set, then run this again, or restart the server";

/// The right to renew what `.env` holds, for as long as this value lives. Of two who read the file, made a key each and wrote it, one
/// would lose the key of the other, under which everything may be sealed by then. A process that dies gives it back.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "it is held, not used")] File);

impl Turn {
    /// Takes it, before anything of the settings is read.
    ///
    /// # Errors
    /// If somebody else has it, or the folder of `.env` cannot be opened.
    pub fn take(sources: &Sources) -> Result<Self, Fault> {
        let folder = sources.base().to_owned();
        let at = |problem| Fault::new(Place::File(folder.join(DOTENV_NAME)), MASTER_ENCRYPTION_KEY, problem);
        let io =
            |error: io::Error| at(Problem::new(format!("its folder cannot be locked: {error}"), "see to its owner"));
        // The folder, not the file: that is another one after it was written anew.
        let folder = File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { &folder }).map_err(io)?;
        match folder.try_lock() {
            Ok(()) => Ok(Self(folder)),
            Err(TryLockError::WouldBlock) => {
                Err(at(Problem::new("it is being renewed by another command", "wait for its end")))
            }
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

/// Writes a new master key to `.env`. When this returns, the file is on the disk with both keys; before, it is as it was.
///
/// # Errors
/// If the key or the previous ones are set elsewhere, or the file cannot be written.
pub fn renew_master_key(sources: &Sources, _: &Turn) -> Result<(), Fault> {
    let path = sources.base().join(DOTENV_NAME);
    let at = |problem| Fault::new(Place::File(path.clone()), MASTER_ENCRYPTION_KEY, problem);
    let io = |error: io::Error| at(Problem::new(format!("it cannot be written: {error}"), "see to the file's owner"));
    let elsewhere = [MASTER_ENCRYPTION_KEY, MASTER_ENCRYPTION_KEY_PREVIOUS];
    if elsewhere.iter().any(|name| sources.environment.contains_key(*name)) {
        return Err(Fault::new(Place::Environment, MASTER_ENCRYPTION_KEY, Problem::new("it is set there", BY_HAND)));
    }
    let text = fs::read_to_string(&path).map_err(io)?;
    let fresh = Secrets::generate().map_err(|error| at(Problem::new(error.to_string(), "try again")))?;
    let renewed = renewed(&text, fresh.master_encryption_key.expose());
    let renewed = renewed.ok_or_else(|| at(Problem::new("it does not stand there by itself, on one line", BY_HAND)))?;
    write(&path, &renewed).map_err(io)
}

/// The text with `fresh` as the master key, and the one that was as the first of the previous ones.
fn renewed(text: &str, fresh: &str) -> Option<String> {
    let former = value(text, MASTER_ENCRYPTION_KEY).filter(|former| is_item(former))?;
    let earlier = match value(text, MASTER_ENCRYPTION_KEY_PREVIOUS) {
        Some(earlier) => format!(",{earlier}"),
        None if text.contains(MASTER_ENCRYPTION_KEY_PREVIOUS) => return None,
        None => String::new(),
    };
    let previous = quoted(&format!("{former}{earlier}"));
    let line = |line: &str| match line.split_once('=').map(|(name, _)| name) {
        Some(MASTER_ENCRYPTION_KEY) => {
            Some(format!("{MASTER_ENCRYPTION_KEY}={fresh}\n{MASTER_ENCRYPTION_KEY_PREVIOUS}={previous}\n"))
        }
        Some(MASTER_ENCRYPTION_KEY_PREVIOUS) => None,
        _ => Some(format!("{line}\n")),
    };
    Some(text.lines().filter_map(line).collect())
}

/// What stands plainly behind the name on its one line, as it is or in single quotes.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once('=')).filter(|(found, _)| *found == name);
    let (_, value) = lines.next()?;
    let quoted = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let is_sound = quoted.map_or_else(|| is_plain(value), |inside| !inside.contains('\''));
    let value = quoted.unwrap_or(value);
    (is_sound && !value.is_empty() && lines.next().is_none()).then_some(value)
}

/// Whether a value needs no quotes.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=,".contains(&byte))
}

/// Whether a value is itself the key, and still one key in a list.
fn is_item(value: &str) -> bool {
    !value.contains(',') && !value.starts_with("env:") && !value.starts_with("file:")
}

fn quoted(value: &str) -> String {
    if is_plain(value) { value.to_owned() } else { format!("'{value}'") }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE).open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    path.parent().map_or(Ok(()), |folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::File::open(folder)?.sync_all()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_renews_and_each_finds_what_the_other_wrote() {
        let folder = std::env::temp_dir().join(format!("farthing-renewal-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(DOTENV_NAME), "MASTER_ENCRYPTION_KEY=b2xk\n").unwrap();
        let sources = Sources { directory: folder.clone(), ..Sources::default() };
        let turn = Turn::take(&sources).unwrap();
        renew_master_key(&sources, &turn).unwrap();
        let refused = Turn::take(&sources).unwrap_err().to_string();
        assert!(refused.contains("by another command"), "{refused}");
        drop(turn);
        renew_master_key(&sources, &Turn::take(&sources).unwrap()).unwrap();
        let text = fs::read_to_string(folder.join(DOTENV_NAME)).unwrap();
        assert_eq!(text.split_once("PREVIOUS=").unwrap().1.split(',').count(), 2, "no key is lost: {text}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_present_key_becomes_a_previous_one_and_nothing_else_changes() {
        let text = "# mine\nMASTER_ENCRYPTION_KEY=b2xk\nMANAGEMENT_TOKEN='a b'\n";
        let once = "# mine\nMASTER_ENCRYPTION_KEY=bmV3\nMASTER_ENCRYPTION_KEY_PREVIOUS=b2xk\nMANAGEMENT_TOKEN='a b'\n";
        assert_eq!(renewed(text, "bmV3").as_deref(), Some(once));
        let twice = renewed(once, "bmV3ZXI=").unwrap();
        assert!(twice.contains("_KEY=bmV3ZXI=\n") && twice.contains("_PREVIOUS=bmV3,b2xk\n"), "{twice}");
    }

    #[test]
    fn a_passphrase_stays_what_it_was_among_the_previous_ones() {
        let text = "MASTER_ENCRYPTION_KEY='six words, no: six'\n";
        assert_eq!(renewed(text, "bmV3"), None, "a comma would make two of it");
        let text = "MASTER_ENCRYPTION_KEY='six words: $six #6'\nPERSISTENT_ENCRYPTION_SALT=0a0b\n";
        let once = renewed(text, "bmV3").unwrap();
        assert!(once.contains("_PREVIOUS='six words: $six #6'\nPERSISTENT_ENCRYPTION_SALT=0a0b\n"), "{once}");
        let twice = renewed(&once, "bmV3ZXI=").unwrap();
        assert!(twice.contains("_PREVIOUS='bmV3,six words: $six #6'\n"), "{twice}");
    }

    #[test]
    fn what_is_not_plainly_there_is_left_to_its_owner() {
        for text in [
            "MANAGEMENT_TOKEN=x\n",
            "MASTER_ENCRYPTION_KEY=file:key\n",
            "MASTER_ENCRYPTION_KEY=env:KEY\n",
            "MASTER_ENCRYPTION_KEY='file:key'\n",
            "MASTER_ENCRYPTION_KEY='b2'xk'\n",
            "MASTER_ENCRYPTION_KEY=two words\n",
            "MASTER_ENCRYPTION_KEY=b2xk\nMASTER_ENCRYPTION_KEY=b2xk\n",
            "MASTER_ENCRYPTION_KEY=b2xk\nMASTER_ENCRYPTION_KEY_PREVIOUS=file:former\n",
        ] {
            assert_eq!(renewed(text, "bmV3"), None, "{text}");
        }
    }
}

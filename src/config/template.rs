//! The template: the files `farthing init` writes. Owns their text, made from the list of settings.
//! Refuses values of its own: every setting stands there as a comment with its default, so the file changes nothing.

use farthing_actors::domain::Secret;

use super::secrets::{MANAGEMENT_TOKEN, MASTER_ENCRYPTION_KEY, SESSION_SECRET, Secrets};
use super::setting::Setting;

/// The longest line of a comment.
const LINE: usize = 110;

const HEAD: &str = "\
# Farthing's settings. All are optional; each line below shows the default.
# The environment goes before this file: server.listen is FARTHING__SERVER__LISTEN there.
# `farthing check` says whether this file is sound. Secrets belong in .env, not here.
# Relative paths start beside this file.
";

const DOTENV_HEAD: &str = "\
# Farthing's secrets. Keep this file to yourself, never commit it, and keep a copy of it in a safe place:
# without MASTER_ENCRYPTION_KEY the stored provider keys cannot be read again.
# A value may also be env:NAME (another variable) or file:PATH (what a file holds).
";

/// The text of a new `farthing.toml`.
pub fn farthing_toml() -> String {
    let mut text = HEAD.to_owned();
    let mut section = "";
    for setting in super::settings() {
        let (own, _) = setting.split();
        if own != section {
            text.push_str(&format!("\n[{own}]\n"));
            section = own;
        }
        text.push_str(&entry(setting));
    }
    text
}

fn entry(setting: &Setting) -> String {
    let (_, key) = setting.split();
    let unit = if setting.unit.is_empty() { String::new() } else { format!(" ({})", setting.unit) };
    let note = wrapped(setting.note);
    format!("\n{note}# Default: {}{unit}\n#{key} = {}\n", setting.default, setting.example)
}

/// The text as comment lines of a readable length.
fn wrapped(text: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < LINE => line.extend([" ", word]),
            _ => lines.push(format!("# {word}")),
        }
    }
    format!("{}\n", lines.join("\n"))
}

/// The text of a new `.env`.
pub fn dotenv(secrets: &Secrets) -> String {
    let line = |note: &str, name: &str, secret: &Secret| format!("\n# {note}\n{name}={}\n", secret.expose());
    [
        DOTENV_HEAD.to_owned(),
        line("Signs operators' sessions.", SESSION_SECRET, &secrets.session_secret),
        line(
            "Encrypts provider keys: 32 bytes in base64, or a passphrase beside PERSISTENT_ENCRYPTION_SALT.",
            MASTER_ENCRYPTION_KEY,
            &secrets.master_encryption_key,
        ),
        line("Opens the management API and the command line.", MANAGEMENT_TOKEN, &secrets.management_token),
    ]
    .concat()
}

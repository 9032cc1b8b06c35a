//! The code by which the first owner is made. Owns its derivation from the session secret, so that `farthing init` can tell it
//! before there is a database, and nothing has to be kept. Refuses to say whether it is still good: that is whether there is
//! an account.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farthing_actors::domain::Secret;

use super::SecurityError;
use super::subkeys::{Label, MacKey, Subkeys};

const FIRST_OWNER: &[u8] = b"first owner";
/// Half of the tag: nobody guesses 128 bits, and a person may have to copy it.
const BYTES: usize = 16;

/// The code of a new installation with this session secret.
///
/// # Errors
/// If its key cannot be derived.
pub fn set_up_code(session_secret: &Secret) -> Result<Secret, SecurityError> {
    let key = SetUp::new(&Subkeys::of(session_secret.expose().as_bytes()))?;
    Ok(Secret::new(key.code()))
}

/// Recognises the code.
pub(super) struct SetUp(MacKey);

impl SetUp {
    pub(super) fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        Ok(Self(session.mac(Label::SET_UP)?))
    }

    pub(super) fn admits(&self, presented: &str) -> bool {
        // Both are tagged once more, so that time does not tell how much of it is right.
        self.0.verifies(presented.as_bytes(), &self.0.tag(self.code().as_bytes()))
    }

    fn code(&self) -> String {
        let tag = self.0.tag(FIRST_OWNER);
        URL_SAFE_NO_PAD.encode(tag.get(..BYTES).unwrap_or(&tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(secret: &str) -> SetUp {
        SetUp::new(&Subkeys::of(secret.as_bytes())).unwrap()
    }

    #[test]
    fn the_code_is_its_secrets_alone_and_every_character_counts() {
        let code = set_up_code(&Secret::new("one")).unwrap();
        let code = code.expose();
        assert!(of("one").admits(code) && code.len() == 22, "{code}");
        assert!(!of("two").admits(code));
        for at in 0..code.len() {
            let mut wrong = code.to_owned().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            assert!(!of("one").admits(&String::from_utf8(wrong).unwrap()), "character {at}");
        }
        for wrong in ["", " ", code.split_at(1).1, &format!("{code} ")] {
            assert!(!of("one").admits(wrong), "{wrong:?}");
        }
    }
}

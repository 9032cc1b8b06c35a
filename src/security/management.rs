//! Management: whether a presented bearer is the `MANAGEMENT_TOKEN`.
//! Owns the comparison, over keyed hashes, so that time tells neither length nor first difference.
//! Refuses to keep the token itself.

use farthing_actors::domain::Secret;

use super::SecurityError;
use super::subkeys::{Label, MacKey, Subkeys};

/// The token, as the hash it is compared by.
pub(super) struct Management {
    mac: MacKey,
    expected: [u8; 32],
}

impl Management {
    pub(super) fn new(master: &Subkeys, token: &Secret) -> Result<Self, SecurityError> {
        let mac = master.mac(Label::MANAGEMENT)?;
        let expected = mac.tag(token.expose().as_bytes());
        Ok(Self { mac, expected })
    }

    /// Whether this is the token.
    pub(super) fn admits(&self, presented: &str) -> bool {
        self.mac.verifies(presented.as_bytes(), &self.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_admitted() {
        let token = Secret::new("fedcba9876543210");
        let management = Management::new(&Subkeys::of(&[7; 32]), &token).unwrap();
        assert!(management.admits("fedcba9876543210"));
        for wrong in ["", "fedcba987654321", "fedcba98765432100", "Fedcba9876543210", "fedcba9876543210 "] {
            assert!(!management.admits(wrong), "{wrong:?}");
        }
    }
}

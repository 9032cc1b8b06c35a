//! Management: whether a presented bearer is the `MANAGEMENT_TOKEN`.
//! Owns the comparison, over keyed hashes, so that time tells neither length nor first difference.
//! Refuses to keep the token itself.

use farthing_actors::domain::Secret;
use farthing_actors::sessions::TokenMark;

use super::SecurityError;
use super::subkeys::{Label, MacKey, Subkeys};

/// The token, as the hash it is compared by.
pub(super) struct Management {
    mac: MacKey,
    /// The token's, and that of the one before where there is one.
    expected: Vec<[u8; 32]>,
}

impl Management {
    pub(super) fn new(master: &Subkeys, token: &Secret, former: Option<&Secret>) -> Result<Self, SecurityError> {
        let mac = master.mac(Label::MANAGEMENT)?;
        let expected = std::iter::once(token).chain(former).map(|token| mac.tag(token.expose().as_bytes())).collect();
        Ok(Self { mac, expected })
    }

    /// Whether this is the token.
    pub(super) fn admits(&self, presented: &str) -> bool {
        // Both, whichever it is: time tells nothing.
        let verifies = |expected| self.mac.verifies(presented.as_bytes(), expected);
        self.expected.iter().fold(false, |found, expected| found | verifies(expected))
    }
}

/// Tells management tokens apart, so that a session can say which one opened it.
pub(super) struct Marks(MacKey);

impl Marks {
    pub(super) fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        Ok(Self(session.mac(Label::TOKEN_MARKS)?))
    }

    /// What a token is known by: too little to guess it from.
    pub(super) fn of(&self, token: &str) -> TokenMark {
        let [a, b, c, d, e, f, g, h, ..] = self.0.tag(token.as_bytes());
        [a, b, c, d, e, f, g, h]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_admitted() {
        let token = Secret::new("fedcba9876543210");
        let management = Management::new(&Subkeys::of(&[7; 32]), &token, None).unwrap();
        assert!(management.admits("fedcba9876543210"));
        for wrong in ["", "fedcba987654321", "fedcba98765432100", "Fedcba9876543210", "fedcba9876543210 "] {
            assert!(!management.admits(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn the_one_before_is_admitted_where_it_is_given() {
        let (now, before) = (Secret::new("fedcba9876543210"), Secret::new("0123456789abcdef"));
        let management = Management::new(&Subkeys::of(&[7; 32]), &now, Some(&before)).unwrap();
        assert!(management.admits("fedcba9876543210") && management.admits("0123456789abcdef"));
        assert!(!management.admits("0123456789abcdee"));
    }
}

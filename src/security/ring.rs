//! The key ring: the master key everything is sealed under now, and former ones, which still open what they sealed.
//! Owns how a master key is known (by its id) and recognised (by its check value). Refuses to seal under a former one.

use std::fmt;

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::KeyInit;
use zeroize::Zeroizing;

use super::SecurityError;
use super::subkeys::{Label, MacKey, Subkeys};
use super::vault::Purpose;

/// Names a master key: enough to tell a few apart; no secret and no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MasterId(pub [u8; 8]);

impl MasterId {
    /// How the id in these stored bytes is shown.
    pub fn shown(stored: &[u8]) -> String {
        stored.try_into().map_or_else(|_| "of a damaged id".to_owned(), |id| Self(id).to_string())
    }
}

/// Half of it: what people compare.
impl fmt::Display for MasterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How a stored check value stands to a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is the present master key's.
    Present,
    /// It is a former one's: what it sealed is to be sealed anew.
    Former,
    /// It is no key's of this ring.
    Unknown,
}

/// What one master key is used for.
pub(super) struct Master {
    pub(super) id: MasterId,
    pub(super) subkeys: Subkeys,
    check_value: [u8; 32],
    backups: MacKey,
    ciphers: [(Purpose, XChaCha20Poly1305); 3],
}

/// The master keys of this process.
pub struct KeyRing {
    present: Master,
    former: Vec<Master>,
}

impl Master {
    fn of(secret: &[u8; 32]) -> Result<Self, SecurityError> {
        let subkeys = Subkeys::of(secret);
        let cipher = |purpose: Purpose| {
            let key = subkeys.derive::<32>(purpose.label())?;
            Ok::<_, SecurityError>((purpose, XChaCha20Poly1305::new((&*key).into())))
        };
        Ok(Self {
            id: MasterId(*subkeys.derive(Label::MASTER_KEY_ID)?),
            backups: subkeys.mac(Label::BACKUPS)?,
            check_value: subkeys.mac(Label::CHECK)?.tag(b"farthing"),
            ciphers: [cipher(Purpose::ProviderKeys)?, cipher(Purpose::KeptAnswers)?, cipher(Purpose::KeptKeys)?],
            subkeys,
        })
    }

    /// The cipher for one purpose; `None` never, since there is one for each.
    pub(super) fn cipher(&self, wanted: Purpose) -> Option<&XChaCha20Poly1305> {
        self.ciphers.iter().find(|(purpose, _)| *purpose == wanted).map(|(_, cipher)| cipher)
    }
}

impl KeyRing {
    /// The ring of these secrets; a former one that is the present one counts once.
    ///
    /// # Errors
    /// If a sub-key cannot be derived.
    pub fn new(present: &[u8; 32], former: &[Zeroizing<[u8; 32]>]) -> Result<Self, SecurityError> {
        let former = former.iter().filter(|secret| ***secret != *present).map(|secret| Master::of(secret));
        Ok(Self { present: Master::of(present)?, former: former.collect::<Result<_, _>>()? })
    }

    /// The id of the key everything is sealed under from now on.
    pub fn id(&self) -> MasterId {
        self.present.id
    }

    /// The ids of those that only open.
    pub fn former_ids(&self) -> Vec<MasterId> {
        self.former.iter().map(|master| master.id).collect()
    }

    /// A value that depends on the present master key and reveals nothing about it: stored, and compared at every start, so
    /// that a wrong master key is noticed before the first provider key fails to open.
    pub fn check_value(&self) -> [u8; 32] {
        self.present.check_value
    }

    /// Whose check value this is.
    pub fn standing(&self, check_value: &[u8]) -> Standing {
        if self.present.check_value == check_value {
            Standing::Present
        } else if self.former.iter().any(|master| master.check_value == check_value) {
            Standing::Former
        } else {
            Standing::Unknown
        }
    }

    /// The mac of a backup's manifest under the key with this id; `None` if it is not here.
    pub fn backup_mac(&self, stored: &[u8], text: &[u8]) -> Option<[u8; 32]> {
        self.all().find(|master| master.id.0 == stored).map(|master| master.backups.tag(text))
    }

    /// Whether the key with the id in these stored bytes is here.
    pub fn knows(&self, stored: &[u8]) -> bool {
        self.all().any(|master| master.id.0 == stored)
    }

    pub(super) fn present(&self) -> &Master {
        &self.present
    }

    /// The key with this id.
    pub(super) fn named(&self, id: MasterId) -> Option<&Master> {
        self.all().find(|master| master.id == id)
    }

    fn all(&self) -> impl Iterator<Item = &Master> {
        std::iter::once(&self.present).chain(&self.former)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} and {} former)", self.id(), self.former.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(present: u8, former: &[u8]) -> KeyRing {
        let former: Vec<_> = former.iter().map(|byte| Zeroizing::new([*byte; 32])).collect();
        KeyRing::new(&[present; 32], &former).unwrap()
    }

    #[test]
    fn a_check_value_tells_the_present_key_from_former_and_strange_ones() {
        let now = ring(9, &[7, 8]);
        for (key, standing) in
            [(9, Standing::Present), (7, Standing::Former), (8, Standing::Former), (6, Standing::Unknown)]
        {
            assert_eq!(now.standing(&ring(key, &[]).check_value()), standing, "{key}");
        }
        assert_eq!(now.standing(&[]), Standing::Unknown);
    }

    #[test]
    fn a_ring_knows_its_keys_by_their_ids() {
        let now = ring(9, &[7]);
        assert!(now.knows(&ring(7, &[]).id().0) && now.knows(&now.id().0));
        assert!(!now.knows(&ring(8, &[]).id().0) && !now.knows(b"damaged"));
        assert_eq!(ring(7, &[7]).former_ids(), [], "the present one counts once");
    }

    #[test]
    fn ids_are_eight_characters_and_nothing_of_the_key_is_shown() {
        let ring = ring(7, &[8]);
        assert_eq!(ring.id().to_string().len(), 8);
        assert_eq!(format!("{ring:?}"), format!("KeyRing({} and 1 former)", ring.id()));
    }
}

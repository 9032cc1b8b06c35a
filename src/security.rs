//! Security: the one façade that seals and opens provider keys and kept answers, makes and recognises virtual keys, and issues and
//! checks management credentials. Owns every derived key; its secrets are injected once, by the composition root.
//! Refuses to start on weak secrets, to fall back to plain text, and to hand a derived key out.

mod entropy;
pub mod feed_tickets;
pub mod jwt;
mod kept_keys;
pub mod key_tokens;
mod management;
mod master_key;
pub mod obfuscate;
pub mod oidc;
mod parts;
pub mod passwords;
mod ring;
mod scrub;
pub mod session_token;
mod set_up;
mod subkeys;
pub mod vault;
pub mod virtual_key;
mod webhook;

use std::fmt;
use std::time::Duration;

use farthing_actors::domain::{ProviderId, Role, Sealed, Secret, SessionId, Timestamp};
use farthing_actors::keyring::ring::KeyDigest;
use farthing_actors::sessions::{PasswordHash, SessionDigest, TokenMark};
use farthing_actors::snapshot::{Publisher, Snapshot};
use thiserror::Error;
use zeroize::Zeroize;

pub use entropy::NoEntropy;
pub use feed_tickets::{Pass, Ticket, TicketError};
pub use jwt::{Claims, Maker, TokenError};
pub use kept_keys::{Heritage, KeptKeyError, KeptKeys, KeptRow};
pub use key_tokens::{KeyClaims, KeyGrant};
pub use master_key::{from_passphrase, is_easy_passphrase};
pub use parts::{PartFault, SecurityParts};
pub use passwords::PasswordError;
pub use ring::{KeyRing, MasterId, Standing};
pub use scrub::scrub;
pub use session_token::{IssuedSession, SessionClaims, SessionError};
pub use set_up::set_up_code;
pub use vault::VaultError;
pub use virtual_key::MintedKey;
pub use webhook::WebhookKey;

use feed_tickets::FeedTickets;
use jwt::Tokens;
use key_tokens::KeyTokens;
use management::{Management, Marks};
use oidc::flow::Flow;
use passwords::Passwords;
use session_token::SessionTokens;
use set_up::SetUp;
use subkeys::{MacKey, Subkeys};
use vault::Purpose;
use virtual_key::VirtualKeys;

/// Why the façade could not be built. Every fault is the operator's to mend, before anything starts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecurityError {
    /// One or more secrets are not fit for use; all faults are listed.
    #[error("{}", join(.0))]
    Parts(Vec<PartFault>),
    /// A sub-key could not be derived.
    #[error("cannot derive the sub-key {0}; this is a defect, please report it")]
    Derivation(&'static str),
    /// A key could not be made.
    #[error(transparent)]
    NoEntropy(NoEntropy),
}

fn join(faults: &[PartFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The façade. Shared by reference; holds derived keys only, never the secrets it was built from.
pub struct Security {
    published: Publisher<KeyRing>,
    ring: Snapshot<KeyRing>,
    virtual_keys: VirtualKeys,
    management: Management,
    marks: Marks,
    /// Of the management tokens that are admitted, under this session secret and the one before.
    admitted: Vec<TokenMark>,
    tokens: Tokens,
    key_tokens: KeyTokens,
    oidc_flow: Flow,
    set_up: SetUp,
    feed_tickets: FeedTickets,
    sessions: SessionTokens,
    passwords: Passwords,
    /// What the session secret before signed.
    former: Option<Former>,
    audit: MacKey,
}

/// What checks tokens of the session secret before.
struct Former {
    tokens: Tokens,
    key_tokens: KeyTokens,
    sessions: SessionTokens,
}

impl Former {
    fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        let (tokens, key_tokens) = (Tokens::new(session)?, KeyTokens::new(session)?);
        Ok(Self { tokens, key_tokens, sessions: SessionTokens::new(session)? })
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Security(****)")
    }
}

impl Security {
    /// Derives every key from the injected secrets and the kept ones of the installation, which is in its
    /// `generation`. The token keys come from the session secret, so that changing it signs everyone out without touching
    /// stored provider keys; and from the generation, so that a restored installation knows no token from before.
    ///
    /// # Errors
    /// If a secret is empty, short, a sample, or equal to another one.
    pub fn new(mut parts: SecurityParts, kept: &KeptKeys, generation: i64) -> Result<Self, SecurityError> {
        let faults = parts.faults();
        if !faults.is_empty() {
            return Err(SecurityError::Parts(faults));
        }
        let ring = parts.ring()?;
        parts.master_key.zeroize();
        let session = Subkeys::in_generation(parts.session_secret.expose().as_bytes(), generation);
        let former = parts.former_session_secret.as_ref();
        let former = former.map(|secret| Subkeys::in_generation(secret.expose().as_bytes(), generation));
        let tokens = || std::iter::once(&parts.management_token).chain(&parts.former_management_token);
        let marks = [Some(&session), former.as_ref()].into_iter().flatten().map(Marks::new);
        let marks: Vec<_> = marks.collect::<Result<_, _>>()?;
        let admitted = marks.iter().flat_map(|marks| tokens().map(|token| marks.of(token.expose()))).collect();
        let former = former.map(|former| Former::new(&former));
        let former_token = parts.former_management_token.as_ref();
        let management = Management::new(&ring.present().subkeys, &parts.management_token, former_token)?;
        let published = Publisher::new(ring);
        Ok(Self {
            ring: published.reader(),
            published,
            virtual_keys: VirtualKeys::new(kept.virtual_keys()),
            management,
            marks: Marks::new(&session)?,
            admitted,
            tokens: Tokens::new(&session)?,
            key_tokens: KeyTokens::new(&session)?,
            oidc_flow: Flow::new(&session)?,
            set_up: SetUp::new(&session)?,
            feed_tickets: FeedTickets::new(&session)?,
            sessions: SessionTokens::new(&session)?,
            former: former.transpose()?,
            audit: kept.audit(),
            passwords: Passwords::new(kept.passwords())?,
        })
    }

    /// The master keys in use.
    pub fn ring(&self) -> Snapshot<KeyRing> {
        self.ring.clone()
    }

    /// Seals from now on under the present key of `ring`; everything else goes on as it was.
    pub fn turn_to(&self, ring: KeyRing) {
        self.published.publish(ring);
    }

    /// Seals a provider's key for storage. It opens again only for the same provider and host.
    ///
    /// # Errors
    /// If the key is too long, or the system has no randomness.
    pub fn seal_provider_key(&self, provider: ProviderId, host: &str, plain: &Secret) -> Result<Sealed, VaultError> {
        self.ring.load().seal_provider_key(provider, host, plain)
    }

    /// Opens a stored provider key, for the header that needs it.
    ///
    /// # Errors
    /// Which of these it is: not our format, sealed under another master key, or altered or moved.
    pub fn open_provider_key(&self, provider: ProviderId, host: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        self.ring.load().open_provider_key(provider, host, sealed)
    }

    /// Seals an answer for storage. It opens again only with the same `place`.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn seal_answer(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        vault::seal(&self.ring.load(), Purpose::KeptAnswers, &[place], plain)
    }

    /// Opens a stored answer.
    ///
    /// # Errors
    /// Which of these it is: not our format, sealed under another master key, or altered or moved.
    pub fn open_answer(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        vault::open(&self.ring.load(), Purpose::KeptAnswers, &[place], sealed)
    }

    /// Makes a new virtual key. Its secret is shown once and never stored.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn mint(&self) -> Result<MintedKey, NoEntropy> {
        self.virtual_keys.mint()
    }

    /// The digest a presented virtual key is looked up by; `None` if it cannot be a key of ours.
    pub fn digest_presented(&self, presented: &str) -> Option<KeyDigest> {
        self.virtual_keys.digest_presented(presented)
    }

    /// Whether a presented bearer is the `MANAGEMENT_TOKEN`. Takes the same time for every wrong one.
    pub fn is_management_token(&self, presented: &str) -> bool {
        self.management.admits(presented)
    }

    /// What tells a management token from others.
    pub fn token_mark(&self, token: &str) -> TokenMark {
        self.marks.of(token)
    }

    /// The mark that the management token of `mark` has under the present session secret: what is signed with that one outlives the one
    /// before. `None` if the token is not admitted.
    pub fn present_mark(&self, mark: TokenMark) -> Option<TokenMark> {
        let place = self.admitted.iter().position(|known| *known == mark)?;
        // As many under each secret, in the same order, those under the present one first.
        let secrets = 1 + usize::from(self.former.is_some());
        self.admitted.get(place % (self.admitted.len() / secrets).max(1)).copied()
    }

    /// The marks of those that are admitted; a session that another one opened is over, and so is a scoped token that it made.
    pub fn admitted_marks(&self) -> &[TokenMark] {
        &self.admitted
    }

    /// Issues a management token for `subject` that may do what `scope` names, as far as its maker still may, and says what it says.
    ///
    /// # Errors
    /// If the lifetime is under a second or over [`jwt::MAX_LIFETIME`], or the system has no randomness.
    pub fn issue_token(
        &self,
        (subject, maker): (&str, Maker),
        scope: &[String],
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(String, Claims), TokenError> {
        self.tokens.issue((subject, maker), scope, lifetime, now)
    }

    /// The claims of a token issued here that has not expired at `now`.
    ///
    /// # Errors
    /// Why the token is not accepted.
    pub fn verify_token(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        match (self.tokens.verify(token, now), &self.former) {
            (Err(TokenError::Signature), Some(former)) => former.tokens.verify(token, now),
            (found, _) => found,
        }
    }

    /// Issues a token that calls with a virtual key, and says what it says.
    ///
    /// # Errors
    /// If the lifetime is not within [`key_tokens::LIFETIMES`], or the system has no randomness.
    pub fn issue_key_token(
        &self,
        grant: KeyGrant,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(String, KeyClaims), TokenError> {
        self.key_tokens.issue(grant, lifetime, now)
    }

    /// What a token of a virtual key says that was issued here and has not expired at `now`.
    ///
    /// # Errors
    /// Why the token is not accepted.
    pub fn verify_key_token(&self, token: &str, now: Timestamp) -> Result<KeyClaims, TokenError> {
        match (self.key_tokens.verify(token, now), &self.former) {
            (Err(TokenError::Signature), Some(former)) => former.key_tokens.verify(token, now),
            (found, _) => found,
        }
    }

    /// Begins sign-ins with an identity provider, and recognises their ends.
    pub fn oidc_flow(&self) -> &Flow {
        &self.oidc_flow
    }

    /// Whether this is the code by which the first owner is made. Takes the same time for every wrong one.
    pub fn is_set_up_code(&self, presented: &str) -> bool {
        self.set_up.admits(presented)
    }

    /// Makes the token of a session that is over at `end` unless it is used.
    ///
    /// # Errors
    /// If the name is too long, or the system has no randomness.
    pub fn issue_session(
        &self,
        username: &str,
        role: Role,
        (now, end): (Timestamp, Timestamp),
    ) -> Result<IssuedSession, SessionError> {
        self.sessions.issue(username, role, (now, end))
    }

    /// What a token issued here says that is not over at `now`, and what its session is found by. The store has the last
    /// word on whether there is one.
    ///
    /// # Errors
    /// Why the token is not accepted.
    pub fn verify_session(&self, token: &str, now: Timestamp) -> Result<(SessionClaims, SessionDigest), SessionError> {
        match (self.sessions.found(token, now), &self.former) {
            (Err(SessionError::Signature), Some(former)) => former.sessions.found(token, now),
            (found, _) => found,
        }
    }

    /// What a page of this session must send with every change.
    pub fn csrf(&self, session: SessionId) -> String {
        self.sessions.csrf(session)
    }

    /// Whether it is that. Takes the same time for every wrong one.
    pub fn is_csrf(&self, session: SessionId, presented: &str) -> bool {
        self.sessions.is_csrf(session, presented)
    }

    /// A one-time ticket for the live feed, for whoever listens by `pass`.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn issue_ticket(&self, pass: Pass, now: Timestamp) -> Result<String, TicketError> {
        self.feed_tickets.issue(pass, now)
    }

    /// What a ticket says that is ours and not over; whether it was used before, the feed knows.
    ///
    /// # Errors
    /// If it is another's, altered, or over.
    pub fn verify_ticket(&self, ticket: &str, now: Timestamp) -> Result<Ticket, TicketError> {
        self.feed_tickets.verify(ticket, now)
    }

    /// Hashes a password for storage; takes long, and 19 MiB.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn hash_password(&self, password: &Secret) -> Result<PasswordHash, PasswordError> {
        self.passwords.hash(password)
    }

    /// Whether the password is the one that was hashed. Takes as long for a wrong one, and where there is none; also where
    /// somebody has a hash from elsewhere, if `rounds` is how many the dearest of those takes.
    pub fn is_password(&self, password: &Secret, hash: Option<&PasswordHash>, rounds: u32) -> bool {
        self.passwords.matches(password, hash, rounds)
    }

    /// What links one event of the audit trail to the one before: nobody without the kept key can make it.
    pub fn audit_mac(&self, text: &[u8]) -> [u8; 32] {
        self.audit.tag(text)
    }
}

#[cfg(test)]
mod tests;

//! The guard: which addresses a provider may have.
//! Owns the check of a base URL when it is set, and that of every address its name leads to when a connection is made
//! (`ranges`). Refuses private networks unless the operator allowed them for this provider, and everything a URL can
//! smuggle: user names, fragments, encoded hosts, other schemes.

mod ranges;

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use super::client::Uri;

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not an absolute http or https URL.
    #[error("expected an absolute http:// or https:// URL without user name, query or fragment")]
    Malformed,
    /// Plain http leaves the machine in the clear.
    #[error("http:// is allowed only together with allow_private_network; use https://")]
    Plain,
    /// Plain http to a public host.
    #[error("http:// is allowed only for a host of this machine or of a private network; use https://")]
    PublicPlain,
    /// Where no provider is, whatever is allowed: a cloud's metadata, which anybody's call would read, or many machines at once.
    #[error("{0} is {1}, where no provider is; give the address of its own machine")]
    Never(String, &'static str),
    /// Loopback, private, link-local and the like.
    #[error("{0} is on a private network; set allow_private_network to permit it for this provider")]
    Private(String),
    /// A name that leads there, or to another address that no provider on the internet has.
    #[error("{host} leads to {address} ({what}); set allow_private_network if this provider is meant to be there")]
    LeadsAway {
        /// The name.
        host: String,
        /// One of its addresses.
        address: IpAddr,
        /// What that is.
        what: &'static str,
    },
}

/// A base URL that may be called.
#[derive(Debug, Clone)]
pub struct Address {
    /// The URL without a trailing slash.
    pub base: String,
    /// Its host, as a part of what a sealed key is bound to.
    pub host: String,
}

impl Address {
    /// Checks `text` as a base URL; `private` permits plain http and private networks.
    ///
    /// # Errors
    /// [`AddressError`] with the remedy.
    pub fn parse(text: &str, private: bool) -> Result<Self, AddressError> {
        let base = text.trim_end_matches('/');
        if base.contains(['@', '?', '#', '\\']) || base.contains(char::is_whitespace) {
            return Err(AddressError::Malformed);
        }
        // Parsers disagree about what an encoded host is.
        let uri: Uri = base.parse().map_err(|_| AddressError::Malformed)?;
        let host = uri
            .host()
            .filter(|host| !host.is_empty() && !host.contains('%'))
            .ok_or(AddressError::Malformed)?
            .to_ascii_lowercase();
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if private => {}
            Some("http") => return Err(AddressError::Plain),
            _ => return Err(AddressError::Malformed),
        }
        if let Some(what) = figures(&host).and_then(ranges::never) {
            return Err(AddressError::Never(host, what));
        }
        if !private && is_private(&host) {
            return Err(AddressError::Private(host));
        }
        Ok(Self { base: base.to_owned(), host })
    }

    /// Whether its host is one of this machine or of a private network, as far as its name says.
    pub fn is_private(&self) -> bool {
        is_private(&self.host)
    }

    /// Checks `text` as an address that was written down by whoever runs the gateway: plain http and private networks are
    /// allowed where the host that it names is on one.
    ///
    /// # Errors
    /// [`AddressError`] with the remedy.
    pub fn written(text: &str) -> Result<Self, AddressError> {
        match Self::parse(text, false) {
            Err(AddressError::Plain | AddressError::Private(_)) => {
                let address = Self::parse(text, true)?;
                if address.is_private() { Ok(address) } else { Err(AddressError::PublicPlain) }
            }
            checked => checked,
        }
    }
}

/// Whether a host may be called: `Ok` if all of `answers`, which its name gave, are addresses a provider may have; `private`
/// permits private networks.
///
/// # Errors
/// [`AddressError::LeadsAway`] or [`AddressError::Never`] for the first that is not. One is enough: the next connection might
/// go there.
pub fn vet(host: &str, answers: &[SocketAddr], private: bool) -> Result<(), AddressError> {
    let host = || host.to_owned();
    for address in answers.iter().map(SocketAddr::ip) {
        if let Some(what) = ranges::never(address) {
            return Err(AddressError::Never(format!("{} ({address})", host()), what));
        }
        if let Some(what) = ranges::refusal(address).filter(|_| !private) {
            return Err(AddressError::LeadsAway { host: host(), address, what });
        }
    }
    Ok(())
}

fn is_private(host: &str) -> bool {
    let bare = bare(host);
    figures(host)
        .map_or_else(|| is_local_name(bare) || is_encoded_number(bare), |address| ranges::refusal(address).is_some())
}

/// The address that a host written in figures is.
fn figures(host: &str) -> Option<IpAddr> {
    bare(host).parse().ok()
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.')
}

/// Names that are no public ones.
fn is_local_name(bare: &str) -> bool {
    const ENDINGS: [&str; 6] = ["localhost", "internal", "local", "localdomain", "home.arpa", "intranet"];
    let under = |ending: &str| bare.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !bare.contains('.') || ENDINGS.into_iter().any(under)
}

/// What ends in a number and is no plain IPv4 address is an encoded one: octal, hexadecimal, short forms.
fn is_encoded_number(bare: &str) -> bool {
    bare.split('.').next_back().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests;

//! The guard: which addresses a provider may have.
//! Owns the check of a base URL when it is set. Refuses private networks unless the operator allowed them for this
//! provider, and everything a URL can smuggle: user names, fragments, other schemes.

use std::net::IpAddr;

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
    /// Loopback, private, link-local and the like.
    #[error("{0} is on a private network; set allow_private_network to permit it for this provider")]
    Private(String),
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
        let uri: Uri = base.parse().map_err(|_| AddressError::Malformed)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(AddressError::Malformed)?.to_ascii_lowercase();
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if private => {}
            Some("http") => return Err(AddressError::Plain),
            _ => return Err(AddressError::Malformed),
        }
        if !private && is_private(&host) {
            return Err(AddressError::Private(host));
        }
        Ok(Self { base: base.to_owned(), host })
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
                if is_private(&address.host) { Ok(address) } else { Err(AddressError::PublicPlain) }
            }
            checked => checked,
        }
    }
}

fn is_private(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    if bare == "localhost" || bare.ends_with(".localhost") || bare.ends_with(".internal") || !bare.contains(['.', ':'])
    {
        return true;
    }
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => is_private_v4(v4),
        Ok(IpAddr::V6(v6)) => v6.to_ipv4().map_or_else(
            || v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local(),
            is_private_v4,
        ),
        // Digits and dots that are no plain IPv4 address are an encoded one (octal, hexadecimal, short forms).
        Err(_) => bare.split('.').next_back().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit())),
    }
}

fn is_private_v4(v4: std::net::Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || a == 0 || a >= 240 || shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_https_is_fine_and_private_needs_permission() {
        assert!(Address::parse("https://api.openai.com/v1/", false).is_ok());
        assert!(Address::parse("http://127.0.0.1:9001/v1", true).is_ok());
        for text in [
            "https://127.0.0.1/v1",
            "https://localhost/v1",
            "https://10.0.0.1",
            "https://169.254.169.254",
            "https://[::1]/v1",
            "https://[::ffff:10.0.0.1]",
            "https://0x7f.1",
            "https://2130706433",
            "https://metadata.google.internal",
            "https://127.1",
            "https://100.64.0.1",
            "https://localhost./",
        ] {
            assert!(matches!(Address::parse(text, false), Err(AddressError::Private(_))), "{text}");
        }
    }

    #[test]
    fn a_written_address_may_be_private_where_it_says_so() {
        for text in ["https://models.dev/api.json", "http://127.0.0.1:9001/list", "https://prices.internal/list"] {
            assert!(Address::written(text).is_ok(), "{text}");
        }
        assert_eq!(Address::written("http://models.dev/api.json").unwrap_err(), AddressError::PublicPlain);
        assert_eq!(Address::written("ftp://models.dev").unwrap_err(), AddressError::Malformed);
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in [
            "",
            "api.openai.com",
            "ftp://x.org",
            "https://u:p@x.org",
            "https://x.org/?a=b",
            "https://x.org/#f",
            "https://",
        ] {
            assert!(Address::parse(text, true).is_err(), "{text}");
        }
        assert_eq!(Address::parse("http://api.openai.com/v1", false).unwrap_err(), AddressError::Plain);
    }
}

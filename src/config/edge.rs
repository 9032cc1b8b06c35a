//! The edge's settings: TLS, the name the world knows this gateway by, other pages that may call it, and a door for operators.
//! Owns what they need of each other. Refuses half a pair: a certificate without its key serves nobody.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const TLS_CERT: Setting = Setting {
    key: "server.tls_cert",
    default: "none",
    example: "\"\"",
    unit: "path",
    note: "The certificate with its chain, in PEM: then this gateway speaks TLS 1.2 and 1.3 itself. Read again on SIGHUP.",
};
const TLS_KEY: Setting = Setting {
    key: "server.tls_key",
    default: "none",
    example: "\"\"",
    unit: "path",
    note: "The certificate's private key, in PEM.",
};
const PUBLIC_ORIGIN: Setting = Setting {
    key: "server.public_origin",
    default: "none",
    example: "\"\"",
    unit: "origin",
    note: "How browsers reach the dashboard, such as \"https://farthing.example\", where a proxy does not pass that on.",
};
const CORS_ORIGINS: Setting = Setting {
    key: "server.cors_origins",
    default: "none",
    example: "[]",
    unit: "origins",
    note: "Other sites whose pages may call /v1 and /v1beta with a key of their own, such as \"https://app.example\".",
};
const ADMIN_LISTEN: Setting = Setting {
    key: "server.admin_listen",
    default: "none",
    example: "\"\"",
    unit: "address:port",
    note: "A second address for operators: then the dashboard, /api and /metrics are there alone, and server.listen serves \
           applications.",
};
const SOCKET_ORIGINS: Setting = Setting {
    key: "websocket.allowed_origins",
    default: "none",
    example: "[]",
    unit: "origins",
    note: "The only sites, beside server.public_origin, whose pages may open the live feed; none is the gateway's own pages.",
};

/// The settings of this file.
pub(super) const SETTINGS: &[&Setting] =
    &[&TLS_CERT, &TLS_KEY, &PUBLIC_ORIGIN, &CORS_ORIGINS, &ADMIN_LISTEN, &SOCKET_ORIGINS];

/// How the server meets the world.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EdgeConfig {
    /// What it speaks TLS with.
    pub tls: Option<TlsFiles>,
    /// How browsers reach it.
    pub public_origin: Option<String>,
    /// Sites whose pages may call the data plane.
    pub cors_origins: Vec<String>,
    /// Sites whose pages may open the live feed; empty is our own.
    pub socket_origins: Vec<String>,
    /// Where operators are served, if not with applications.
    pub admin_listen: Option<SocketAddr>,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate with its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl EdgeConfig {
    pub(super) fn take(draft: &mut Draft, base: &Path) -> Self {
        let half = draft.place_of(&TLS_CERT).or_else(|| draft.place_of(&TLS_KEY));
        let certificate = draft.take(&TLS_CERT, None, |given| file(given, base));
        let key = draft.take(&TLS_KEY, None, |given| file(given, base));
        if certificate.is_some() != key.is_some() {
            draft.note(half, Problem::new("TLS needs both", "set server.tls_cert and server.tls_key, or neither"));
        }
        let origins = |given: &Given| given.list()?.into_iter().map(origin).collect();
        Self {
            tls: certificate.zip(key).map(|(certificate, key)| TlsFiles { certificate, key }),
            public_origin: draft.take(&PUBLIC_ORIGIN, None, optional(origin)),
            cors_origins: draft.take(&CORS_ORIGINS, Vec::new(), origins),
            socket_origins: draft.take(&SOCKET_ORIGINS, Vec::new(), origins),
            admin_listen: draft.take(&ADMIN_LISTEN, None, optional(address)),
        }
    }
}

fn file(given: &Given, base: &Path) -> Result<Option<PathBuf>, Problem> {
    if given.is_empty() { Ok(None) } else { given.text().map(|path| Some(base.join(path))) }
}

/// Nothing where the text is empty.
fn optional<T>(parse: impl Fn(&str) -> Result<T, Problem>) -> impl Fn(&Given) -> Result<Option<T>, Problem> {
    move |given| if given.is_empty() { Ok(None) } else { parse(given.text()?).map(Some) }
}

/// An origin as browsers write it.
fn origin(text: &str) -> Result<String, Problem> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_plain) {
        let hint = "write it as browsers do, such as \"https://app.example\": scheme and host in small letters, the port if it is \
                    not the usual one, no path and no *";
        return Err(Problem::new(format!("{text:?} is not an origin"), hint));
    }
    Ok(text.to_owned())
}

pub(super) fn address(text: &str) -> Result<SocketAddr, Problem> {
    let malformed = |_| Problem::new(format!("{text:?} is not an address and port"), "write it as \"127.0.0.1:8080\"");
    text.parse().map_err(malformed)
}

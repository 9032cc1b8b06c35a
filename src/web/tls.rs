//! TLS of our own: the certificate, and connections that end their encryption here.
//! Owns the versions (1.2 and 1.3) and the certificate in use, which can be replaced while connections go on.
//! Refuses a certificate whose key is another's: at the start that is a fault, later the former one stays.

mod expiry;

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use farthing_actors::domain::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

use crate::config::{Problem, TlsFiles};

/// The protocol we speak over TLS; HTTP/2 is the proxy's in front.
const PROTOCOL: &[u8] = b"http/1.1";
/// The settings that name the two files.
const CERTIFICATE: &str = "server.tls_cert";
const KEY: &str = "server.tls_key";

/// Why TLS cannot be spoken.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file is not what it should be.
    #[error("{file} {what}: {error}")]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// Its path.
        file: String,
        /// What it should hold.
        what: &'static str,
        /// Why it does not.
        error: pem::Error,
    },
    /// The two do not belong together, or the key is of no kind we know.
    #[error("the certificate and its key: {0}")]
    Pair(#[from] rustls::Error),
}

impl TlsError {
    /// The setting to look at, and what to do.
    pub fn problem(&self) -> (&'static str, Problem) {
        let (setting, hint) = match self {
            Self::File { setting, .. } => (*setting, "name a file in PEM that this user may read"),
            Self::Pair(_) => (KEY, "name the private key that the certificate in server.tls_cert was made for"),
        };
        (setting, Problem::new(self.to_string(), hint))
    }
}

/// The certificate in use.
#[derive(Clone)]
pub struct Certificate {
    files: TlsFiles,
    current: Arc<ArcSwap<Served>>,
}

/// A certificate with its key, and how long it lasts.
struct Served {
    config: Arc<ServerConfig>,
    ends_at: Option<Timestamp>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self { files: files.clone(), current: Arc::new(ArcSwap::from_pointee(served(files)?)) })
    }

    /// Reads them again; connections that are open go on.
    ///
    /// # Errors
    /// [`TlsError`]; then the former certificate stays in use.
    pub fn read_again(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(served(&self.files)?));
        Ok(())
    }

    /// What a new connection is met with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.load().config))
    }

    /// When it ends, as it says itself.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.current.load().ends_at
    }
}

fn served(files: &TlsFiles) -> Result<Served, TlsError> {
    let fault = |setting, file: &Path, what| {
        let file = file.display().to_string();
        move |error| TlsError::File { setting, file, what, error }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .and_then(|chain: Vec<_>| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
        .map_err(fault(CERTIFICATE, &files.certificate, "is no certificate in PEM"))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(fault(KEY, &files.key, "is no private key in PEM"))?;
    let ends_at = chain.first().and_then(|certificate| expiry::ends_at(certificate));
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Served { config: Arc::new(config), ends_at })
}

//! TLS: whom the server is, and whose certificates it takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use identity::ClientCertificate;
use pki::Certificate;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use tokio::sync::watch;

/// Whom a listener lets through its handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientCertificates {
    /// Those of the local TLS authority; and whoever shows none, because an API key will do.
    Optional,
    /// Nobody is asked.
    NotAsked,
}

/// The TLS of both listeners that strangers reach. It is read again when the process is told so.
pub(crate) struct Tls {
    folder: PathBuf,
    api: watch::Sender<Arc<ServerConfig>>,
    public: watch::Sender<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads `tls/` in the server's folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, TlsError> {
        let (api, public) = both(folder)?;
        let (api, public) = (watch::Sender::new(api), watch::Sender::new(public));
        Ok(Self { folder: folder.to_owned(), api, public })
    }

    /// Reads it again. Where something is wrong with it, all stays as it is.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let (api, public) = both(&self.folder)?;
        self.api.send_replace(api);
        self.public.send_replace(public);
        Ok(())
    }

    pub(crate) fn api(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.api.subscribe()
    }

    pub(crate) fn public(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.public.subscribe()
    }
}

fn both(folder: &Path) -> Result<(Arc<ServerConfig>, Arc<ServerConfig>), TlsError> {
    let api = config(folder, ClientCertificates::Optional)?;
    Ok((api, config(folder, ClientCertificates::NotAsked)?))
}

/// Could a server start with the TLS files in this folder?
pub fn check_tls(folder: &Path) -> Result<(), TlsError> {
    both(folder).map(drop)
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file that cannot be read as PEM.
    #[error("cannot read `{}`: it must hold a {what} in PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate that rustls does not take for a root.
    #[error("the certificates in `{}` cannot be trusted as roots", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A certificate and a key that do not go together.
    #[error("`{}` and `{}` do not go together", certificate.display(), key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// A fault of the library's own set-up.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// The TLS of one listener.
fn config(folder: &Path, clients: ClientCertificates) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |name: &str| folder.join("tls").join(name);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Setup)?;
    let builder = match clients {
        ClientCertificates::Optional => {
            builder.with_client_cert_verifier(verifier(&file("ca.pem"), provider)?)
        }
        ClientCertificates::NotAsked => builder.with_no_client_auth(),
    };
    let (certificate, key) = (file("server.pem"), file("server.key"));
    let chain = certificates(&certificate)?;
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|source| TlsError::Pem {
        path: key.clone(),
        what: "private key",
        source,
    })?;
    let mut config = builder.with_single_cert(chain, private).map_err(|source| TlsError::Pair {
        certificate,
        key,
        source,
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Sessions are resumed with tickets that only we can open, so that strangers take no memory with them. Their keys
    // are made here and changed every six hours: after a reload every certificate is looked at again. What a client may
    // do without a handshake of its own, early data, stays off, for it could be sent twice.
    config.ticketer = Ticketer::new().map_err(TlsError::Setup)?;
    Ok(Arc::new(config))
}

fn verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let refuse =
        |source: Box<dyn std::error::Error + Send + Sync>| TlsError::Roots { path: path.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|source| refuse(Box::new(source)))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|source| refuse(Box::new(source)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = |source| TlsError::Pem { path: path.to_owned(), what: "certificate", source };
    CertificateDer::pem_file_iter(path).map_err(pem)?.collect::<Result<Vec<_>, _>>().map_err(pem)
}

/// The certificate that the client showed, now or when the session began that it resumes. The handshake has proven that
/// the client holds its key.
pub(crate) fn client_certificate(connection: &ServerConnection) -> Option<ClientCertificate> {
    let certificate = connection.peer_certificates()?.first()?;
    let certificate = Certificate::from_der(certificate).ok()?;
    let key = certificate.public_key().ok()?.id();
    Some(ClientCertificate { key, not_after: certificate.not_after() })
}

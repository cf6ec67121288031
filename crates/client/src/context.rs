//! Where a server is, how it is recognised, and how a client proves itself.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::tls::Version;
use reqwest::{Certificate, ClientBuilder, Identity, Url, redirect};

use crate::ClientError;

/// How long a connection may take, TLS handshake included.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A server, as a client knows it.
#[derive(Debug, Clone)]
pub struct Context {
    /// The address of the listener, such as `https://localhost:7443`.
    pub url: String,
    /// The certificates, in PEM, that its own may come from. No others are believed.
    pub ca_pem: String,
    /// How the client proves itself.
    pub credential: Credential,
}

/// How a client proves itself.
#[derive(Clone)]
pub enum Credential {
    /// With an API key: `avk_<id>_<secret>`.
    ApiKey(String),
    /// With a client certificate.
    ClientCertificate {
        /// The certificate and those above it, in PEM.
        certificate_pem: String,
        /// Its private key, in PEM (PKCS #8).
        key_pem: String,
    },
    /// Not at all: enough for the public listener.
    None,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey(_) => "API key",
            Self::ClientCertificate { .. } => "client certificate",
            Self::None => "no credential",
        })
    }
}

impl Context {
    /// The address, which must be one of TLS and without a path.
    pub(crate) fn base(&self) -> Result<Url, ClientError> {
        let refuse = || ClientError::Address { url: self.url.clone() };
        let url: Url = self.url.parse().map_err(|_| refuse())?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        if url.scheme() == "https" && url.has_host() && bare { Ok(url) } else { Err(refuse()) }
    }

    /// A connection pool that believes the context's certificates alone and follows no redirects.
    pub(crate) fn http(&self, base: &Url) -> Result<reqwest::Client, ClientError> {
        let roots =
            Certificate::from_pem_bundle(self.ca_pem.as_bytes()).map_err(ClientError::Certificates)?;
        if roots.is_empty() {
            return Err(ClientError::NoCertificates);
        }
        let mut builder = reqwest::Client::builder()
            .tls_backend_rustls()
            .tls_certs_only(roots)
            .tls_version_min(Version::TLS_1_2)
            .https_only(true)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_LIMIT);
        if is_loopback(base) {
            builder = kept_here(builder);
        }
        if let Credential::ClientCertificate { certificate_pem, key_pem } = &self.credential {
            let pem = [key_pem.as_bytes(), b"\n", certificate_pem.as_bytes()].concat();
            builder = builder.identity(Identity::from_pem(&pem).map_err(ClientError::Identity)?);
        }
        builder.build().map_err(ClientError::Setup)
    }

    /// The value of the `Authorization` header, where there is one.
    pub(crate) fn authorization(&self) -> Option<String> {
        match &self.credential {
            Credential::ApiKey(key) => Some(format!("Bearer {}", key.trim())),
            Credential::ClientCertificate { .. } | Credential::None => None,
        }
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// This machine's own addresses: a proxy has no way to them, and nobody is asked where `localhost` is (RFC 6761 §6.3).
pub(crate) fn kept_here(builder: ClientBuilder) -> ClientBuilder {
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    // The port is that of the address which is called.
    builder.no_proxy().resolve_to_addrs("localhost", &addresses.map(|address| SocketAddr::new(address, 0)))
}

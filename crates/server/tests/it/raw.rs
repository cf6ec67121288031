//! Bytes over TLS, as no honest client sends them; and the honest client beside, who must not notice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::site::{Identity, Site};

/// How long anything may take that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What is to be spoken inside TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    Http1,
    Http2,
}

/// How to get to a server.
#[derive(Clone)]
pub(crate) struct Way {
    address: std::net::SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Way {
    /// To the listener for requests.
    pub(crate) fn to(site: &Site, identity: Identity, speech: Speech) -> Self {
        let credential = &site.credential;
        let config = config(&credential.ca_pem);
        let config = match identity {
            Identity::Nobody => config.with_no_client_auth(),
            Identity::First => {
                let chain = CertificateDer::pem_slice_iter(credential.certificate_pem.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(credential.key_pem.as_bytes()).unwrap();
                config.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
            }
        };
        Self::speaking(site.addresses.listen, config, speech)
    }

    /// A stranger's, who knows nothing but address and root.
    pub(crate) fn of_stranger(address: std::net::SocketAddr, ca_pem: &str, speech: Speech) -> Self {
        Self::speaking(address, config(ca_pem).with_no_client_auth(), speech)
    }

    fn speaking(address: std::net::SocketAddr, mut config: ClientConfig, speech: Speech) -> Self {
        config.alpn_protocols = match speech {
            Speech::Http1 => vec![b"http/1.1".to_vec()],
            Speech::Http2 => vec![b"h2".to_vec()],
        };
        Self { address, tls: Arc::new(config) }
    }

    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let connecting = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            TlsConnector::from(Arc::clone(&self.tls)).connect(name(), stream).await
        };
        timeout(PATIENCE, connecting).await.expect("a handshake is done in time").unwrap()
    }

    /// What a client says first.
    pub(crate) fn hello(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        ClientConnection::new(Arc::clone(&self.tls), name()).unwrap().write_tls(&mut bytes).unwrap();
        bytes
    }
}

fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

fn config(ca_pem: &str) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots)
}

/// What comes until the server closes, which it must do. How it closes is not looked at.
pub(crate) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the server must close");
    bytes
}

/// Does something to a server while an honest client asks it again and again, by an old connection and by new ones.
/// Every one of its calls must be answered. Returns how long each took, too.
pub(crate) async fn besieged<T>(site: &Site, attack: impl Future<Output = T>) -> (T, Vec<Duration>) {
    let url = site.url("/v1/whoami");
    let old = site.http(Identity::First);
    let (mut took, mut attack) = (Vec::new(), std::pin::pin!(attack));
    let honest = async |http: reqwest::Client, took: &mut Vec<Duration>| {
        let began = Instant::now();
        let answer = timeout(PATIENCE, http.get(&url).send()).await.expect("an honest call is answered");
        assert_eq!(answer.unwrap().status(), 200);
        took.push(began.elapsed());
    };
    let mut done = None;
    while done.is_none() || took.len() < 6 {
        let asks = async {
            honest(old.clone(), &mut took).await;
            honest(site.http(Identity::First), &mut took).await;
        };
        tokio::select! {
            biased;
            outcome = &mut attack, if done.is_none() => done = Some(outcome),
            () = asks => {}
        }
    }
    (done.unwrap(), took)
}

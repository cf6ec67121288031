//! Which certificates a server presents, before it is trusted: `avouch login` looks among them for the one whose
//! fingerprint its user was told, and believes nothing else.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pki::Certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use crate::failure::Failure;

/// How long a server may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// The certificates that the server at `https://HOST:PORT` presents. Nothing is sent to it beyond a handshake, which
/// is broken off.
pub(crate) fn certificates(url: &str) -> Result<Vec<Certificate>, Failure> {
    let not_one = || Failure::Usage {
        what: format!("`{url}` is not the address of a server"),
        advice: "it must read `https://HOST:PORT`",
    };
    let address = url.strip_prefix("https://").ok_or_else(not_one)?.trim_end_matches('/');
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| not_one())?;
    let unreachable = |fault: String| Failure::Process { process: "the server", fault };
    let socket = address.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(not_one)?;
    let mut stream = TcpStream::connect_timeout(&socket, LIMIT).map_err(|cause| {
        unreachable(format!("at `{url}` cannot be reached: {cause}; is `avouch serve` running there?"))
    })?;
    let bounded = stream.set_read_timeout(Some(LIMIT)).and_then(|()| stream.set_write_timeout(Some(LIMIT)));
    bounded.map_err(Failure::inside("bound the connection"))?;

    let seen = Arc::new(Onlooker::default());
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Failure::inside("set TLS up"))?
        .dangerous()
        .with_custom_certificate_verifier(seen.clone())
        .with_no_client_auth();
    let mut connection =
        ClientConnection::new(Arc::new(config), name).map_err(Failure::inside("set TLS up"))?;
    // The onlooker refuses every certificate: the handshake never succeeds.
    let _broken_off = connection.complete_io(&mut stream);
    let found = std::mem::take(&mut *seen.0.lock().unwrap_or_else(PoisonError::into_inner));
    if found.is_empty() {
        return Err(unreachable(format!("at `{url}` does not speak TLS")));
    }
    Ok(found.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
}

/// Looks at what a server presents, and trusts none of it.
#[derive(Debug, Default)]
struct Onlooker(Mutex<Vec<Vec<u8>>>);

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(
            std::iter::once(end_entity).chain(intermediates).take(pki::CHAIN_MAX).map(|der| der.to_vec()),
        );
        Err(Error::General("only looked at".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only looked at".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only looked at".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

//! SIGHUP: the server's own TLS files are read again, and nobody is cut off.

use std::fs;
use std::process::Command;
use std::time::Duration;

use model::{Clock as _, Digest};
use pki::Certificate;
use server::{TlsAuthority, validity};
use signerd::SystemClock;

use crate::site::Site;

/// The fingerprint that the listener for requests, or the public one, presents.
async fn presented(port: u16) -> Digest {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

    /// Believes everybody: the test looks at what is presented, and sends nothing.
    #[derive(Debug)]
    struct Looker;

    impl ServerCertVerifier for Looker {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            rustls::crypto::aws_lc_rs::default_provider()
                .signature_verification_algorithms
                .supported_schemes()
        }
    }

    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let verifier = std::sync::Arc::new(Looker);
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    Digest::of(&stream.get_ref().1.peer_certificates().unwrap()[0])
}

fn hang_up() {
    let status = Command::new("kill").arg("-HUP").arg(std::process::id().to_string()).status();
    assert!(status.unwrap().success());
}

/// Issues a new certificate for the server, from its own authority.
fn renew(site: &Site) -> Digest {
    let tls = site.config.folder.join("tls");
    let read = |name: &str| fs::read_to_string(tls.join(name)).unwrap();
    let authority = TlsAuthority::open("localhost", &read("ca.pem"), &read("ca.key")).unwrap();
    let period = validity(SystemClock.now(), Duration::from_secs(3_600)).unwrap();
    let new = authority.issue_server(vec!["localhost".parse().unwrap()], period).unwrap();
    fs::write(tls.join("server.pem"), new.certificate.to_pem()).unwrap();
    fs::write(tls.join("server.key"), &new.key_pem).unwrap();
    Digest::of(new.certificate.der())
}

async fn wait_for(port: u16, expected: Digest) {
    let looked = async {
        while presented(port).await != expected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_presented_after_sighup_and_a_broken_one_never() {
    let site = Site::start();
    let client = site.first_client();
    let ports = [site.addresses.listen.port(), site.addresses.public_listen.port()];
    let pem = fs::read_to_string(site.config.folder.join("tls/server.pem")).unwrap();
    let old = Digest::of(Certificate::chain_from_pem(&pem).unwrap()[0].der());
    for port in ports {
        assert_eq!(presented(port).await, old);
    }
    let new = renew(&site);
    assert_eq!(presented(ports[0]).await, old, "nothing changes before somebody says so");
    hang_up();
    for port in ports {
        wait_for(port, new).await;
    }
    client.whoami().await.unwrap();

    fs::write(site.config.folder.join("tls/server.key"), "no key").unwrap();
    hang_up();
    let again = renew(&site);
    hang_up();
    // Had the broken one been taken, this would not come to an end.
    wait_for(ports[0], again).await;
    client.whoami().await.unwrap();
}

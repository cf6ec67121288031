//! TLS of a test's own: an authority that nobody else believes, and servers that it vouches for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use model::{Instant, PublicKey};
use pki::{
    Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, ServerName, Validity,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

const GOOD: &str = "a certificate of a test is well formed";

/// 2020-01-01, from when on all of it is valid.
const BEGINNING: u64 = 1_577_836_800;
/// 2021-01-01, when what has expired did.
const EXPIRY: u64 = 1_609_459_200;
/// 2090-01-01: TLS goes by the clock on the wall, and a test by none.
const END: u64 = 3_786_912_000;

/// An authority for servers.
pub struct TlsRoot {
    key: EcdsaKeyPair,
    certificate: Certificate,
    issued: AtomicU8,
}

/// A server's certificate, with its key.
#[derive(Clone)]
pub struct TlsServer {
    pub(crate) config: Arc<ServerConfig>,
}

/// Does a certificate count?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPeriod {
    /// It does.
    Now,
    /// It did.
    Past,
}

impl TlsRoot {
    /// One with a new key.
    pub fn new() -> Self {
        let key = generate();
        let certificate =
            issue(&key, &key, &CertificateProfile::TlsRoot, TlsPeriod::Now, Issuer::Itself, [0; 16]);
        Self { key, certificate, issued: AtomicU8::new(1) }
    }

    /// Its certificate, for whoever is to believe it.
    pub fn pem(&self) -> String {
        self.certificate.to_pem()
    }

    /// Vouches for a server of this name.
    pub fn server(&self, name: &str, period: TlsPeriod) -> TlsServer {
        let key = generate();
        let name: ServerName = name.parse().expect(GOOD);
        let profile = CertificateProfile::TlsServer { names: vec![name] };
        let serial = [self.issued.fetch_add(1, Ordering::Relaxed); 16];
        let issuer = Issuer::Certificate(&self.certificate);
        let certificate = issue(&self.key, &key, &profile, period, issuer, serial);
        let pkcs8 = key.to_pkcs8v1().expect(GOOD).as_ref().to_vec();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS")
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(certificate.der().to_vec())],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8)),
            );
        TlsServer { config: Arc::new(config.expect(GOOD)) }
    }
}

impl Default for TlsRoot {
    fn default() -> Self {
        Self::new()
    }
}

fn generate() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key can be made")
}

fn issue(
    signing: &EcdsaKeyPair,
    certified: &EcdsaKeyPair,
    profile: &CertificateProfile,
    period: TlsPeriod,
    issuer: Issuer<'_>,
    serial: [u8; 16],
) -> Certificate {
    let subject = match profile {
        CertificateProfile::TlsRoot => "TLS of a test",
        _ => "a server of a test",
    };
    let subject = DistinguishedName::new("Example", subject).expect(GOOD);
    let spki = certified.public_key().as_der().expect(GOOD);
    let public_key = PublicKey::from_spki(spki.as_ref()).expect(GOOD);
    let end = match period {
        TlsPeriod::Now => END,
        TlsPeriod::Past => EXPIRY,
    };
    let validity = Validity::new(Instant::from_seconds(BEGINNING), Instant::from_seconds(end)).expect(GOOD);
    let serial = Serial::from_random(serial);
    let new =
        NewCertificate { profile, subject: &subject, public_key: &public_key, serial, validity, issuer };
    let to_be_signed = new.compose().expect(GOOD);
    let signature = signing.sign(&SystemRandom::new(), to_be_signed.der()).expect(GOOD);
    to_be_signed.seal(signature.as_ref()).expect(GOOD)
}

//! The local TLS authority: it vouches for the server to its clients and for clients to the server, and for nothing
//! that is signed. It is the server's own, made when a data folder is made.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64;
use model::{BadSignature, Instant, KeyError, PublicKey};
use pki::{
    Certificate, CertificateError, CertificateProfile, ComposeError, DistinguishedName, Issuer, NameError,
    NewCertificate, PemError, Serial, ServerName, Validity,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

/// An authority for TLS certificates, with its key in memory.
pub struct TlsAuthority {
    organization: String,
    certificate: Certificate,
    key: EcdsaKeyPair,
}

/// A certificate and its private key, both in PEM.
pub struct Credential {
    /// The certificate.
    pub certificate: Certificate,
    /// Its private key: PKCS #8 in PEM.
    pub key_pem: String,
}

/// Why the authority does not issue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsAuthorityError {
    /// No key could be made.
    #[error("no key can be made: the system's randomness failed")]
    Random(#[source] Unspecified),
    /// Its own key cannot be read.
    #[error("the TLS authority's key cannot be read: it must be PKCS #8 in PEM, of P-256")]
    Key(#[source] KeyRejected),
    /// Its own key is not PEM.
    #[error("the TLS authority's key is not in PEM")]
    KeyPem(#[source] rustls::pki_types::pem::Error),
    /// Its own certificate cannot be read.
    #[error("the TLS authority's certificate cannot be read")]
    Certificate(#[source] PemError),
    /// A name that no certificate can hold.
    #[error("a certificate cannot hold this name")]
    Name(#[from] NameError),
    /// A certificate that cannot stand.
    #[error("the certificate cannot be composed")]
    Compose(#[from] ComposeError),
    /// A certificate that cannot be sealed.
    #[error("the certificate cannot be sealed")]
    Seal(#[from] CertificateError),
    /// A key that was made and cannot be read.
    #[error("the new key cannot be read")]
    PublicKey(#[from] KeyError),
    /// The new certificate does not verify.
    #[error("the new certificate does not verify")]
    Signature(#[source] BadSignature),
}

impl TlsAuthority {
    /// Founds an authority for this host.
    pub fn found(host: &str, validity: Validity) -> Result<(Self, Credential), TlsAuthorityError> {
        let (key, key_pem) = generate()?;
        let subject = DistinguishedName::new(host, "avouch local TLS")?;
        let certificate =
            issue(&key, &key, &CertificateProfile::TlsRoot, &subject, validity, Issuer::Itself)?;
        let credential = Credential { certificate: certificate.clone(), key_pem };
        Ok((Self { organization: host.to_owned(), certificate, key }, credential))
    }

    /// Opens an authority from its two files.
    pub fn open(host: &str, certificate_pem: &str, key_pem: &str) -> Result<Self, TlsAuthorityError> {
        let certificate = Certificate::from_pem(certificate_pem).map_err(TlsAuthorityError::Certificate)?;
        let der = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(TlsAuthorityError::KeyPem)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_der())
            .map_err(TlsAuthorityError::Key)?;
        Ok(Self { organization: host.to_owned(), certificate, key })
    }

    /// Issues the certificate of a TLS server.
    pub fn issue_server(
        &self,
        names: Vec<ServerName>,
        validity: Validity,
    ) -> Result<Credential, TlsAuthorityError> {
        self.issue(&CertificateProfile::TlsServer { names }, "server", validity)
    }

    /// Issues a client certificate.
    pub fn issue_client(&self, name: &str, validity: Validity) -> Result<Credential, TlsAuthorityError> {
        self.issue(&CertificateProfile::TlsClient, name, validity)
    }

    fn issue(
        &self,
        profile: &CertificateProfile,
        name: &str,
        validity: Validity,
    ) -> Result<Credential, TlsAuthorityError> {
        let (key, key_pem) = generate()?;
        let subject = DistinguishedName::new(&self.organization, name)?;
        let issuer = Issuer::Certificate(&self.certificate);
        let certificate = issue(&self.key, &key, profile, &subject, validity, issuer)?;
        Ok(Credential { certificate, key_pem })
    }
}

fn generate() -> Result<(EcdsaKeyPair, String), TlsAuthorityError> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(TlsAuthorityError::Random)?;
    let pkcs8 = key.to_pkcs8v1().map_err(TlsAuthorityError::Random)?;
    Ok((key, pem("PRIVATE KEY", pkcs8.as_ref())))
}

fn issue(
    signing: &EcdsaKeyPair,
    certified: &EcdsaKeyPair,
    profile: &CertificateProfile,
    subject: &DistinguishedName,
    validity: Validity,
    issuer: Issuer<'_>,
) -> Result<Certificate, TlsAuthorityError> {
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(TlsAuthorityError::Random)?;
    let public_key = public_key(certified)?;
    let serial = Serial::from_random(serial);
    let new = NewCertificate { profile, subject, public_key: &public_key, serial, validity, issuer };
    let to_be_signed = new.compose()?;
    let signature =
        signing.sign(&SystemRandom::new(), to_be_signed.der()).map_err(TlsAuthorityError::Random)?;
    // INVARIANT: a signature that does not verify never leaves.
    let signer = self::public_key(signing)?;
    signer.verify(to_be_signed.der(), signature.as_ref()).map_err(TlsAuthorityError::Signature)?;
    Ok(to_be_signed.seal(signature.as_ref())?)
}

fn public_key(key: &EcdsaKeyPair) -> Result<PublicKey, TlsAuthorityError> {
    let spki = key.public_key().as_der().map_err(TlsAuthorityError::Random)?;
    Ok(PublicKey::from_spki(spki.as_ref())?)
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = BASE64.encode(der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The validity that TLS certificates of a data folder get, from now on.
pub fn validity(now: Instant, period: std::time::Duration) -> Result<Validity, ComposeError> {
    // An hour back: the clients' clocks need not be as good as the server's.
    Validity::new(now.before(std::time::Duration::from_secs(3_600)), now.after(period))
}

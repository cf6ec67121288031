//! A certificate, read strictly: what does not re-encode to the same bytes is refused.

use std::fmt;
use std::sync::{Arc, OnceLock};

use der::{Decode, Encode};
use model::{BadSignature, Digest, Instant, KeyError, PublicKey};
use x509_cert::certificate::Version;
use x509_cert::time::Time;

use crate::algorithm::signature_identifier;
use crate::encoding;
use crate::extensions::Extensions;

/// The DER of a certificate: the largest key and signature of ML-DSA with room for names and extensions.
pub const CERTIFICATE_BYTES_MAX: usize = 32 * 1024;

/// An X.509 certificate of version 3.
///
/// That it could be read says nothing about its truth: see [`crate::verify_path`].
#[derive(Clone)]
pub struct Certificate(Arc<Read>);

/// A certificate that was read. It is looked at often and never changes.
struct Read {
    der: Vec<u8>,
    parsed: x509_cert::Certificate,
    extensions: Extensions,
    key: OnceLock<Result<PublicKey, KeyError>>,
    own: OnceLock<OwnSignature>,
}

/// What its own key says of a certificate's signature: that does not change with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnSignature {
    Good,
    Bad,
}

/// Why bytes are not a certificate that avouch reads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Longer than its limit.
    #[error("{length} bytes of certificate, where at most {CERTIFICATE_BYTES_MAX} are allowed")]
    TooLong {
        /// What was received.
        length: usize,
    },
    /// Not the DER of a certificate.
    #[error("not the DER of an X.509 certificate")]
    NotDer(#[source] Malformation),
    /// A certificate in an encoding that is not DER, such as a default that is spelled out or a date before 2050
    /// as GeneralizedTime.
    #[error("a certificate that is not in the one encoding of DER and RFC 5280: it differs at byte {at}")]
    NotCanonical {
        /// The first byte that differs.
        at: usize,
    },
    /// A certificate of version 1 or 2, which cannot say what its key is for.
    #[error("a certificate of X.509 version 1 or 2; only version 3 is read")]
    Version,
    /// The signature's algorithm inside the signed part is not the one outside of it.
    #[error("the certificate names one signature algorithm inside its signed part and another outside of it")]
    AlgorithmsDiffer,
    /// A signature that does not end where a byte ends.
    #[error("the certificate's signature is not a whole number of bytes")]
    UnevenSignature,
    /// An end before the beginning.
    #[error("the certificate ends at {not_after}, before it begins at {not_before}")]
    NeverValid {
        /// Its beginning.
        not_before: Instant,
        /// Its end.
        not_after: Instant,
    },
    /// An extension that stands there twice.
    #[error("the certificate has the extension {oid} twice")]
    DoubledExtension {
        /// Which.
        oid: String,
    },
    /// An extension that is known, with a value that is not of its kind.
    #[error("the certificate's extension {oid} is malformed")]
    Extension {
        /// Which.
        oid: String,
        /// Why.
        #[source]
        source: Malformation,
    },
}

/// What is wrong with bytes that should have been DER, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformation(der::Error);

impl Malformation {
    pub(crate) fn new(cause: der::Error) -> Self {
        Self(cause)
    }
}

/// Why a certificate is not signed by the key it should be signed by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The certificate names another issuer.
    #[error("the certificate was issued by `{named}`, not by `{issuer}`")]
    OtherIssuer {
        /// Whom it names.
        named: String,
        /// Whom it was held against.
        issuer: String,
    },
    /// The issuer's key is of an algorithm that is not verified here: this says nothing about the signature.
    #[error("the issuer's key cannot be used to check the certificate")]
    UnknownKey(#[source] KeyError),
    /// The certificate is signed with another algorithm than the issuer's key has.
    #[error("the certificate's signature is of another algorithm than the issuer's key")]
    OtherAlgorithm,
    /// The signature is bad.
    #[error("the certificate's signature is bad")]
    Bad(#[source] BadSignature),
}

/// How CMS names a signer's certificate (RFC 5652 §10.2.4), as DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerAndSerial {
    /// The issuer's Name.
    pub issuer: Vec<u8>,
    /// The serial number as INTEGER.
    pub serial: Vec<u8>,
}

impl Certificate {
    /// Reads the DER of one certificate, without anything after it.
    pub fn from_der(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > CERTIFICATE_BYTES_MAX {
            return Err(CertificateError::TooLong { length: bytes.len() });
        }
        let not_der = |cause| CertificateError::NotDer(Malformation::new(cause));
        let parsed = x509_cert::Certificate::from_der(bytes).map_err(not_der)?;
        let again = parsed.to_der().map_err(not_der)?;
        if again != bytes {
            let at =
                again.iter().zip(bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
            return Err(CertificateError::NotCanonical { at });
        }
        let signed = parsed.tbs_certificate();
        if signed.version() != Version::V3 {
            return Err(CertificateError::Version);
        }
        if signed.signature() != parsed.signature_algorithm() {
            return Err(CertificateError::AlgorithmsDiffer);
        }
        // The count of unused bits stands outside of what is signed: two certificates would differ and both verify.
        if parsed.signature().has_unused_bits() {
            return Err(CertificateError::UnevenSignature);
        }
        let extensions = Extensions::read(signed.extensions().map_or(&[], Vec::as_slice))?;
        let (key, own) = (OnceLock::new(), OnceLock::new());
        let certificate = Self(Arc::new(Read { der: bytes.to_vec(), parsed, extensions, key, own }));
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        if not_after < not_before {
            return Err(CertificateError::NeverValid { not_before, not_after });
        }
        Ok(certificate)
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The SHA-256 of the DER.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.0.der)
    }

    /// The key that it certifies.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        let read = || {
            PublicKey::from_spki(&encoding::der(self.0.parsed.tbs_certificate().subject_public_key_info()))
        };
        self.0.key.get_or_init(read).clone()
    }

    /// The first second in which it is valid.
    pub fn not_before(&self) -> Instant {
        instant(&self.0.parsed.tbs_certificate().validity().not_before)
    }

    /// The last second in which it is valid. `99991231235959Z`, which says that there is none (RFC 5280 §4.1.2.5),
    /// becomes the last instant there is.
    pub fn not_after(&self) -> Instant {
        instant(&self.0.parsed.tbs_certificate().validity().not_after)
    }

    /// The subject's common name; the first, where there are several.
    pub fn subject_common_name(&self) -> Option<String> {
        let name = self.0.parsed.tbs_certificate().subject().common_name().ok().flatten()?;
        Some(plain(&name.value()))
    }

    /// The subject as text (RFC 4514), for people.
    pub fn subject_text(&self) -> String {
        plain(&self.0.parsed.tbs_certificate().subject().to_string())
    }

    /// The issuer as text (RFC 4514), for people.
    pub fn issuer_text(&self) -> String {
        plain(&self.0.parsed.tbs_certificate().issuer().to_string())
    }

    /// The DER of the subject's Name.
    pub fn subject_der(&self) -> Vec<u8> {
        encoding::der(self.0.parsed.tbs_certificate().subject())
    }

    /// The DER of the issuer's Name.
    pub fn issuer_der(&self) -> Vec<u8> {
        encoding::der(self.0.parsed.tbs_certificate().issuer())
    }

    /// The serial number's bytes, as its INTEGER holds them: big-endian, with a leading zero where one is needed.
    pub fn serial(&self) -> &[u8] {
        self.0.parsed.tbs_certificate().serial_number().as_bytes()
    }

    /// How CMS names this certificate.
    pub fn issuer_and_serial(&self) -> IssuerAndSerial {
        let serial = encoding::der(self.0.parsed.tbs_certificate().serial_number());
        IssuerAndSerial { issuer: self.issuer_der(), serial }
    }

    /// Its subject key identifier (RFC 5280 §4.2.1.2).
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_identifier.as_deref()
    }

    /// The key identifier of its issuer (RFC 5280 §4.2.1.1).
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_identifier.as_deref()
    }

    /// The DER of one of its extensions' values, by the dotted OID; `None` if it has no such extension.
    pub fn extension(&self, oid: &str) -> Option<&[u8]> {
        let oid = oid.parse().ok()?;
        let all = self.0.parsed.tbs_certificate().extensions()?;
        all.iter().find(|extension| extension.extn_id == oid).map(|extension| extension.extn_value.as_bytes())
    }

    /// Does it say that it belongs to a certificate authority?
    pub fn is_authority(&self) -> bool {
        self.0.extensions.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }

    /// Does it name itself as its issuer?
    pub fn is_self_issued(&self) -> bool {
        let signed = self.0.parsed.tbs_certificate();
        signed.subject() == signed.issuer()
    }

    /// Checks its signature with the key of `issuer`, whose own standing is not looked at.
    pub fn verify_signature_by(&self, issuer: &Self) -> Result<(), SignatureError> {
        if self.issuer_der() != issuer.subject_der() {
            return Err(SignatureError::OtherIssuer {
                named: self.issuer_text(),
                issuer: issuer.subject_text(),
            });
        }
        let key = issuer.public_key().map_err(SignatureError::UnknownKey)?;
        if self.signature_algorithm_der() != signature_identifier(key.algorithm()) {
            return Err(SignatureError::OtherAlgorithm);
        }
        key.verify(&self.tbs_der(), self.signature()).map_err(SignatureError::Bad)
    }

    /// The bytes that its issuer signed.
    pub fn tbs_der(&self) -> Vec<u8> {
        encoding::der(self.0.parsed.tbs_certificate())
    }

    /// Its issuer's signature.
    pub fn signature(&self) -> &[u8] {
        self.0.parsed.signature().raw_bytes()
    }

    /// The DER AlgorithmIdentifier of its issuer's signature.
    pub fn signature_algorithm_der(&self) -> Vec<u8> {
        encoding::der(self.0.parsed.signature_algorithm())
    }

    /// Does it tell its subject or its issuer apart from others of the same name (RFC 5280 §4.1.2.8)?
    pub(crate) fn has_unique_identifiers(&self) -> bool {
        let signed = self.0.parsed.tbs_certificate();
        signed.issuer_unique_id().is_some() || signed.subject_unique_id().is_some()
    }

    pub(crate) fn all_extensions(&self) -> &[x509_cert::ext::Extension] {
        self.0.parsed.tbs_certificate().extensions().map_or(&[], Vec::as_slice)
    }

    /// What its own key says of its signature; `look` is asked once.
    pub(crate) fn own_signature(&self, look: impl FnOnce() -> OwnSignature) -> OwnSignature {
        *self.0.own.get_or_init(look)
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }
}

fn instant(time: &Time) -> Instant {
    Instant::from_seconds(time.to_unix_duration().as_secs())
}

/// Text of somebody else's that may stand in a message: without characters that would move a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.subject_text(), self.fingerprint())
    }
}

impl IssuerAndSerial {
    /// The whole IssuerAndSerialNumber.
    pub fn der(&self) -> Vec<u8> {
        let parts = [self.issuer.as_slice(), &self.serial].concat();
        encoding::der(
            &der::asn1::AnyRef::new(der::Tag::Sequence, &parts)
                .expect("name and number of a bounded certificate"),
        )
    }
}

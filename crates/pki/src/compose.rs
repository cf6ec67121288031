//! Certificates of our own, in two steps, because the key that signs them is elsewhere: compose the bytes to be
//! signed, then seal them with the signature.

use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{DateTime, Decode, Sequence};
use model::{Algorithm, Digest, Instant, KeyError, PublicKey};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
use x509_cert::time::Time;

use crate::algorithm::signature_identifier;
use crate::extensions::{Criticality, extension};
use crate::profile::Rank;
use crate::{Certificate, CertificateError, CertificateProfile, DistinguishedName, encoding};

/// All that a new certificate says. Composing it depends on nothing else.
#[derive(Debug, Clone)]
pub struct NewCertificate<'a> {
    /// What it looks like.
    pub profile: &'a CertificateProfile,
    /// Whom it is for.
    pub subject: &'a DistinguishedName,
    /// The key that it certifies.
    pub public_key: &'a PublicKey,
    /// Its number.
    pub serial: Serial,
    /// When it is valid.
    pub validity: Validity,
    /// Who signs it.
    pub issuer: Issuer<'a>,
}

/// Who signs a new certificate.
#[derive(Debug, Clone, Copy)]
pub enum Issuer<'a> {
    /// The key that it certifies: a root.
    Itself,
    /// The key of this certificate.
    Certificate(&'a Certificate),
}

/// A serial number: positive, 16 bytes, 126 of its bits chosen by the caller (RFC 5280 §4.1.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Serial([u8; 16]);

impl Serial {
    /// Makes random bytes into a serial number.
    pub const fn from_random(mut random: [u8; 16]) -> Self {
        // The top bit clear makes it positive, the next one set makes every number of one length.
        random[0] = random[0] & 0x7f | 0x40;
        Self(random)
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// When a certificate is valid: from one second to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    not_before: Instant,
    not_after: Instant,
}

impl Validity {
    /// Everything below a second is cut off.
    pub fn new(not_before: Instant, not_after: Instant) -> Result<Self, ComposeError> {
        let (not_before, not_after) = (not_before.whole_second(), not_after.whole_second());
        if not_after <= not_before {
            return Err(ComposeError::NeverValid { not_before, not_after });
        }
        Ok(Self { not_before, not_after })
    }

    /// The first second.
    pub const fn not_before(&self) -> Instant {
        self.not_before
    }

    /// The last second.
    pub const fn not_after(&self) -> Instant {
        self.not_after
    }
}

/// Why a certificate cannot be composed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// An end that is not after the beginning.
    #[error("a certificate valid from {not_before} to {not_after} would never be valid")]
    NeverValid {
        /// The beginning.
        not_before: Instant,
        /// The end.
        not_after: Instant,
    },
    /// A root that somebody else should issue, or an end-entity certificate that nobody should.
    #[error("a root signs its own certificate, and nothing else does")]
    WrongIssuer,
    /// An issuer whose certificate does not let it issue.
    #[error("`{issuer}` is no certificate authority")]
    NotAnAuthority {
        /// Its subject.
        issuer: String,
    },
    /// An issuer whose key avouch does not sign with.
    #[error("the key of `{issuer}` is not one that certificates are signed with")]
    UnknownKey {
        /// Its subject.
        issuer: String,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// A certificate that outlives its issuer, and so stops verifying before it ends.
    #[error(
        "a certificate until {not_after} would outlive its issuer `{issuer}`, which ends at {issuer_not_after}"
    )]
    OutlivesIssuer {
        /// The end that was asked for.
        not_after: Instant,
        /// The issuer's subject.
        issuer: String,
        /// The issuer's end.
        issuer_not_after: Instant,
    },
    /// A TLS server without a name.
    #[error("a certificate of a TLS server needs at least one name")]
    NoServerName,
}

/// The bytes of a certificate that its issuer is to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TbsCertificate {
    der: Vec<u8>,
    algorithm: Algorithm,
}

/// TBSCertificate (RFC 5280 §4.1), as far as we write it.
#[derive(Sequence)]
struct Tbs<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial_number: UintRef<'a>,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: x509_cert::time::Validity,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// Certificate (RFC 5280 §4.1).
#[derive(Sequence)]
struct Sealed<'a> {
    tbs_certificate: AnyRef<'a>,
    signature_algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// What an issuer contributes to the certificate that it signs.
pub(crate) struct Signing {
    name: Vec<u8>,
    algorithm: Algorithm,
    authority: Option<Extension>,
}

impl NewCertificate<'_> {
    /// Composes the bytes that the issuer's key is to sign.
    pub fn compose(&self) -> Result<TbsCertificate, ComposeError> {
        if matches!(self.profile, CertificateProfile::TlsServer { names } if names.is_empty()) {
            return Err(ComposeError::NoServerName);
        }
        let signing = self.signing()?;
        let (subject, extensions) = (self.subject.der(), self.profile.extensions());
        let (serial, validity) = (self.serial, self.validity);
        Ok(signing
            .compose(Subject { name: &subject, public_key: self.public_key, serial, validity }, extensions))
    }

    fn signing(&self) -> Result<Signing, ComposeError> {
        match (self.profile.rank(), self.issuer) {
            (Rank::Root, Issuer::Itself) => {
                let algorithm = self.public_key.algorithm();
                Ok(Signing { name: self.subject.der(), algorithm, authority: None })
            }
            (Rank::EndEntity, Issuer::Certificate(issuer)) => Signing::by(issuer, self.validity),
            (Rank::Root, Issuer::Certificate(_)) | (Rank::EndEntity, Issuer::Itself) => {
                Err(ComposeError::WrongIssuer)
            }
        }
    }
}

/// What a certificate says of whom it is for, without its extensions.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The DER of the Name.
    pub(crate) name: &'a [u8],
    pub(crate) public_key: &'a PublicKey,
    pub(crate) serial: Serial,
    pub(crate) validity: Validity,
}

impl Signing {
    /// What this authority contributes to a certificate that is valid for so long.
    pub(crate) fn by(issuer: &Certificate, validity: Validity) -> Result<Self, ComposeError> {
        if !issuer.is_authority() {
            return Err(ComposeError::NotAnAuthority { issuer: issuer.subject_text() });
        }
        if validity.not_after > issuer.not_after() {
            return Err(ComposeError::OutlivesIssuer {
                not_after: validity.not_after,
                issuer: issuer.subject_text(),
                issuer_not_after: issuer.not_after(),
            });
        }
        let key = issuer
            .public_key()
            .map_err(|source| ComposeError::UnknownKey { issuer: issuer.subject_text(), source })?;
        let identifier = issuer.subject_key_identifier().map_or_else(|| key_identifier(&key), <[u8]>::to_vec);
        let authority = AuthorityKeyIdentifier {
            key_identifier: Some(octets(&identifier)),
            ..AuthorityKeyIdentifier::default()
        };
        Ok(Self {
            name: issuer.subject_der(),
            algorithm: key.algorithm(),
            authority: Some(extension(Criticality::NotCritical, &authority)),
        })
    }

    /// The whole, with these extensions and those that identify keys.
    pub(crate) fn compose(self, subject: Subject<'_>, mut extensions: Vec<Extension>) -> TbsCertificate {
        let identifier = SubjectKeyIdentifier(octets(&key_identifier(subject.public_key)));
        extensions.push(extension(Criticality::NotCritical, &identifier));
        extensions.extend(self.authority);
        let tbs = Tbs {
            version: 2,
            serial_number: UintRef::new(&subject.serial.0).expect("sixteen bytes are a number"),
            signature: any(signature_identifier(self.algorithm)),
            issuer: any(&self.name),
            validity: x509_cert::time::Validity::new(
                time(subject.validity.not_before),
                time(subject.validity.not_after),
            ),
            subject: any(subject.name),
            subject_public_key_info: any(subject.public_key.spki()),
            extensions,
        };
        TbsCertificate { der: encoding::der(&tbs), algorithm: self.algorithm }
    }
}

impl TbsCertificate {
    /// The bytes to be signed.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// How they are to be signed.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Puts the signature to them. Whether it is good is not looked at: hold the certificate against its issuer
    /// with [`Certificate::verify_signature_by`] before it leaves.
    pub fn seal(&self, signature: &[u8]) -> Result<Certificate, CertificateError> {
        if signature.len() > crate::CERTIFICATE_BYTES_MAX {
            return Err(CertificateError::TooLong { length: signature.len() });
        }
        let sealed = Sealed {
            tbs_certificate: any(&self.der),
            signature_algorithm: any(signature_identifier(self.algorithm)),
            signature: BitStringRef::from_bytes(signature).expect("a signature of bounded length"),
        };
        Certificate::from_der(&encoding::der(&sealed))
    }
}

/// The leftmost 160 bits of the SHA-256 of the key's bits (RFC 7093 §2, method 1).
fn key_identifier(key: &PublicKey) -> Vec<u8> {
    let info =
        spki::SubjectPublicKeyInfoRef::from_der(key.spki()).expect("a public key holds well-formed DER");
    let digest = Digest::of(info.subject_public_key.raw_bytes());
    digest.as_bytes().iter().take(20).copied().collect()
}

/// UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5).
fn time(instant: Instant) -> Time {
    let since_1970 = std::time::Duration::from_secs(instant.seconds());
    Time::from(DateTime::from_unix_duration(since_1970).expect("an instant is before the year 2555"))
}

fn any(der: &[u8]) -> AnyRef<'_> {
    AnyRef::from_der(der).expect("these bytes were encoded as DER")
}

fn octets(bytes: &[u8]) -> der::asn1::OctetString {
    der::asn1::OctetString::new(bytes).expect("a key identifier of bounded length")
}

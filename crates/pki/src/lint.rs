//! The last look at a certificate for the holder of an ID token, before it leaves: does it hold to its profile?
//!
//! It is read back from its bytes, and by other code than composed it.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME,
    ID_CE_SUBJECT_KEY_IDENTIFIER, ID_KP_CODE_SIGNING,
};
use x509_cert::ext::pkix::KeyUsages;

use crate::extensions::Criticality;
use crate::token::{CertificateNames, HolderError};
use crate::{Certificate, HOLDER_PERIOD, SctError, SignatureError, WeakKey, check_strength};

/// What stands below it says who holds a token, and who says so.
const HOLDER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1");
/// The list of timestamps (RFC 6962 §3.3).
const TIMESTAMPS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");
/// The bytes of a serial number: at least 64 random bits, at most what RFC 5280 §4.1.2.2 allows.
const SERIAL_BYTES: std::ops::RangeInclusive<usize> = 9..=20;

/// A certificate for the holder of an ID token that holds to its profile in all that can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linted(Certificate);

/// What is wrong with a certificate that must not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LintFault {
    /// A rule of RFC 5280, or of the profile, that it breaks.
    #[error("the certificate breaks a rule of its profile: {rule}")]
    Rule {
        /// Which.
        rule: &'static str,
    },
    /// Not its issuer's.
    #[error("the certificate is not signed by its issuer")]
    Signature(#[source] SignatureError),
    /// It names nobody, or several.
    #[error("the certificate does not name its holder")]
    Holder(#[source] HolderError),
    /// No log's timestamp, or more than one.
    #[error("the certificate's timestamps cannot be read")]
    Timestamps(#[source] SctError),
    /// A key that must not be certified.
    #[error("the certificate's key is weak")]
    Weak(#[source] WeakKey),
}

impl Linted {
    /// Looks at everything that a certificate for a holder says.
    pub fn check(certificate: Certificate, issuer: &Certificate) -> Result<Self, LintFault> {
        certificate.verify_signature_by(issuer).map_err(LintFault::Signature)?;
        check_names(&certificate)?;
        check_key(&certificate, issuer)?;
        check_extensions(&certificate)?;
        check_numbers(&certificate, issuer)?;
        let timestamps = certificate.signed_timestamps().map_err(LintFault::Timestamps)?;
        holds(timestamps.len() == 1, "it has exactly one log's timestamp")?;
        Ok(Self(certificate))
    }

    /// The certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.0
    }

    /// The same, for whoever takes it.
    pub fn into_certificate(self) -> Certificate {
        self.0
    }
}

fn holds(good: bool, rule: &'static str) -> Result<(), LintFault> {
    if good { Ok(()) } else { Err(LintFault::Rule { rule }) }
}

fn check_names(certificate: &Certificate) -> Result<(), LintFault> {
    holds(certificate.subject_der() == [0x30, 0x00], "its subject is empty")?;
    CertificateNames::of(certificate).map(|_| ()).map_err(LintFault::Holder)
}

fn check_key(certificate: &Certificate, issuer: &Certificate) -> Result<(), LintFault> {
    let extensions = certificate.extensions();
    let usage = extensions.key_usage.as_ref().map(|usage| usage.0);
    holds(usage == Some(KeyUsages::DigitalSignature.into()), "its key signs, and does nothing else")?;
    let purposes = extensions.extended_key_usage.as_ref();
    let good = purposes.is_some_and(|(criticality, purposes)| {
        *criticality == Criticality::NotCritical && *purposes == [ID_KP_CODE_SIGNING]
    });
    holds(good, "its one purpose is code signing")?;
    holds(extensions.basic_constraints.is_none(), "it is no authority's")?;
    let own = certificate.subject_key_identifier();
    holds(own.is_some_and(|own| !own.is_empty()), "it names its key")?;
    let above = certificate.authority_key_identifier();
    holds(above.is_some() && above == issuer.subject_key_identifier(), "it names the key of its issuer")?;
    let key = certificate.public_key().map_err(|_| LintFault::Rule { rule: "its key is of a known kind" })?;
    check_strength(&key).map_err(LintFault::Weak)
}

/// INVARIANT: a certificate says nothing that its profile does not know.
fn check_extensions(certificate: &Certificate) -> Result<(), LintFault> {
    for extension in certificate.all_extensions() {
        let critical = match extension.extn_id {
            ID_CE_KEY_USAGE | ID_CE_SUBJECT_ALT_NAME => true,
            ID_CE_EXT_KEY_USAGE
            | ID_CE_SUBJECT_KEY_IDENTIFIER
            | ID_CE_AUTHORITY_KEY_IDENTIFIER
            | TIMESTAMPS => false,
            other if other.parent() == Some(HOLDER) => false,
            _ => return Err(LintFault::Rule { rule: "it has no extension that its profile does not know" }),
        };
        holds(extension.critical == critical, "what is critical in it is what its profile says")?;
    }
    Ok(())
}

fn check_numbers(certificate: &Certificate, issuer: &Certificate) -> Result<(), LintFault> {
    let serial = certificate.serial();
    let positive = serial.first().is_some_and(|first| *first < 0x80) && serial.iter().any(|byte| *byte != 0);
    holds(
        positive && SERIAL_BYTES.contains(&serial.len()),
        "its number is positive, random and not too long",
    )?;
    let (from, until) = (certificate.not_before(), certificate.not_after());
    holds(until == from.after(HOLDER_PERIOD), "it is valid for ten minutes")?;
    let within = from >= issuer.not_before() && until <= issuer.not_after();
    holds(within, "it is valid while its issuer's is")
}

//! Certificates for holders of ID tokens: short-lived, for code signing, and shown to a certificate-transparency log
//! before they are issued (RFC 6962 §3.1).
//!
//! The same certificate is composed three times: with the poison, so that the log may have it and nobody may use it;
//! without, which is what the log's timestamp is over; and with that timestamp in it, which is what the holder gets.

use std::time::Duration;

use const_oid::db::rfc5280::ID_KP_CODE_SIGNING;
use der::asn1::{Null, OctetString};
use model::{Instant, PublicKey};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages};

use crate::compose::{Serial, Signing, Subject, Validity};
use crate::extensions::{Criticality, extension};
use crate::sct::{self, POISON, SignedTimestamp};
use crate::token::CertificateNames;
use crate::{Certificate, ComposeError, TbsCertificate, encoding};

/// The DER of an empty Name: the holder is named in the subject alternative name alone.
const NO_NAME: &[u8] = &[0x30, 0x00];

/// All that a certificate for the holder of a token says. Composing it depends on nothing else.
#[derive(Debug, Clone, Copy)]
pub struct HolderCertificate<'a> {
    /// What the token says of its holder.
    pub names: &'a CertificateNames,
    /// The key that it certifies.
    pub public_key: &'a PublicKey,
    /// Its number.
    pub serial: Serial,
    /// When it is valid.
    pub validity: Validity,
    /// The authority that signs it.
    pub issuer: &'a Certificate,
}

/// How long such a certificate is valid: long enough to sign with, and over before anybody could ask whether it was
/// revoked.
pub const HOLDER_PERIOD: Duration = Duration::from_secs(600);

impl<'a> HolderCertificate<'a> {
    /// The certificate that begins at this time.
    pub fn beginning(
        time: Instant,
        serial: [u8; 16],
        names: &'a CertificateNames,
        public_key: &'a PublicKey,
        issuer: &'a Certificate,
    ) -> Result<Self, ComposeError> {
        let validity = Validity::new(time, time.after(HOLDER_PERIOD))?;
        Ok(Self { names, public_key, serial: Serial::from_random(serial), validity, issuer })
    }
}

impl HolderCertificate<'_> {
    /// The certificate that only the log may have.
    pub fn precertificate(&self) -> Result<TbsCertificate, ComposeError> {
        let extn_value = OctetString::new(encoding::der(&Null)).expect("two bytes");
        self.compose(Some(Extension { extn_id: POISON, critical: true, extn_value }))
    }

    /// What the log's timestamp is over: the certificate without the poison and without the timestamp.
    pub fn logged(&self) -> Result<TbsCertificate, ComposeError> {
        self.compose(None)
    }

    /// The certificate that the holder gets.
    pub fn certificate(&self, timestamp: &SignedTimestamp) -> Result<TbsCertificate, ComposeError> {
        self.compose(Some(sct::extension(timestamp)))
    }

    fn compose(&self, last: Option<Extension>) -> Result<TbsCertificate, ComposeError> {
        let mut extensions = vec![
            extension(Criticality::Critical, &KeyUsage(KeyUsages::DigitalSignature.into())),
            extension(Criticality::NotCritical, &ExtendedKeyUsage(vec![ID_KP_CODE_SIGNING])),
        ];
        extensions.extend(self.names.extensions());
        extensions.extend(last);
        let Self { public_key, serial, validity, .. } = *self;
        let subject = Subject { name: NO_NAME, public_key, serial, validity };
        Ok(Signing::by(self.issuer, validity)?.compose(subject, extensions))
    }
}

//! The signed attributes (RFC 5652 §11, RFC 5035 §3): composed, and read.

use std::time::Duration;

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, OctetStringRef, SetOfVec, UtcTime};
use der::{Decode, Encode, Tag, TagNumber, Tagged};
use model::{Hash, Instant};
use pki::Certificate;

use super::CmsError;
use super::asn1::{Attribute, EssCertIdV2, IssuerSerial, SigningCertificateV2};
use crate::der_set::write;
use crate::{algorithms, oids};

/// How signing-certificate-v2 names the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateName {
    /// By its hash.
    Hash,
    /// By its hash, its issuer and its serial number.
    HashAndIssuer,
}

/// What is said in signed attributes.
pub(crate) struct NewAttributes<'a> {
    pub(crate) content_type: ObjectIdentifier,
    pub(crate) message_digest: &'a [u8],
    /// What is below a second is cut off.
    pub(crate) signing_time: Instant,
    pub(crate) certificate: &'a Certificate,
    pub(crate) certificate_name: CertificateName,
}

impl NewAttributes<'_> {
    /// The DER SET OF that a key signs (RFC 5652 §5.4).
    pub(crate) fn encode(&self) -> Vec<u8> {
        let values = [
            (oids::CONTENT_TYPE, write(&self.content_type)),
            (oids::SIGNING_TIME, time(self.signing_time)),
            (oids::MESSAGE_DIGEST, write(&octets(self.message_digest))),
            (oids::SIGNING_CERTIFICATE_V2, self.signing_certificate()),
        ];
        let attributes = values.iter().map(|(kind, value)| {
            let value = AnyRef::from_der(value).expect("a value that was just written as DER");
            Attribute { kind: *kind, values: SetOfVec::try_from(vec![value]).expect("one value is in order") }
        });
        write(&SetOfVec::from_iter(attributes).expect("four attributes of different kinds"))
    }

    fn signing_certificate(&self) -> Vec<u8> {
        let name = self.certificate.issuer_and_serial();
        let issuer = directory_name(&name.issuer);
        let serial =
            AnyRef::from_der(&name.serial).expect("the serial number of a certificate that was read");
        let issuer_and_serial = match self.certificate_name {
            CertificateName::Hash => None,
            CertificateName::HashAndIssuer => Some(IssuerSerial { issuer: vec![issuer], serial }),
        };
        let fingerprint = self.certificate.fingerprint();
        let certificate =
            EssCertIdV2 { hash_algorithm: None, hash: octets(fingerprint.as_bytes()), issuer_and_serial };
        write(&SigningCertificateV2 { certificates: vec![certificate] })
    }
}

/// UTCTime until 2049, GeneralizedTime from 2050 (RFC 5652 §11.3).
fn time(instant: Instant) -> Vec<u8> {
    let since_epoch = Duration::from_secs(instant.seconds());
    match UtcTime::from_unix_duration(since_epoch) {
        Ok(time) => write(&time),
        Err(_) => write(
            &GeneralizedTime::from_unix_duration(since_epoch).expect("instants end before the year 10000"),
        ),
    }
}

fn octets(bytes: &[u8]) -> &OctetStringRef {
    OctetStringRef::new(bytes).expect("a digest is short")
}

/// The GeneralName of a directory Name: `[4] EXPLICIT`, because Name is a CHOICE.
pub(crate) fn directory_name(name: &[u8]) -> AnyRef<'_> {
    AnyRef::new(DIRECTORY_NAME, name).expect("the name of a bounded certificate")
}

const DIRECTORY_NAME: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(4) };

/// What signed attributes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) content_type: ObjectIdentifier,
    pub(crate) message_digest: Vec<u8>,
    pub(crate) signing_time: Option<Instant>,
    certificate: NamedCertificate,
}

/// The certificate that signing-certificate-v2 names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NamedCertificate {
    hash_with: Hash,
    hash: Vec<u8>,
    issuer_and_serial: Option<(Vec<u8>, Vec<u8>)>,
}

impl Attributes {
    /// Reads the attributes that are known; others are signed as well, and say nothing here.
    pub(super) fn read(attributes: &SetOfVec<Attribute<'_>>) -> Result<Self, CmsError> {
        let malformed = |attribute| CmsError::Attribute { attribute };
        let content_type = only(attributes, oids::CONTENT_TYPE)?.ok_or(malformed("content-type"))?;
        let message_digest = only(attributes, oids::MESSAGE_DIGEST)?.ok_or(malformed("message-digest"))?;
        let certificate =
            only(attributes, oids::SIGNING_CERTIFICATE_V2)?.ok_or(malformed("signing-certificate-v2"))?;
        let message_digest: &OctetStringRef =
            message_digest.decode_as().map_err(|_| malformed("message-digest"))?;
        let signing_time = match only(attributes, oids::SIGNING_TIME)? {
            Some(value) => Some(read_time(value).ok_or(malformed("signing-time"))?),
            None => None,
        };
        Ok(Self {
            content_type: content_type.decode_as().map_err(|_| malformed("content-type"))?,
            message_digest: message_digest.as_bytes().to_vec(),
            signing_time,
            certificate: NamedCertificate::read(certificate).ok_or(malformed("signing-certificate-v2"))?,
        })
    }

    /// Is this the certificate that was signed with?
    pub(super) fn check_certificate(&self, certificate: &Certificate) -> Result<(), CmsError> {
        let named = &self.certificate;
        let at_hand = certificate.issuer_and_serial();
        let same_name = match &named.issuer_and_serial {
            Some((issuer, serial)) => {
                *issuer == write(&directory_name(&at_hand.issuer)) && *serial == at_hand.serial
            }
            None => true,
        };
        if same_name && named.hash == named.hash_with.digest(certificate.der()) {
            Ok(())
        } else {
            Err(CmsError::OtherCertificate)
        }
    }
}

impl NamedCertificate {
    /// The first certificate named is the signer's (RFC 5035 §3).
    fn read(value: AnyRef<'_>) -> Option<Self> {
        let named: SigningCertificateV2<'_> = value.decode_as().ok()?;
        let first = named.certificates.into_iter().next()?;
        let hash_with = match first.hash_algorithm {
            None => Hash::Sha256,
            Some(identifier) => algorithms::hash(&identifier.to_der().ok()?)?,
        };
        let issuer_and_serial = match first.issuer_and_serial {
            None => None,
            Some(name) => match name.issuer.as_slice() {
                [issuer] => Some((issuer.to_der().ok()?, name.serial.to_der().ok()?)),
                _ => return None,
            },
        };
        Some(Self { hash_with, hash: first.hash.as_bytes().to_vec(), issuer_and_serial })
    }
}

/// The one value of an attribute; `None` if it is not there. The same attribute twice, or with another number of
/// values than one, is malformed (RFC 5652 §11).
pub(super) fn only<'a>(
    attributes: &SetOfVec<Attribute<'a>>,
    kind: ObjectIdentifier,
) -> Result<Option<AnyRef<'a>>, CmsError> {
    let mut found = attributes.iter().filter(|attribute| attribute.kind == kind);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(attribute), None) => match attribute.values.as_slice() {
            [value] => Ok(Some(*value)),
            _ => Err(CmsError::Attribute { attribute: oids::name(kind) }),
        },
        (Some(_), Some(_)) => Err(CmsError::Attribute { attribute: oids::name(kind) }),
    }
}

fn read_time(value: AnyRef<'_>) -> Option<Instant> {
    let since_epoch = match value.tag() {
        Tag::UtcTime => value.decode_as::<UtcTime>().ok()?.to_unix_duration(),
        Tag::GeneralizedTime => value.decode_as::<GeneralizedTime>().ok()?.to_unix_duration(),
        _ => return None,
    };
    Some(Instant::from_seconds(since_epoch.as_secs()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    const SIGNED: &[u8] =
        include_bytes!("../../tests/vectors/worked-example/cms/ecdsa/signed-attributes.der");

    #[test]
    fn hash_issuer_and_serial_number_of_the_named_certificate_must_all_be_the_signers() {
        let leaf = include_str!("../../tests/vectors/worked-example/cms/ecdsa/leaf.pem");
        let leaf = Certificate::from_pem(leaf).unwrap();
        let good = Attributes::read(&SetOfVec::from_der(SIGNED).unwrap()).unwrap();
        assert!(good.check_certificate(&leaf).is_ok());
        let (issuer, serial) = good.certificate.issuer_and_serial.clone().unwrap();
        for certificate in [
            NamedCertificate { hash: vec![0; 32], ..good.certificate.clone() },
            NamedCertificate { hash_with: Hash::Sha512, ..good.certificate.clone() },
            NamedCertificate {
                issuer_and_serial: Some((issuer.clone(), vec![2, 1, 1])),
                ..good.certificate.clone()
            },
            NamedCertificate {
                issuer_and_serial: Some((serial.clone(), serial)),
                ..good.certificate.clone()
            },
        ] {
            let refused = Attributes { certificate, ..good.clone() }.check_certificate(&leaf);
            assert!(matches!(refused, Err(CmsError::OtherCertificate)));
        }
        let by_hash_alone = NamedCertificate { issuer_and_serial: None, ..good.certificate.clone() };
        assert!(Attributes { certificate: by_hash_alone, ..good }.check_certificate(&leaf).is_ok());
    }
}

//! The extensions that avouch understands, read once.

use const_oid::{AssociatedOid, ObjectIdentifier};
use der::asn1::OctetString;
use der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};

use crate::certificate::{CertificateError, Malformation};
use crate::encoding;

/// Whether a reader that does not know an extension may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Criticality {
    Critical,
    NotCritical,
}

/// What a certificate says of its key, in extensions that avouch understands (RFC 5280 §4.2.1).
#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions {
    pub(crate) basic_constraints: Option<BasicConstraints>,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) extended_key_usage: Option<(Criticality, Vec<ObjectIdentifier>)>,
    pub(crate) subject_key_identifier: Option<Vec<u8>>,
    pub(crate) authority_key_identifier: Option<Vec<u8>>,
}

impl Extensions {
    /// Reads the extensions of a certificate; refuses one that stands there twice (RFC 5280 §4.2).
    pub(crate) fn read(all: &[Extension]) -> Result<Self, CertificateError> {
        let mut read = Self::default();
        for (place, extension) in all.iter().enumerate() {
            let oid = extension.extn_id;
            if all.iter().take(place).any(|earlier| earlier.extn_id == oid) {
                return Err(CertificateError::DoubledExtension { oid: oid.to_string() });
            }
            let value = extension.extn_value.as_bytes();
            if oid == BasicConstraints::OID {
                read.basic_constraints = Some(decode(oid, value)?);
            } else if oid == KeyUsage::OID {
                read.key_usage = Some(decode(oid, value)?);
            } else if oid == ExtendedKeyUsage::OID {
                let criticality =
                    if extension.critical { Criticality::Critical } else { Criticality::NotCritical };
                read.extended_key_usage = Some((criticality, decode::<ExtendedKeyUsage>(oid, value)?.0));
            } else if oid == SubjectKeyIdentifier::OID {
                let identifier: SubjectKeyIdentifier = decode(oid, value)?;
                read.subject_key_identifier = Some(identifier.0.into_bytes().into());
            } else if oid == AuthorityKeyIdentifier::OID {
                let identifier: AuthorityKeyIdentifier = decode(oid, value)?;
                read.authority_key_identifier =
                    identifier.key_identifier.map(|bytes| bytes.into_bytes().into());
            }
        }
        Ok(read)
    }
}

fn decode<'a, T: Decode<'a, Error = der::Error>>(
    oid: ObjectIdentifier,
    value: &'a [u8],
) -> Result<T, CertificateError> {
    T::from_der(value).map_err(|cause| CertificateError::Extension {
        oid: oid.to_string(),
        source: Malformation::new(cause),
    })
}

/// An extension of our own making.
pub(crate) fn extension<T: AssociatedOid + Encode>(criticality: Criticality, value: &T) -> Extension {
    let value = OctetString::new(encoding::der(value)).expect("an extension of ours has a bounded length");
    Extension { extn_id: T::OID, critical: criticality == Criticality::Critical, extn_value: value }
}

//! What a certificate for the holder of a token says, read back.

use const_oid::ObjectIdentifier;
use der::asn1::Utf8StringRef;
use der::{Decode, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::names::{ISSUER, ISSUER_V2, USERNAME};
use super::{CertificateNames, SubjectName, WorkflowExtension};
use crate::Certificate;

/// Subject alternative names (RFC 5280 §4.2.1.6).
const SUBJECT_ALT_NAME: &str = "2.5.29.17";

/// Why a certificate names no holder of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HolderError {
    /// No subject alternative name, or several: whom the certificate is for would be anybody's guess.
    #[error("the certificate must name exactly one subject, as an address, a URI or a user name")]
    NotOneSubject,
    /// An extension that is not of its kind.
    #[error("the certificate's extension 1.3.6.1.4.1.57264.1.{number} is malformed")]
    Extension {
        /// The last arc of its identifier.
        number: u32,
    },
    /// No issuer of tokens.
    #[error("the certificate does not say who vouched for its subject")]
    NoIssuer,
}

impl CertificateNames {
    /// What a certificate says of its holder. Nothing is believed that the certificate's path does not prove.
    pub fn of(certificate: &Certificate) -> Result<Self, HolderError> {
        let subject = subject(certificate)?;
        let new = extension(certificate, &ISSUER_V2).map(|value| utf8(value, 8)).transpose()?;
        let old = extension(certificate, &ISSUER).map(|value| raw(value, 1)).transpose()?;
        let issuer = new.or(old).ok_or(HolderError::NoIssuer)?;
        let mut workflow = Vec::new();
        for known in WorkflowExtension::ALL {
            if let Some(value) = extension(certificate, &known.identifier()) {
                let read = if known.is_raw() { raw } else { utf8 };
                workflow.push((*known, read(value, known.number())?));
            }
        }
        Ok(Self { subject, issuer, workflow })
    }
}

fn subject(certificate: &Certificate) -> Result<SubjectName, HolderError> {
    let value = certificate.extension(SUBJECT_ALT_NAME).ok_or(HolderError::NotOneSubject)?;
    let names = SubjectAltName::from_der(value).map_err(|_| HolderError::NotOneSubject)?;
    match names.0.as_slice() {
        [GeneralName::Rfc822Name(email)] => Ok(SubjectName::Email(email.to_string())),
        [GeneralName::UniformResourceIdentifier(uri)] => Ok(SubjectName::Uri(uri.to_string())),
        [GeneralName::OtherName(other)] if other.type_id == USERNAME => {
            let text = (other.value.tag() == der::Tag::Utf8String).then(|| other.value.value());
            let text = text.and_then(|bytes| std::str::from_utf8(bytes).ok());
            text.map(|text| SubjectName::Username(text.to_owned())).ok_or(HolderError::NotOneSubject)
        }
        _ => Err(HolderError::NotOneSubject),
    }
}

fn extension<'a>(certificate: &'a Certificate, identifier: &ObjectIdentifier) -> Option<&'a [u8]> {
    certificate.extension(&identifier.to_string())
}

fn raw(value: &[u8], number: u32) -> Result<String, HolderError> {
    String::from_utf8(value.to_vec()).map_err(|_| HolderError::Extension { number })
}

fn utf8(value: &[u8], number: u32) -> Result<String, HolderError> {
    let text = Utf8StringRef::from_der(value).map_err(|_| HolderError::Extension { number })?;
    Ok(text.as_str().to_owned())
}

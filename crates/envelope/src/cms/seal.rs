//! Putting a CMS signature together.

use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, SetOfVec};
use pki::Certificate;

use super::asn1::{Attribute, ContentInfo, EncapsulatedContentInfo, SignedData, SignerInfo};
use super::{CERTIFICATES_MAX, CMS_BYTES_MAX, CmsError};
use crate::der_set::{self, Malformation, SetInOrder, write};
use crate::{algorithms, oids};

/// Puts a detached signature together: the DER of a `.p7s`.
///
/// `attributes` is what the key signed; `chain` is the signer's certificate and those above it without the root;
/// `token` is an RFC 3161 token over `signature`. Nothing is verified: whoever seals has verified what it got.
pub fn seal(
    attributes: &[u8],
    chain: &[Certificate],
    signature: &[u8],
    token: Option<&[u8]>,
) -> Result<Vec<u8>, CmsError> {
    let (signer, _) = chain.split_first().ok_or(CmsError::NoSignerCertificate)?;
    seal_signed_data(&SignedParts {
        content_type: oids::DATA,
        content: None,
        attributes,
        signer,
        embedded: chain,
        signature,
        token,
    })
}

/// The parts of a SignedData.
pub(crate) struct SignedParts<'a> {
    pub(crate) content_type: ObjectIdentifier,
    pub(crate) content: Option<&'a [u8]>,
    pub(crate) attributes: &'a [u8],
    pub(crate) signer: &'a Certificate,
    pub(crate) embedded: &'a [Certificate],
    pub(crate) signature: &'a [u8],
    pub(crate) token: Option<&'a [u8]>,
}

/// The DER of a ContentInfo with a SignedData of these parts.
pub(crate) fn seal_signed_data(parts: &SignedParts<'_>) -> Result<Vec<u8>, CmsError> {
    if parts.embedded.len() > CERTIFICATES_MAX {
        return Err(CmsError::CertificateCount { count: parts.embedded.len() });
    }
    let malformed = |cause: der::Error| CmsError::Malformed(Malformation::new(cause));
    let algorithm = parts.signer.public_key().map_err(CmsError::Key)?.algorithm();
    let digest_algorithm = any(algorithms::hash_identifier(algorithm.content_hash()));
    let name = parts.signer.issuer_and_serial().der();
    let token = parts.token.map(AnyRef::from_der).transpose().map_err(malformed)?;
    let unsigned_attributes = match token {
        None => None,
        Some(token) => {
            let values = SetOfVec::try_from(vec![token]).map_err(malformed)?;
            let attribute = Attribute { kind: oids::TIMESTAMP_TOKEN, values };
            Some(SetOfVec::try_from(vec![attribute]).map_err(malformed)?)
        }
    };
    let signer_info = SignerInfo {
        version: SIGNER_BY_ISSUER,
        signer: any(&name),
        digest_algorithm,
        signed_attributes: Some(der_set::read(parts.attributes, CMS_BYTES_MAX)?),
        signature_algorithm: any(algorithms::signature_identifier(algorithm)),
        signature: OctetStringRef::new(parts.signature).map_err(malformed)?,
        unsigned_attributes,
    };
    // DER sorts a SET OF by its encoding.
    let mut certificates: Vec<&[u8]> = parts.embedded.iter().map(Certificate::der).collect();
    certificates.sort_unstable();
    let certificates = Some(certificates).filter(|list| !list.is_empty());
    let content = parts.content.map(OctetStringRef::new).transpose().map_err(malformed)?;
    let signed_data = SignedData {
        version: version(parts.content_type),
        digest_algorithms: SetInOrder(vec![digest_algorithm]),
        encapsulated: EncapsulatedContentInfo { content_type: parts.content_type, content },
        certificates: certificates.map(|list| SetInOrder(list.into_iter().map(any).collect())),
        signer_infos: SetInOrder(vec![signer_info]),
    };
    Ok(write(&ContentInfo { content_type: oids::SIGNED_DATA, content: signed_data }))
}

/// The version of a SignerInfo that names its signer by issuer and serial number (RFC 5652 §5.3).
pub(super) const SIGNER_BY_ISSUER: u8 = 1;

/// The version of a SignedData: 1 for plain data, 3 for anything else (RFC 5652 §5.1).
pub(super) fn version(content_type: ObjectIdentifier) -> u8 {
    if content_type == oids::DATA { 1 } else { 3 }
}

/// Bytes that are DER of our own or of a certificate that was read.
fn any(der: &[u8]) -> AnyRef<'_> {
    AnyRef::from_der(der).expect("identifiers, names and certificates are DER")
}

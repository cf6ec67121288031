//! What can be wrong with a CMS envelope.

use model::{Algorithm, BadSignature, Hash, KeyError};
use pki::CertificateError;

use crate::der_set::Malformation;

/// Why bytes are not a CMS signature that is read here, or not one of this content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CmsError {
    /// Not the DER of a SignedData.
    #[error("not the DER of a CMS signature")]
    Malformed(#[from] Malformation),
    /// Well formed, and of a kind that is not read.
    #[error("a CMS signature that is not read here, because of its {what}")]
    Unsupported {
        /// What is not read.
        what: &'static str,
    },
    /// No signer, or several.
    #[error("a CMS signature with {count} signers, where exactly one is read")]
    SignerCount {
        /// How many there are.
        count: usize,
    },
    /// More certificates than are read.
    #[error("a CMS signature with {count} certificates, where at most {} are read", super::CERTIFICATES_MAX)]
    CertificateCount {
        /// How many there are.
        count: usize,
    },
    /// A certificate in the envelope cannot be read.
    #[error("a certificate in the CMS signature cannot be read")]
    Certificate(#[source] CertificateError),
    /// The signer's certificate is not there.
    #[error("the certificate that the CMS signature names is not among those at hand")]
    NoSignerCertificate,
    /// The signer's key is not one that is verified here.
    #[error("the signer's key cannot be checked")]
    Key(#[source] KeyError),
    /// A signed attribute is missing, doubled, or not of its kind.
    #[error("the signed attribute `{attribute}` is missing, doubled or malformed")]
    Attribute {
        /// Which.
        attribute: &'static str,
    },
    /// The signed content type is not that of the content (RFC 5652 §11.1).
    #[error("the signed attribute `content-type` names another type than the content has")]
    ContentType,
    /// The content is not the one that was signed.
    #[error("the content is not the one that was signed: its digest differs")]
    OtherContent,
    /// The content was signed by a digest that is not known: nothing can be said.
    #[error("the content was signed by its {hash}, which is not known")]
    DigestUnknown {
        /// The hash.
        hash: Hash,
    },
    /// The certificate at hand is not the one that was signed with (RFC 5035 §5).
    #[error("the signed attribute `signing-certificate-v2` names another certificate than the signer's")]
    OtherCertificate,
    /// The envelope names a signature algorithm that the signer's key and digest do not have.
    #[error(
        "the CMS signature names an algorithm that does not go with the signer's {algorithm} key and digest"
    )]
    OtherAlgorithm {
        /// What the key has.
        algorithm: Algorithm,
    },
    /// The signature is bad.
    #[error("the CMS signature is bad")]
    BadSignature(#[from] BadSignature),
}

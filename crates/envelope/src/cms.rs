//! Detached CMS signatures (RFC 5652) with the certificate among the signed attributes (RFC 5035).
//!
//! What is composed: the four signed attributes content-type, signing-time, message-digest and
//! signing-certificate-v2, as the DER SET OF that a key signs. What is sealed and opened: SignedData with exactly
//! one signer, named by issuer and serial number, and optionally an RFC 3161 token over the signature as an
//! unsigned attribute. CRLs, other certificates than X.509 and signers without attributes are not read.
//!
//! | part of a `.p7s` | covered by |
//! |---|---|
//! | signed attributes, signature, its algorithms, signer's name and certificate, versions, content type | [`OpenedCms::verify_signature`] |
//! | certificates beside the signer's | the path check of the room `pki` |
//! | the timestamp token | [`crate::timestamp::verify`] |
//! | order of the certificates | nothing |

mod asn1;
pub(crate) mod attributes;
mod error;
mod open;
mod seal;

pub use error::CmsError;
pub use open::{OpenedCms, VerifiedCms, open};
pub use seal::seal;

pub(crate) use open::{SignedMessage, open_signed_data};
pub(crate) use seal::{SignedParts, seal_signed_data};

/// A `.p7s`: certificates, a token with certificates of its own, and a signature.
pub const CMS_BYTES_MAX: usize = 256 * 1024;

/// Certificates in one envelope.
pub const CERTIFICATES_MAX: usize = 8;

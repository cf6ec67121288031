//! What can be wrong with requests and tokens, and how a timestamp authority says so.

use pki::PathError;

use crate::cms::CmsError;
use crate::der_set::Malformation;

/// Why a request is refused, or a token is not one over these bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Not the DER of a request.
    #[error("not the DER of a timestamp request")]
    Request(#[source] Malformation),
    /// Not the DER of a response.
    #[error("not the DER of a timestamp response")]
    Response(#[source] Malformation),
    /// Not the DER of what a token says.
    #[error("not the DER of a TSTInfo")]
    TstInfo(#[source] Malformation),
    /// A version other than 1.
    #[error("version {version} of RFC 3161, where only version 1 is known")]
    Version {
        /// Which.
        version: u8,
    },
    /// A hash that is not taken.
    #[error("the imprint is made with a hash that is not taken; known are SHA-256, SHA-384 and SHA-512")]
    UnknownHash,
    /// An imprint that is not as long as its hash.
    #[error("the imprint has {length} bytes, which is not the length of its hash")]
    ImprintLength {
        /// How long it is.
        length: usize,
    },
    /// A nonce or serial number that is too long.
    #[error(
        "a nonce or serial number of {length} bytes, where at most {} are taken",
        super::INTEGER_BYTES_MAX
    )]
    IntegerLength {
        /// How long it is.
        length: usize,
    },
    /// A policy that is not offered.
    #[error("the policy {policy} is asked for, and only {} is offered", super::POLICY)]
    OtherPolicy {
        /// Which.
        policy: String,
    },
    /// An extension of a request, or a critical one of a token.
    #[error("a timestamp request or token with an extension that is not known here")]
    Extension,
    /// A response that grants nothing.
    #[error("the timestamp authority refused, with status {status}: `{text}`")]
    Refused {
        /// PKIStatus.
        status: u8,
        /// What it said.
        text: String,
    },
    /// A response that grants and refuses at once.
    #[error("the timestamp response says that the request was granted, and why it was not")]
    GrantedWithFailure,
    /// A response that grants, and has no token.
    #[error("the timestamp response has no token")]
    NoToken,
    /// The token is not a CMS signature that holds.
    #[error("the timestamp token is not signed as it should be")]
    Cms(#[from] CmsError),
    /// The token is over other bytes.
    #[error("the timestamp token is over other bytes than these")]
    OtherImprint,
    /// The token is over a hash that is not at hand: nothing can be said.
    #[error(
        "the timestamp token is over another hash than SHA-256; the bytes themselves are needed to check it"
    )]
    ImprintUnknown,
    /// The token names another authority than its certificate does.
    #[error("the timestamp token names another authority than the certificate it is signed with")]
    OtherAuthority,
    /// No path to a root, at the time of the token.
    #[error("the timestamp authority's certificate does not stand")]
    Path(#[source] PathError),
}

/// Why an authority refuses (PKIFailureInfo, RFC 3161 §2.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureInfo {
    /// The hash is not taken.
    BadAlgorithm,
    /// The transaction is not permitted or supported.
    BadRequest,
    /// The bytes are of the wrong format.
    BadFormat,
    /// The authority has no time it can vouch for.
    TimeNotAvailable,
    /// The policy is not offered.
    UnacceptedPolicy,
    /// An extension is not taken.
    UnacceptedExtension,
    /// Something else failed.
    SystemFailure,
}

impl FailureInfo {
    /// The number of its bit.
    pub(super) const fn bit(self) -> u8 {
        match self {
            Self::BadAlgorithm => 0,
            Self::BadRequest => 2,
            Self::BadFormat => 5,
            Self::TimeNotAvailable => 14,
            Self::UnacceptedPolicy => 15,
            Self::UnacceptedExtension => 16,
            Self::SystemFailure => 25,
        }
    }
}

impl TimestampError {
    /// How an authority that refuses a request for this reason says so.
    pub const fn failure(&self) -> FailureInfo {
        match self {
            Self::Request(_) | Self::ImprintLength { .. } | Self::IntegerLength { .. } => {
                FailureInfo::BadFormat
            }
            Self::UnknownHash => FailureInfo::BadAlgorithm,
            Self::OtherPolicy { .. } => FailureInfo::UnacceptedPolicy,
            Self::Extension => FailureInfo::UnacceptedExtension,
            Self::Version { .. } => FailureInfo::BadRequest,
            _ => FailureInfo::SystemFailure,
        }
    }
}

//! What a signer's certificate must say for its signatures to count.

use std::fmt;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{
    ANY_EXTENDED_KEY_USAGE, ID_KP_CODE_SIGNING, ID_KP_SERVER_AUTH, ID_KP_TIME_STAMPING,
};

use crate::Certificate;
use crate::extensions::Criticality;

/// What a path is verified for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Signing code.
    CodeSigning,
    /// Signing timestamp tokens.
    Timestamping,
}

impl Usage {
    pub(crate) const fn oid(self) -> &'static ObjectIdentifier {
        match self {
            Self::CodeSigning => &ID_KP_CODE_SIGNING,
            Self::Timestamping => &ID_KP_TIME_STAMPING,
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CodeSigning => "code signing",
            Self::Timestamping => "timestamping",
        })
    }
}

/// What keeps a certificate from a usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UsageFault {
    /// No extended key usage, so that the certificate would be good for everything.
    #[error("it has no extended key usage, where {usage} must stand")]
    Unrestricted {
        /// What is needed.
        usage: Usage,
    },
    /// An extended key usage for something else.
    #[error("its extended key usage does not name {usage}")]
    OtherPurpose {
        /// What is needed.
        usage: Usage,
    },
    /// A code signing key that is also one of TLS servers, or of anything.
    #[error("its extended key usage also names server authentication or any purpose at all")]
    TooBroad,
    /// A timestamping key that is also something else (RFC 3161 §2.3).
    #[error("its extended key usage names more than timestamping")]
    NotSole,
    /// A timestamping key whose extended key usage may be overlooked (RFC 3161 §2.3).
    #[error("its extended key usage is not critical")]
    NotCritical,
    /// A key usage that is missing, or without digital signatures.
    #[error("its key usage does not name digital signatures")]
    NoDigitalSignature,
    /// The certificate of an authority, which signs certificates and nothing else.
    #[error("it belongs to a certificate authority")]
    Authority,
}

impl Certificate {
    /// Holds the certificate to what a signer's certificate must say for `usage`. This looks at the certificate
    /// alone; whether anybody vouches for it is for [`crate::verify_path`] to find out.
    pub fn check_usage(&self, usage: Usage) -> Result<(), UsageFault> {
        let key_usage = self.extensions().key_usage;
        if self.is_authority() || key_usage.is_some_and(|key_usage| key_usage.key_cert_sign()) {
            return Err(UsageFault::Authority);
        }
        if !key_usage.is_some_and(|key_usage| key_usage.digital_signature()) {
            return Err(UsageFault::NoDigitalSignature);
        }
        let Some((criticality, purposes)) = &self.extensions().extended_key_usage else {
            return Err(UsageFault::Unrestricted { usage });
        };
        if !purposes.contains(usage.oid()) {
            return Err(UsageFault::OtherPurpose { usage });
        }
        match usage {
            Usage::CodeSigning
                if purposes.contains(&ID_KP_SERVER_AUTH) || purposes.contains(&ANY_EXTENDED_KEY_USAGE) =>
            {
                Err(UsageFault::TooBroad)
            }
            Usage::Timestamping if purposes.len() != 1 => Err(UsageFault::NotSole),
            Usage::Timestamping if *criticality != Criticality::Critical => Err(UsageFault::NotCritical),
            Usage::CodeSigning | Usage::Timestamping => Ok(()),
        }
    }
}

//! Certificate profiles: what a certificate of ours may be used for.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_CODE_SIGNING, ID_KP_SERVER_AUTH, ID_KP_TIME_STAMPING};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName};

use crate::ServerName;
use crate::extensions::{Criticality, extension};

/// What a certificate of ours looks like, and so what its key is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateProfile {
    /// The root of the platform's own keys: it may issue for code signing and for timestamping.
    Root,
    /// The root of certificates for holders of ID tokens, which can make no other authority. It stands beside the root of
    /// the platform's own keys: whoever trusts that for what a platform signs must not come to trust every holder of a
    /// token.
    HolderAuthority,
    /// A key that signs code.
    CodeSigning,
    /// The key of a timestamp authority: that and nothing else (RFC 3161 §2.3).
    Timestamping,
    /// The root of TLS between parts of the platform. It issues end-entity certificates only, and its extended key
    /// usage keeps them out of code signing and timestamping.
    TlsRoot,
    /// A TLS server.
    TlsServer {
        /// The names it answers to; at least one.
        names: Vec<ServerName>,
    },
    /// A TLS client.
    TlsClient,
}

/// Who signs certificates of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// The key of the certificate itself.
    Root,
    /// A certificate authority.
    EndEntity,
}

impl CertificateProfile {
    pub(crate) fn rank(&self) -> Rank {
        match self {
            Self::Root | Self::HolderAuthority | Self::TlsRoot => Rank::Root,
            Self::CodeSigning | Self::Timestamping | Self::TlsServer { .. } | Self::TlsClient => {
                Rank::EndEntity
            }
        }
    }

    /// The extensions of this profile, without those that identify keys.
    pub(crate) fn extensions(&self) -> Vec<Extension> {
        use Criticality::{Critical, NotCritical};
        let key_usage = match self.rank() {
            Rank::Root => KeyUsages::KeyCertSign | KeyUsages::CRLSign,
            Rank::EndEntity => KeyUsages::DigitalSignature.into(),
        };
        let mut extensions = vec![extension(Critical, &KeyUsage(key_usage))];
        if self.rank() == Rank::Root {
            let path_len_constraint = (*self != Self::Root).then_some(0);
            extensions.push(extension(Critical, &BasicConstraints { ca: true, path_len_constraint }));
        }
        if let Some(purposes) = self.purposes() {
            // A timestamping key that a careless reader took for another one would be no timestamping key.
            let criticality = if *self == Self::Timestamping { Critical } else { NotCritical };
            extensions.push(extension(criticality, &ExtendedKeyUsage(purposes)));
        }
        if let Self::TlsServer { names } = self {
            let names = names.iter().map(ServerName::general_name).collect();
            extensions.push(extension(NotCritical, &SubjectAltName(names)));
        }
        extensions
    }

    fn purposes(&self) -> Option<Vec<ObjectIdentifier>> {
        match self {
            Self::Root | Self::HolderAuthority => None,
            Self::CodeSigning => Some(vec![ID_KP_CODE_SIGNING]),
            Self::Timestamping => Some(vec![ID_KP_TIME_STAMPING]),
            Self::TlsRoot => Some(vec![ID_KP_SERVER_AUTH, ID_KP_CLIENT_AUTH]),
            Self::TlsServer { .. } => Some(vec![ID_KP_SERVER_AUTH]),
            Self::TlsClient => Some(vec![ID_KP_CLIENT_AUTH]),
        }
    }
}

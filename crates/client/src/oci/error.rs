//! What may go wrong between a client and a registry.

use formats::oci::{ContentDigest, ManifestError};

use crate::Kind;

/// Why a registry did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OciError {
    /// No host of a registry.
    #[error("`{host}` is not the host of a registry")]
    Host {
        /// What was given.
        host: String,
    },
    /// Certificates that cannot be read.
    #[error("the certificates that the registry's own may come from cannot be read: they must be in PEM")]
    Certificates(#[source] reqwest::Error),
    /// TLS could not be set up, which has nothing to do with the registry.
    #[error("the connection cannot be set up on this machine")]
    Setup(#[source] reqwest::Error),
    /// The registry could not be asked, or did not answer in time.
    #[error("cannot reach `{url}`")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that is larger than any should be.
    #[error("`{url}` has more than the {limit} bytes that are read of it")]
    TooLong {
        /// What was asked.
        url: String,
        /// What is read at most.
        limit: usize,
    },
    /// The registry says what is wrong.
    #[error("`{url}` answered {status}: {message}")]
    Said {
        /// What was asked.
        url: String,
        /// The status of the answer.
        status: u16,
        /// What it says.
        message: String,
    },
    /// Something that no registry says.
    #[error("`{url}` answered {status} with something that no registry says: is that the right address?")]
    Foreign {
        /// What was asked.
        url: String,
        /// The status of the answer.
        status: u16,
    },
    /// Whoever asks may not.
    #[error("`{url}` refuses {who}: {message}")]
    Unauthorised {
        /// What was asked.
        url: String,
        /// As whom.
        who: &'static str,
        /// What it says.
        message: String,
    },
    /// Somebody else than the registry would be told a password.
    #[error(
        "the registry at `{registry}` sends whoever logs in to `{realm}`, which is not of its domain; where that is right, name it with `--registry-realm`"
    )]
    ForeignRealm {
        /// The registry.
        registry: String,
        /// Where it sends them.
        realm: String,
    },
    /// A password would go over a wire that anybody reads.
    #[error("`{url}` asks for a password over plain HTTP, and gets none")]
    Exposed {
        /// Who asks.
        url: String,
    },
    /// A redirect to where no registry sends anybody.
    #[error("`{url}` leads on to `{to}`, and is not followed there")]
    Elsewhere {
        /// What was asked.
        url: String,
        /// Where it leads.
        to: String,
    },
    /// A list that does not end.
    #[error("the list at `{url}` does not end within {pages} pages")]
    Endless {
        /// What was asked.
        url: String,
        /// How many pages were read.
        pages: usize,
    },
    /// Other bytes than those that were asked for.
    #[error("the registry gives other bytes for `{what}`: they have the digest {found}")]
    OtherDigest {
        /// What was asked for.
        what: String,
        /// What came.
        found: ContentDigest,
    },
    /// A digest that nothing is verified by.
    #[error("`{what}` is named by another digest than SHA-256, which nothing is verified by here")]
    Algorithm {
        /// What was asked for.
        what: String,
    },
    /// Something that is not there.
    #[error("there is no `{what}`")]
    Absent {
        /// What was asked for.
        what: String,
    },
    /// A manifest that cannot be read.
    #[error("what `{url}` gives cannot be read")]
    Manifest {
        /// What was asked.
        url: String,
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// Others change a list at the same time.
    #[error(
        "the list under the tag `{tag}` is being changed by others, too, and what was added was lost again; repeat it"
    )]
    Contended {
        /// The tag.
        tag: String,
    },
}

impl OciError {
    /// What the failure means.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Host { .. } | Self::Certificates(_) | Self::Setup(_) | Self::Absent { .. } => Kind::Usage,
            Self::ForeignRealm { .. } | Self::Exposed { .. } => Kind::Usage,
            Self::Unauthorised { .. } | Self::OtherDigest { .. } | Self::Said { status: 400..500, .. } => {
                Kind::Refused
            }
            _ => Kind::Unreachable,
        }
    }
}

//! What may go wrong between a client and a server.

use api::{Code, Problem};

/// Why a call did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// An address that is not one of TLS.
    #[error("`{url}` is not the address of a server: it must read `https://HOST:PORT`")]
    Address {
        /// What was given.
        url: String,
    },
    /// The certificates that the server's own may come from cannot be read.
    #[error("the certificate authority's certificates cannot be read: they must be in PEM")]
    Certificates(#[source] reqwest::Error),
    /// No certificates that the server's own may come from.
    #[error("the certificate authority's file holds no certificate: it must be in PEM")]
    NoCertificates,
    /// The client certificate or its key cannot be read.
    #[error("the client certificate and its key cannot be used: both must be in PEM, the key as PKCS #8")]
    Identity(#[source] reqwest::Error),
    /// TLS could not be set up, which has nothing to do with the server.
    #[error("the connection cannot be set up on this machine")]
    Setup(#[source] reqwest::Error),
    /// The server could not be asked, or did not answer in time.
    #[error("cannot reach `{url}`")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// The server says what is wrong.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// An answer that is none of avouch's: another server, or something in between.
    #[error("`{url}` answered {status} with something that avouch does not say: is that the right address?")]
    Foreign {
        /// What was asked.
        url: String,
        /// The status of the answer.
        status: u16,
    },
    /// A service of Sigstore says what is wrong.
    #[error("`{url}` answered {status}: {message}")]
    Said {
        /// What was asked.
        url: String,
        /// The status of the answer.
        status: u16,
        /// What it says.
        message: String,
    },
    /// An answer that is larger than any should be.
    #[error("`{url}` answered with more than {limit} bytes")]
    TooLong {
        /// What was asked.
        url: String,
        /// What is read at most.
        limit: usize,
    },
    /// Something of this API that cannot be sent.
    #[error("the call cannot be written as JSON")]
    Encoding(#[source] serde_json::Error),
}

/// What a failure means to whoever asked; the command line's exit codes follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The server understood and will not.
    Refused,
    /// The server cannot be reached, cannot serve now, or is broken: nothing was decided.
    Unreachable,
    /// What was asked, or how this client is set up, is wrong.
    Usage,
}

impl ClientError {
    /// What the failure means.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Address { .. }
            | Self::Certificates(_)
            | Self::NoCertificates
            | Self::Identity(_)
            | Self::Setup(_)
            | Self::Encoding(_) => Kind::Usage,
            Self::Said { status: 400..500, .. } => Kind::Refused,
            Self::Said { .. } | Self::Unreachable { .. } | Self::Foreign { .. } | Self::TooLong { .. } => {
                Kind::Unreachable
            }
            Self::Problem(problem) => match problem.code {
                Code::Unauthenticated | Code::Forbidden | Code::Conflict | Code::NotWaiting | Code::Stale => {
                    Kind::Refused
                }
                Code::Busy | Code::Unavailable | Code::ReadOnly | Code::Internal | Code::TimedOut => {
                    Kind::Unreachable
                }
                _ => Kind::Usage,
            },
        }
    }

    /// The problem, where the server named one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

//! What goes wrong on the command line, and what it means to whoever called.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use api::Code;

use crate::exit::Exit;

/// Why a verb stopped. The text says what failed and why, [`Failure::advice`] what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// A file that cannot be read, written or made.
    #[error("cannot {action} `{}`", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A folder that is not what `init` makes, or is that already.
    #[error("`{}` {fault}", path.display())]
    Folder { path: PathBuf, fault: &'static str, advice: &'static str },
    /// A configuration that cannot stand.
    #[error("`{}` is not a configuration of avouch", path.display())]
    Config {
        path: PathBuf,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A key of the configuration that is well formed and still wrong.
    #[error("`{key}` in `{}`: {fault}", path.display())]
    ConfigKey { path: PathBuf, key: &'static str, fault: String },
    /// Something on the command line that cannot stand.
    #[error("{what}")]
    Usage { what: String, advice: &'static str },
    /// An input that is not what it should be.
    #[error("`{name}` is not {expected}")]
    Input {
        name: String,
        expected: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server, over the network.
    #[error("{}", server_said(.0))]
    Client(#[from] client::ClientError),
    /// A registry of container images, over the network.
    #[error("the registry of images does not do what is asked")]
    Oci(#[from] client::oci::OciError),
    /// An image that nobody signed, as far as its registry says.
    #[error("nothing of the kind that is asked for is attached to `{image}`")]
    Unsigned { image: String },
    /// An issuer of ID tokens, over the network.
    #[error("the issuer of ID tokens gives nothing that can be used")]
    Issuer(#[from] identity::oidc::OidcError),
    /// The key process, over its socket.
    #[error("the key process cannot be asked to {action}")]
    KeyProcess {
        action: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The key process answered, and will not.
    #[error("the key process refuses to {action}: {reason}")]
    KeyProcessRefused { action: &'static str, reason: String },
    /// The registry took a change, and the server did not hear of it.
    #[error("the change is in force at the key process, but the server could not be told of it")]
    Untold(#[source] Box<Self>),
    /// A process of our own that did not come up, or ended.
    #[error("{process} {fault}")]
    Process { process: &'static str, fault: String },
    /// What came back from signing does not verify.
    #[error("what the server gave back for `{name}` does not verify, and nothing was written")]
    BadReceipt {
        name: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A log that contradicts itself.
    #[error("the log {fault}")]
    BadLog {
        fault: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A TUF repository that shows something old, something else, or nothing.
    #[error("the TUF repository is not believed, and nothing was taken from it")]
    BadRepository {
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Something inside that must not fail and did.
    #[error("cannot {action}")]
    Inside {
        action: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A verification that ends in a refusal.
    #[error("{subject}")]
    Refused {
        subject: String,
        #[source]
        source: verify::Refused,
    },
}

impl Failure {
    /// A file that cannot be read, written or made.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    /// An input that is not what it should be.
    pub(crate) fn input<E: Into<Box<dyn Error + Send + Sync>>>(
        name: impl Into<String>,
        expected: &'static str,
    ) -> impl FnOnce(E) -> Self {
        let name = name.into();
        move |source| Self::Input { name, expected, source: source.into() }
    }

    /// Something inside that must not fail.
    pub(crate) fn inside<E: Into<Box<dyn Error + Send + Sync>>>(
        action: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Inside { action, source: source.into() }
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Folder { .. }
            | Self::Config { .. }
            | Self::ConfigKey { .. }
            | Self::Usage { .. }
            | Self::Input { .. } => Exit::Usage,
            Self::File { source, .. } if names_the_wrong_file(source.kind()) => Exit::Usage,
            Self::Issuer(_) | Self::Untold(_) => Exit::CannotCheck,
            Self::File { .. } | Self::KeyProcess { .. } | Self::Process { .. } | Self::Inside { .. } => {
                Exit::CannotCheck
            }
            Self::Client(error) => called(error.kind()),
            Self::Oci(error) => called(error.kind()),
            Self::Unsigned { .. } => Exit::Bad,
            Self::KeyProcessRefused { .. }
            | Self::BadReceipt { .. }
            | Self::BadLog { .. }
            | Self::BadRepository { .. } => Exit::Bad,
            Self::Refused { source: verify::Refused::Bad { .. }, .. } => Exit::Bad,
            Self::Refused { .. } => Exit::CannotCheck,
        }
    }

    /// What to do about it; empty where the text says it already.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Folder { advice, .. } | Self::Usage { advice, .. } => advice,
            Self::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run it as the user whom the file belongs to"
            }
            Self::File { source, .. } if source.kind() == io::ErrorKind::IsADirectory => {
                "name a file, not a folder"
            }
            Self::File { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                "name another one: what is there is not overwritten"
            }
            Self::Config { .. } | Self::ConfigKey { .. } => {
                "correct the file, then ask `avouch config check DIR`"
            }
            Self::Client(error) => match (error.problem(), error.kind()) {
                // The general advice is for those who speak HTTP; here, what the server says is all there is to do.
                (Some(problem), _) => match problem.code {
                    Code::BadRequest | Code::Unauthenticated => "",
                    Code::NotFound => "look at the name or the id again",
                    code => code.advice(),
                },
                (None, client::Kind::Unreachable) => {
                    "is `avouch serve` running there? `avouch doctor` looks at this machine"
                }
                (None, _) => "`avouch login --help` shows how to name a server and a credential",
            },
            Self::Unsigned { .. } => "`avouch oci inspect` shows what is attached to it",
            Self::KeyProcess { .. } => "is `avouch serve` running on this folder, and are you its user?",
            Self::Untold(_) => {
                "do not repeat it; the server reads the registry when it starts, so see that it does"
            }
            Self::BadReceipt { .. } => "do not trust this server; report what happened, with the time",
            Self::Refused { source, .. } => source.advice(),
            _ => "",
        }
    }
}

/// How the program ends after a call that failed.
const fn called(kind: client::Kind) -> Exit {
    match kind {
        client::Kind::Refused => Exit::Bad,
        client::Kind::Unreachable => Exit::CannotCheck,
        client::Kind::Usage => Exit::Usage,
    }
}

/// What a call came to; the cause beneath it says why.
fn server_said(error: &client::ClientError) -> &'static str {
    match (error.problem(), error.kind()) {
        (_, client::Kind::Refused) => "the server refuses",
        (Some(_), client::Kind::Unreachable) => "the server cannot do it now",
        (Some(_), _) => "the server does not take what is asked",
        (None, client::Kind::Unreachable) => "the server was not reached",
        (None, _) => "the server cannot be called",
    }
}

/// Is it the caller's choice of file, rather than the file, that is at fault?
fn names_the_wrong_file(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::AlreadyExists)
}

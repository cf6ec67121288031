//! Why nothing was measured.

use std::path::{Path, PathBuf};

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// A file or folder.
    #[error("cannot {what} `{}`", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A connection to the server.
    #[error("the connection to the server broke while it was asked for `{path}`")]
    Connection {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// An answer that is none of those that can be measured.
    #[error("`{path}` was answered with {status}: {text}")]
    Answer { path: String, status: u16, text: String },
    /// A command that was to prepare something.
    #[error("`{command}` ended with {code}: {said}")]
    Command { command: String, code: i32, said: String },
    /// Something that came back is not good.
    #[error("{what}: {why}")]
    Bad { what: &'static str, why: String },
    /// The platform's certificates or keys cannot be used here.
    #[error("cannot set up TLS as a client")]
    Tls(#[source] rustls::Error),
}

impl Failure {
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { what, path: path.to_owned(), source }
    }

    pub(crate) fn bad(what: &'static str) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        move |why| Self::Bad { what, why: why.to_string() }
    }
}

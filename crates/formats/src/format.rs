//! What every format must be able to say.

use std::io::{self, BufRead};

use model::{Carried, Content, Digests, FileClaim, limits};

/// A format: where a signature lives in one kind of file.
///
/// `prepare` reads the file once, from beginning to end, in bounded memory. What it says depends on the bytes alone,
/// so an endorser or a verifier who reads the same bytes gets the same content. An error means that nothing was
/// prepared; reading again from the beginning is always safe.
pub trait Format: Sync {
    /// Its name, as items carry it.
    fn name(&self) -> &'static str;

    /// How much a file looks like this format, by its name and its first [`HEAD_BYTES`](crate::HEAD_BYTES).
    fn sniff(&self, file_name: &str, head: &[u8]) -> Likeness;

    /// Reads a file and says what of it must be signed, in each of these ways of carrying it. Who opened it decides in
    /// what pieces, and nothing is copied.
    fn prepare(&self, file: &mut dyn BufRead, carried: &[Carried]) -> Result<Prepared, FormatError>;
}

/// How much a file looks like a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// It cannot be one.
    Unlike,
    /// It can be taken for one, if it is nothing else.
    Fallback,
    /// It is one by its first bytes.
    Certain,
}

/// A file that was read: what must be signed, and what the whole file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What must be signed: the same content in each of the ways that were asked for.
    pub contents: Vec<Content>,
    /// The digests of the whole file, by which it is known and verified.
    pub digests: Digests,
    /// How many bytes it has.
    pub size: u64,
}

impl Prepared {
    /// What an item says of the whole file.
    pub const fn file(&self) -> FileClaim {
        FileClaim { sha256: self.digests.sha256(), size: self.size }
    }

    /// What must be signed, carried in this way; `None` where that was not asked for.
    pub fn content(&self, carried: Carried) -> Option<&Content> {
        self.contents.iter().find(|content| content.carried() == carried)
    }
}

/// Why a file cannot be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// It cannot be read.
    #[error("the file cannot be read to its end")]
    Read(#[source] io::Error),
    /// Its content would have to travel inside the item, and is too long for that.
    #[error(
        "the content is longer than the {} bytes that a key which signs the bytes themselves takes; use a profile whose key signs digests",
        limits::INLINE_BYTES_MAX
    )]
    TooLongInline,
}

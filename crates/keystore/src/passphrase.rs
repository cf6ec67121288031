//! The passphrase that seals the software store.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// The most bytes of a passphrase.
const BYTES_MAX: usize = 1_024;

/// A secret where it is kept. It is wiped when the last holder drops it.
pub type Kept = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Takes a secret to where secrets are kept, and wipes what it was given.
pub type Keep = fn(Zeroizing<Vec<u8>>) -> Kept;

/// A passphrase. It is wiped from memory when it is dropped, and never printed.
#[derive(Clone)]
pub struct Passphrase {
    kept: Kept,
    keep: Keep,
}

/// Why bytes are not a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a passphrase has 8 to {BYTES_MAX} bytes, and this one {length}")]
pub struct PassphraseError {
    length: usize,
}

impl Passphrase {
    /// Takes the content of a passphrase file; one line end at its end is not part of the passphrase.
    pub fn from_file_content(content: Zeroizing<Vec<u8>>) -> Result<Self, PassphraseError> {
        Self::kept_by(in_ordinary_memory, content)
    }

    /// The same; the passphrase, and the sealing keys that follow from it, are kept as the caller says.
    pub fn kept_by(keep: Keep, content: Zeroizing<Vec<u8>>) -> Result<Self, PassphraseError> {
        let line = content.strip_suffix(b"\n").unwrap_or(&content);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.len() {
            8..=BYTES_MAX => Ok(Self { kept: keep(Zeroizing::new(line.to_vec())), keep }),
            length => Err(PassphraseError { length }),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        (*self.kept).as_ref()
    }

    /// Keeps another secret in the same way.
    pub(crate) fn keep(&self, secret: Zeroizing<Vec<u8>>) -> Kept {
        (self.keep)(secret)
    }
}

fn in_ordinary_memory(secret: Zeroizing<Vec<u8>>) -> Kept {
    Arc::new(secret)
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

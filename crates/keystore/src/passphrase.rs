//! The passphrase that seals the software store.

use std::fmt;

use zeroize::Zeroizing;

/// The most bytes of a passphrase.
const BYTES_MAX: usize = 1_024;

/// A passphrase. It is wiped from memory when it is dropped, and never printed.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

/// Why bytes are not a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a passphrase has 8 to {BYTES_MAX} bytes, and this one {length}")]
pub struct PassphraseError {
    length: usize,
}

impl Passphrase {
    /// Takes the content of a passphrase file; one line end at its end is not part of the passphrase.
    pub fn from_file_content(content: Zeroizing<Vec<u8>>) -> Result<Self, PassphraseError> {
        let line = content.strip_suffix(b"\n").unwrap_or(&content);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.len() {
            8..=BYTES_MAX => Ok(Self(Zeroizing::new(line.to_vec()))),
            length => Err(PassphraseError { length }),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

//! Public keys.

use std::fmt;

use data_encoding::BASE64;
use model::{Algorithm, PublicKey};

use super::{MINISIG_BYTES_MAX, MinisignError, UNTRUSTED, bytes, comment, lines};

/// What a public key begins with.
const ED25519: [u8; 2] = *b"Ed";

/// By what signatures name their key. Nothing covers it: it says where to look, and no more.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyNumber(pub [u8; 8]);

impl fmt::Display for KeyNumber {
    /// As minisign prints it: the bytes are a number, the lowest first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl fmt::Debug for KeyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A public key as minisign has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinisignKey {
    number: KeyNumber,
    key: PublicKey,
}

impl MinisignKey {
    /// A key of ours; its number follows from its key id. Only Ed25519 keys are keys of minisign.
    pub fn of(key: &PublicKey) -> Option<Self> {
        let number = key.id().digest().as_bytes().first_chunk().copied().map(KeyNumber)?;
        (key.algorithm() == Algorithm::Ed25519).then(|| Self { number, key: key.clone() })
    }

    /// Reads a public key: the file that minisign writes, or the line in it that is the key.
    pub fn parse(text: &str) -> Result<Self, MinisignError> {
        if text.len() > MINISIG_BYTES_MAX {
            return Err(MinisignError::TooLong { length: text.len() });
        }
        let line = match (lines::<2>(text), lines::<1>(text)) {
            (Some([first, line]), _) => comment(first, UNTRUSTED, "untrusted comment").map(|_| line)?,
            (None, Some([line])) => line,
            (None, None) => return Err(MinisignError::Malformed { what: "number of lines" }),
        };
        let key: [u8; 42] = bytes(line, "public key")?;
        let (kind, rest) = key.split_first_chunk().ok_or(MinisignError::Malformed { what: "public key" })?;
        let (number, raw) =
            rest.split_first_chunk().ok_or(MinisignError::Malformed { what: "public key" })?;
        let raw: &[u8; 32] = raw.try_into().map_err(|_| MinisignError::Malformed { what: "public key" })?;
        if *kind != ED25519 {
            return Err(MinisignError::Malformed { what: "kind of public key" });
        }
        // A point that no key has is refused here, and not when somebody signs with it.
        let key = PublicKey::from_spki(PublicKey::from_ed25519(raw).spki()).map_err(MinisignError::Key)?;
        Ok(Self { number: KeyNumber(*number), key })
    }

    /// The line that is the key, as `minisign -P` takes it.
    pub fn to_line(&self) -> String {
        BASE64.encode(&[&ED25519[..], &self.number.0, self.key.raw()].concat())
    }

    /// The file that minisign would write.
    pub fn to_file(&self) -> String {
        format!("{UNTRUSTED}minisign public key {}\n{}\n", self.number, self.to_line())
    }

    /// By what signatures name it.
    pub const fn number(&self) -> KeyNumber {
        self.number
    }

    /// The key.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

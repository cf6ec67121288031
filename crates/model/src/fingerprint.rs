//! By what OpenPGP knows a key.

use std::fmt;

use aws_lc_rs::digest as sha;
use data_encoding::HEXUPPER;

/// The fingerprint of an OpenPGP key of version 4 (RFC 9580 §5.5.4.2), written as 40 upper-case hexadecimal digits.
///
/// It is a SHA-1, and a name: which keys are trusted is decided by the keys themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 20]);

impl Fingerprint {
    /// Of a public-key packet, with what stands before it where it is hashed.
    pub fn of(framed: &[u8]) -> Self {
        let digest = sha::digest(&sha::SHA1_FOR_LEGACY_USE_ONLY, framed);
        Self(digest.as_ref().try_into().expect("SHA-1 gives 20 bytes"))
    }

    /// Takes bytes that are a fingerprint already.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Its last eight bytes, by which older signatures name their key.
    pub const fn short(&self) -> [u8; 8] {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXUPPER.encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

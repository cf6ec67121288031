//! Certificates, which OpenPGP also calls transferable public keys (RFC 9580 §10.1): a key, whose it is by its own word,
//! and the subkeys that sign in its place.

mod compose;
mod read;

use model::Instant;

use super::armor::{self, Block};
use super::{Key, OpenPgpError};

pub use compose::NewCertificate;

/// A file of certificates: a distribution's whole keyring is a few hundred kilobytes.
pub const CERTIFICATES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A certificate whose key vouches for what is read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    user_ids: Vec<String>,
    signers: Vec<Signer>,
}

/// A key of a certificate that may sign, or might have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    key: Key,
    use_of: Use,
    ends: Option<Instant>,
    standing: Standing,
}

/// What its owner says that a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Files,
    Else,
}

/// Does a key still count?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    InForce,
    Revoked,
}

/// Reads a file of certificates, armored or not. Those of kinds that are not verified here are passed over, as long as
/// there is one that is not.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, OpenPgpError> {
    let length = bytes.len();
    if length > CERTIFICATES_BYTES_MAX {
        return Err(OpenPgpError::TooLong { length, limit: CERTIFICATES_BYTES_MAX });
    }
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        return read::certificates(bytes);
    }
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| OpenPgpError::Malformed { what: "OpenPGP certificate" })?;
    read::certificates(&armor::decode(Block::PublicKey, text)?)
}

/// Armors certificates, one after the other in one block.
pub fn armored_certificates<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> String {
    let packets: Vec<u8> = certificates.into_iter().flatten().copied().collect();
    armor::encode(Block::PublicKey, &packets)
}

impl Certificate {
    /// Whose it is, by the key's own word.
    pub fn user_ids(&self) -> &[String] {
        &self.user_ids
    }

    /// Its keys, the primary one first.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// The primary key.
    pub fn primary(&self) -> &Key {
        self.signers.first().expect("a certificate has a key").key()
    }
}

impl Signer {
    /// The key.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Until when it counts, if that is said.
    pub const fn ends(&self) -> Option<Instant> {
        self.ends
    }

    /// Could it sign a file at `at`, by what its certificate says?
    pub fn check(&self, at: Instant) -> Result<(), OpenPgpError> {
        let fingerprint = self.key.fingerprint();
        if self.standing == Standing::Revoked {
            return Err(OpenPgpError::Revoked { fingerprint });
        }
        if self.use_of == Use::Else {
            return Err(OpenPgpError::OtherUse { fingerprint });
        }
        if at < self.key.created() || self.ends.is_some_and(|ends| ends <= at) {
            return Err(OpenPgpError::OutsideValidity {
                fingerprint,
                from: self.key.created(),
                until: self.ends.map_or_else(String::new, |ends| format!(" until {ends}")),
                at,
            });
        }
        Ok(())
    }
}

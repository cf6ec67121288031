//! What a signature says beside its content: the part of it that is hashed after the content.

use model::{Fingerprint, Hash};

use super::subpacket::{self, Subpackets};
use super::{KeyAlgorithm, OpenPgpError};

/// What a signature is of (RFC 9580 §5.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A file, byte for byte.
    Binary,
    /// A text, with its lines ended alike.
    Text,
    /// A key and whose it is, on the word of somebody: 0x10 to 0x13.
    Certification(u8),
    /// A subkey, on the word of its owner.
    SubkeyBinding,
    /// A key, on the word of a subkey that signs.
    PrimaryBinding,
    /// A key, on its own word.
    DirectKey,
    /// A key that is not to be used any more.
    KeyRevocation,
    /// A subkey that is not to be used any more.
    SubkeyRevocation,
    /// A certification that is taken back.
    CertificationRevocation,
}

/// A hash by its number (RFC 9580 §9.5).
pub(super) const fn hash_id(hash: Hash) -> Option<u8> {
    match hash {
        Hash::Sha256 => Some(8),
        Hash::Sha384 => Some(9),
        Hash::Sha512 => Some(10),
        _ => None,
    }
}

const fn hash_of(id: u8) -> Result<Hash, OpenPgpError> {
    let name = match id {
        8 => return Ok(Hash::Sha256),
        9 => return Ok(Hash::Sha384),
        10 => return Ok(Hash::Sha512),
        1 => "MD5",
        2 => "SHA-1",
        3 => "RIPEMD-160",
        11 => "SHA-224",
        _ => return Err(OpenPgpError::UnknownHash { id }),
    };
    Err(OpenPgpError::WeakHash { name })
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Binary => "a file",
            Self::Text => "a text",
            Self::Certification(_) => "a user id",
            Self::SubkeyBinding | Self::PrimaryBinding | Self::DirectKey => "a key",
            Self::KeyRevocation | Self::SubkeyRevocation | Self::CertificationRevocation => "a revocation",
        })
    }
}

impl Kind {
    pub(super) const fn id(self) -> u8 {
        match self {
            Self::Binary => 0x00,
            Self::Text => 0x01,
            Self::Certification(id) => id,
            Self::SubkeyBinding => 0x18,
            Self::PrimaryBinding => 0x19,
            Self::DirectKey => 0x1f,
            Self::KeyRevocation => 0x20,
            Self::SubkeyRevocation => 0x28,
            Self::CertificationRevocation => 0x30,
        }
    }

    const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            0x00 => Self::Binary,
            0x01 => Self::Text,
            0x10..=0x13 => Self::Certification(id),
            0x18 => Self::SubkeyBinding,
            0x19 => Self::PrimaryBinding,
            0x1f => Self::DirectKey,
            0x20 => Self::KeyRevocation,
            0x28 => Self::SubkeyRevocation,
            0x30 => Self::CertificationRevocation,
            _ => return None,
        })
    }
}

/// The hashed part of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) algorithm: KeyAlgorithm,
    pub(super) hash: Hash,
    pub(super) said: Subpackets,
    bytes: Vec<u8>,
}

impl Head {
    /// Composes one: when it was made and by which key, and what else is to be said.
    pub(super) fn new(
        kind: Kind,
        algorithm: KeyAlgorithm,
        hash: Hash,
        (created, issuer): (u32, &Fingerprint),
        more: &[(u8, &[u8])],
    ) -> Option<Self> {
        let mut subpackets = Vec::new();
        let fingerprint = [&[4][..], issuer.as_bytes()].concat();
        subpacket::put(&mut subpackets, subpacket::FINGERPRINT, &fingerprint);
        subpacket::put(&mut subpackets, subpacket::CREATED, &created.to_be_bytes());
        // Older readers know a key by this alone. It is signed with the rest, so that no byte of a signature is loose.
        subpacket::put(&mut subpackets, subpacket::ISSUER, &issuer.short());
        more.iter().for_each(|(kind, body)| subpacket::put(&mut subpackets, *kind, body));
        let length = u16::try_from(subpackets.len()).expect("a handful of short subpackets");
        let bytes = [&[4, kind.id(), algorithm.id(), hash_id(hash)?][..], &length.to_be_bytes(), &subpackets]
            .concat();
        let said = Subpackets::signed(&subpackets).expect("what is written here can be read here");
        Some(Self { kind, algorithm, hash, said, bytes })
    }

    /// Takes one off the front of a signature's body.
    pub(super) fn take(body: &mut &[u8]) -> Result<Self, OpenPgpError> {
        const MALFORMED: OpenPgpError = OpenPgpError::Malformed { what: "OpenPGP signature" };
        let whole = *body;
        let (kind, algorithm, hash, length, rest) = match *whole {
            [4, kind, algorithm, hash, high, low, ref rest @ ..] => {
                (kind, algorithm, hash, u16::from_be_bytes([high, low]), rest)
            }
            [version, ..] if version != 4 => {
                return Err(OpenPgpError::Version { what: "signature", version });
            }
            _ => return Err(MALFORMED),
        };
        let (subpackets, rest) = rest.split_at_checked(usize::from(length)).ok_or(MALFORMED)?;
        let expected = "one of a file, a text or a key";
        let head = Self {
            kind: Kind::from_id(kind).ok_or(OpenPgpError::OtherType { kind, expected })?,
            algorithm: KeyAlgorithm::from_id(algorithm)?,
            hash: hash_of(hash)?,
            said: Subpackets::signed(subpackets)?,
            bytes: whole[..whole.len() - rest.len()].to_vec(),
        };
        *body = rest;
        Ok(head)
    }

    /// The part of a signature's packet that it is.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is hashed after the content (RFC 9580 §5.2.4).
    pub(super) fn trailer(&self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).expect("the hashed part has sixteen bits of length");
        [&self.bytes[..], &[4, 0xff], &length.to_be_bytes()].concat()
    }
}

//! Signatures, read and verified.

use model::{Algorithm, Fingerprint, Hash, Instant};

use super::armor::{self, Block};
use super::head::{Head, Kind};
use super::packet::{self, Packets};
use super::subpacket::Subpackets;
use super::{Key, KeyAlgorithm, OpenPgpError, mpi};

/// A file of signatures: each is a few hundred bytes, with RSA of 4,096 bits and notations.
pub const SIGNATURES_BYTES_MAX: usize = 256 * 1024;

/// Signatures in one file.
const SIGNATURES_MAX: usize = 64;

/// A signature that was read. Nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub(super) head: Head,
    unsigned: Subpackets,
    /// The first two bytes of the digest.
    beginning: [u8; 2],
    numbers: Vec<Vec<u8>>,
}

/// The digest of what is signed and of a trailer behind it; `None` where it was not hashed with this.
pub type Digesting<'a> = dyn Fn(Hash, &[u8]) -> Option<Vec<u8>> + 'a;

/// Reads the signatures of a detached signature file, armored or not.
pub fn read_signatures(bytes: &[u8]) -> Result<Vec<Signature>, OpenPgpError> {
    let length = bytes.len();
    if length > SIGNATURES_BYTES_MAX {
        return Err(OpenPgpError::TooLong { length, limit: SIGNATURES_BYTES_MAX });
    }
    // What begins a packet has its top bit set, which no text has.
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        return signatures(bytes);
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| OpenPgpError::Malformed { what: "OpenPGP signature" })?;
    signatures(&armor::decode(Block::Signature, text)?)
}

fn signatures(bytes: &[u8]) -> Result<Vec<Signature>, OpenPgpError> {
    let mut read = Vec::new();
    for packet in Packets::new(bytes) {
        let packet = packet?;
        if packet.tag != packet::SIGNATURE {
            return Err(packet::misplaced(&packet, "file of signatures"));
        }
        if read.len() == SIGNATURES_MAX {
            return Err(OpenPgpError::TooMany { what: "signatures", limit: SIGNATURES_MAX });
        }
        read.push(Signature::parse(packet.body)?);
    }
    if read.is_empty() { Err(OpenPgpError::Malformed { what: "OpenPGP signature" }) } else { Ok(read) }
}

impl Signature {
    /// Reads the body of a packet.
    pub(super) fn parse(body: &[u8]) -> Result<Self, OpenPgpError> {
        const MALFORMED: OpenPgpError = OpenPgpError::Malformed { what: "OpenPGP signature" };
        let mut rest = body;
        let head = Head::take(&mut rest)?;
        let (length, after) = rest.split_first_chunk::<2>().ok_or(MALFORMED)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (unsigned, after) = after.split_at_checked(length).ok_or(MALFORMED)?;
        let unsigned = Subpackets::unsigned(unsigned)?;
        let (beginning, after) = after.split_first_chunk::<2>().ok_or(MALFORMED)?;
        rest = after;
        let count = if head.algorithm == KeyAlgorithm::Rsa { 1 } else { 2 };
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            numbers.push(mpi::take(&mut rest)?.to_vec());
        }
        if !rest.is_empty() {
            return Err(MALFORMED);
        }
        Ok(Self { head, unsigned, beginning: *beginning, numbers })
    }

    /// What it is of.
    pub const fn kind(&self) -> Kind {
        self.head.kind
    }

    /// That it is of something else than this.
    pub const fn other_kind(&self, expected: Kind) -> OpenPgpError {
        let expected = match expected {
            Kind::Text => "one of a text",
            _ => "one of a file",
        };
        OpenPgpError::OtherType { kind: self.head.kind.id(), expected }
    }

    /// With which hash it is made.
    pub const fn hash(&self) -> Hash {
        self.head.hash
    }

    /// When it was made, by the word of whoever made it.
    pub fn created(&self) -> Option<Instant> {
        self.head.said.created.map(|seconds| Instant::from_seconds(u64::from(seconds)))
    }

    /// Until when it is meant to count, if it is not for ever.
    pub fn expires(&self) -> Option<Instant> {
        end(self.head.said.created?, self.head.said.expires)
    }

    /// The fingerprint of the key that it names, if it does.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.head.said.fingerprint.or(self.unsigned.fingerprint)
    }

    /// The short id of the key that it names.
    pub fn short_id(&self) -> Option<[u8; 8]> {
        self.head.said.issuer.or(self.unsigned.issuer).or(self.fingerprint().map(|whole| whole.short()))
    }

    /// May it be of this key, by what it says? Only the signature proves it.
    pub fn names(&self, key: &Key) -> bool {
        let fingerprint = key.fingerprint();
        let whole = self.fingerprint().is_none_or(|named| named == fingerprint);
        whole && self.short_id() == Some(fingerprint.short())
    }

    /// The signature that a subkey made over its owner, unread.
    pub(super) fn embedded(&self) -> Option<&[u8]> {
        self.head.said.embedded.as_deref().or(self.unsigned.embedded.as_deref())
    }

    /// Verifies it over content of which `digest` gives the digests.
    pub fn verify(&self, key: &Key, digest: &Digesting<'_>) -> Result<(), OpenPgpError> {
        if !self.names(key) || self.head.algorithm != key.algorithm() {
            return Err(OpenPgpError::OtherKey { fingerprint: key.fingerprint() });
        }
        if self.head.said.created.is_none() {
            return Err(OpenPgpError::Missing { what: "time" });
        }
        let hash = self.head.hash;
        let digest = digest(hash, &self.head.trailer()).ok_or(OpenPgpError::HashUnknown { hash })?;
        // Nobody signed these two bytes; that they are checked leaves no byte of a signature loose.
        if !digest.starts_with(&self.beginning) {
            return Err(OpenPgpError::OtherDigest);
        }
        let signature = self.encoded(key).ok_or(model::BadSignature)?;
        match key.algorithm() {
            KeyAlgorithm::EdDsa => key.public().verify(&digest, &signature)?,
            _ => key.public().verify_hash(hash, &digest, &signature)?,
        }
        Ok(())
    }

    /// The signature as the key's algorithm has it.
    fn encoded(&self, key: &Key) -> Option<Vec<u8>> {
        match (key.public().algorithm(), self.numbers.as_slice()) {
            (Algorithm::Ed25519, [r, s]) => Some([mpi::padded(r, 32)?, mpi::padded(s, 32)?].concat()),
            (Algorithm::EcdsaP256 | Algorithm::EcdsaP384, [r, s]) => mpi::ecdsa_der(r, s),
            (_, [number]) => mpi::padded(number, key.public().rsa_numbers()?.0.len()),
            _ => None,
        }
    }
}

/// When something ends that counts from a time on for so many seconds; `None` if it never does.
pub(super) fn end(from: u32, after: Option<u32>) -> Option<Instant> {
    let after = after.filter(|after| *after != 0)?;
    Some(Instant::from_seconds(u64::from(from) + u64::from(after)))
}

//! Public keys, and the one place where a signature is checked.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::digest as sha;
use aws_lc_rs::signature as lc;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Algorithm, Base64, Digest, Hashed, KeyId, limits};

/// A public key of a known algorithm, as its DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    spki: Vec<u8>,
    /// The same, read: a key verifies more than one signature, and is read once.
    parsed: Arc<lc::ParsedPublicKey>,
}

/// Why bytes are not a public key that avouch verifies with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// None of the algorithms in [`Algorithm`].
    #[error(
        "a public key of an algorithm that is not verified here; known are P-256, P-384, Ed25519 and RSA of 2048, 3072 or 4096 bits"
    )]
    UnknownAlgorithm,
    /// The right algorithm, and still no key: a point off the curve, trailing bytes, an even modulus.
    #[error("a malformed {algorithm} public key")]
    Malformed {
        /// What it says it is.
        algorithm: Algorithm,
    },
}

/// A signature that does not verify. There is one kind of it, on purpose: why is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify with this key")]
pub struct BadSignature;

const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
const P384_PREFIX: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
    0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
];
const ED25519_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Keys whose whole encoding has one length: what it begins with, and how many bytes follow.
const FIXED_LENGTHS: [(Algorithm, &[u8], usize); 3] = [
    (Algorithm::EcdsaP256, P256_PREFIX, 64),
    (Algorithm::EcdsaP384, P384_PREFIX, 96),
    (Algorithm::Ed25519, ED25519_PREFIX, 32),
];
/// What stands in an RSA SubjectPublicKeyInfo between the outer length and the BIT STRING.
const RSA_ALGORITHM: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > limits::SPKI_BYTES_MAX {
            return Err(KeyError::UnknownAlgorithm);
        }
        let fixed = FIXED_LENGTHS.iter().find(|(_, prefix, _)| der.starts_with(prefix));
        let algorithm = match fixed {
            // The library that reads the key would take a whole SubjectPublicKeyInfo for its raw bytes, and then
            // bytes after it: one key must have one encoding, and so one key id.
            Some((algorithm, prefix, raw)) if der.len() != prefix.len() + raw => {
                return Err(KeyError::Malformed { algorithm: *algorithm });
            }
            Some((algorithm, ..)) => *algorithm,
            None => rsa_algorithm(der)?,
        };
        Self::parse(algorithm, der.to_vec())
    }

    fn parse(algorithm: Algorithm, spki: Vec<u8>) -> Result<Self, KeyError> {
        let parsed = lc::ParsedPublicKey::new(verification(algorithm), raw(algorithm, &spki))
            .map_err(|_| KeyError::Malformed { algorithm })?;
        Ok(Self { algorithm, spki, parsed: Arc::new(parsed) })
    }

    /// An Ed25519 key from its 32 bytes.
    pub fn from_ed25519(raw: &[u8; 32]) -> Self {
        let key = Self::parse(Algorithm::Ed25519, [ED25519_PREFIX, raw].concat());
        key.expect("any 32 bytes are read as a key of Ed25519")
    }

    /// An ECDSA key from its uncompressed point (SEC 1 §2.3.3): the byte 4, then both coordinates.
    pub fn from_point(algorithm: Algorithm, point: &[u8]) -> Result<Self, KeyError> {
        let prefix = match algorithm {
            Algorithm::EcdsaP256 => P256_PREFIX,
            Algorithm::EcdsaP384 => P384_PREFIX,
            _ => return Err(KeyError::UnknownAlgorithm),
        };
        // The prefix by which keys are known ends with the byte that begins an uncompressed point.
        Self::from_spki(&[&prefix[..prefix.len() - 1], point].concat())
    }

    /// An RSA key from its two numbers, big-endian (RFC 8017 §A.1.1).
    pub fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        if modulus.len() + exponent.len() > limits::SPKI_BYTES_MAX {
            return Err(KeyError::UnknownAlgorithm);
        }
        let numbers = value(0x30, &[positive(modulus), positive(exponent)].concat());
        let bits = value(0x03, &[&[0], numbers.as_slice()].concat());
        Self::from_spki(&value(0x30, &[RSA_ALGORITHM, bits.as_slice()].concat()))
    }

    /// What it verifies.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key id: the SHA-256 of the SubjectPublicKeyInfo.
    pub fn id(&self) -> KeyId {
        KeyId::new(Digest::of(&self.spki))
    }

    /// The key without its wrapping: 32 bytes of Ed25519, an uncompressed point, or for RSA the whole.
    pub fn raw(&self) -> &[u8] {
        raw(self.algorithm, &self.spki)
    }

    /// The modulus and the exponent of an RSA key, big-endian; `None` of any other.
    pub fn rsa_numbers(&self) -> Option<(&[u8], &[u8])> {
        if !self.algorithm.is_rsa() {
            return None;
        }
        let bits = contents(0x03, contents(0x30, &self.spki)?.strip_prefix(RSA_ALGORITHM)?)?;
        match contents(0x30, bits.strip_prefix(&[0])?)? {
            // Lengths and signs were checked when the key was read.
            [0x02, 0x82, high, low, 0x00, rest @ ..] => {
                let size = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(1)?;
                let (modulus, exponent) = rest.split_at_checked(size)?;
                Some((modulus, exponent.strip_prefix(&[0x02])?.get(1..)?))
            }
            _ => None,
        }
    }

    /// Checks a signature over `message`: DER for ECDSA, 64 bytes for Ed25519, PKCS #1 v1.5 for RSA.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() > limits::SIGNATURE_BYTES_MAX {
            return Err(BadSignature);
        }
        self.parsed.verify_sig(message, signature).map_err(|_| BadSignature)
    }

    /// Checks a signature over a message of which only the digest is known. Algorithms that hash otherwise, or that
    /// sign the message itself, have no such signatures.
    pub fn verify_digest(&self, hashed: &Hashed, signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() > limits::SIGNATURE_BYTES_MAX || self.algorithm.hash() != Some(hashed.hash()) {
            return Err(BadSignature);
        }
        let sha2 = hashed.hash().sha2().ok_or(BadSignature)?;
        let digest = sha::Digest::import_less_safe(hashed.as_bytes(), sha2).map_err(|_| BadSignature)?;
        self.parsed.verify_digest_sig(&digest, signature).map_err(|_| BadSignature)
    }
}

fn verification(algorithm: Algorithm) -> &'static dyn lc::VerificationAlgorithm {
    match algorithm {
        Algorithm::EcdsaP256 => &lc::ECDSA_P256_SHA256_ASN1,
        Algorithm::EcdsaP384 => &lc::ECDSA_P384_SHA384_ASN1,
        Algorithm::Ed25519 => &lc::ED25519,
        Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => &lc::RSA_PKCS1_2048_8192_SHA256,
    }
}

/// What the library reads of a SubjectPublicKeyInfo.
fn raw(algorithm: Algorithm, spki: &[u8]) -> &[u8] {
    match algorithm {
        Algorithm::EcdsaP256 => &spki[P256_PREFIX.len() - 1..],
        Algorithm::EcdsaP384 => &spki[P384_PREFIX.len() - 1..],
        Algorithm::Ed25519 => &spki[ED25519_PREFIX.len()..],
        Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => spki,
    }
}

/// Which RSA key this is, by the length of its modulus.
///
/// Headers, lengths and the exponent's spelling are checked here, because the library that reads the key tolerates
/// bytes after it: one key has one encoding, and so one key id.
fn rsa_algorithm(der: &[u8]) -> Result<Algorithm, KeyError> {
    const SIZES: [(Algorithm, usize); 3] =
        [(Algorithm::Rsa2048, 256), (Algorithm::Rsa3072, 384), (Algorithm::Rsa4096, 512)];
    let bits = contents(0x30, der).and_then(|inside| contents(0x03, inside.strip_prefix(RSA_ALGORITHM)?));
    let numbers = bits.and_then(|bits| contents(0x30, bits.strip_prefix(&[0])?));
    // The modulus has its top bit set, and so a leading zero.
    let Some([0x02, 0x82, high, low, 0x00, rest @ ..]) = numbers else {
        return Err(KeyError::UnknownAlgorithm);
    };
    let size = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(1);
    let known = SIZES.iter().find(|(_, known)| *known == size).map(|(algorithm, _)| *algorithm);
    let algorithm = known.ok_or(KeyError::UnknownAlgorithm)?;
    match rest.get(size..) {
        Some([0x02, length, exponent @ ..])
            if usize::from(*length) == exponent.len() && is_shortest(exponent) =>
        {
            Ok(algorithm)
        }
        _ => Err(KeyError::Malformed { algorithm }),
    }
}

/// The DER INTEGER of a number.
fn positive(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = &number[zeros..];
    let sign: &[u8] = if number.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    value(0x02, &[sign, number].concat())
}

/// A DER value of less than 65,536 bytes.
fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(contents.len()).expect("keys are far below 64 KiB").to_be_bytes();
    let header = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header, contents.to_vec()].concat()
}

/// The contents of a DER value of 256 to 65,535 bytes after which nothing follows.
fn contents(tag: u8, der: &[u8]) -> Option<&[u8]> {
    match der {
        [first, 0x82, high, low, rest @ ..]
            if *first == tag
                && *high != 0
                && usize::from(u16::from_be_bytes([*high, *low])) == rest.len() =>
        {
            Some(rest)
        }
        _ => None,
    }
}

/// Is this the DER of a positive integer, without a byte more than it needs?
fn is_shortest(integer: &[u8]) -> bool {
    match integer {
        [0, second, ..] => *second >= 0x80,
        [first, ..] => (1..0x80).contains(first),
        [] => false,
    }
}

/// One key has one encoding.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spki.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.id())
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Base64(self.spki.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spki = Base64::deserialize(deserializer)?;
        Self::from_spki(&spki.0).map_err(serde::de::Error::custom)
    }
}

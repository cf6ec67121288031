//! Verifier keys: a name, a signature type and a public key.

use data_encoding::{BASE64, HEXLOWER};
use model::{Algorithm, Digest, Hasher, Instant, PublicKey};

use super::{NoteError, SignedBy};
use crate::{Checkpoint, tree_head};

/// What stands between the name of a log of Rekor v1 and the number of its tree.
const DASH: &str = " - ";

/// What a key's signatures are made over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteAlgorithm {
    /// Ed25519 over the text: type 0x01. A log signs so.
    Ed25519,
    /// ECDSA over the text: type 0x02. Some logs of Sigstore sign so.
    Ecdsa,
    /// Ed25519 over a time and the text: type 0x04, `cosignature/v1`. A witness signs so.
    Cosignature,
    /// A tree head of RFC 6962 §3.5: type 0x05. A certificate-transparency log signs so (C2SP static-ct-api).
    TreeHead,
}

impl NoteAlgorithm {
    /// The byte for it in verifier keys and key hashes.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Ecdsa => 0x02,
            Self::Cosignature => 0x04,
            Self::TreeHead => 0x05,
        }
    }
}

/// A key that verifies notes, with the name under which it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    // INVARIANT: what stands before the first blank is a name. Only of a log of Rekor v1 does anything follow.
    origin: String,
    algorithm: NoteAlgorithm,
    key: PublicKey,
    log_id: Digest,
}

impl VerifierKey {
    /// An Ed25519 key by its name, its kind and its 32 bytes.
    pub fn new(name: &str, algorithm: NoteAlgorithm, raw: [u8; 32]) -> Result<Self, NoteError> {
        Self::of(name, algorithm, PublicKey::from_ed25519(&raw))
    }

    /// The key of a log; its name is the log's origin.
    pub fn of_log(origin: &str, key: &PublicKey) -> Result<Self, NoteError> {
        let algorithm = match key.algorithm() {
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => NoteAlgorithm::Ecdsa,
            _ => NoteAlgorithm::Ed25519,
        };
        Self::of(origin, algorithm, key.clone())
    }

    /// The key of a witness.
    pub fn of_witness(name: &str, key: &PublicKey) -> Result<Self, NoteError> {
        Self::of(name, NoteAlgorithm::Cosignature, key.clone())
    }

    /// The key of a certificate-transparency log; its name is the log's origin.
    pub fn of_certificate_log(origin: &str, key: &PublicKey) -> Result<Self, NoteError> {
        Self::of(origin, NoteAlgorithm::TreeHead, key.clone())
    }

    /// The key of a log of Rekor v1. Its origin is the name under which it signs, a dash and the number of its tree.
    pub fn of_rekor_v1(origin: &str, key: &PublicKey) -> Result<Self, NoteError> {
        let is_tree = |tree: &str| tree.parse::<u64>().is_ok_and(|number| number.to_string() == tree);
        match origin.split_once(DASH) {
            Some((name, tree)) if is_tree(tree) => {
                Ok(Self { origin: origin.to_owned(), ..Self::of(name, NoteAlgorithm::Ecdsa, key.clone())? })
            }
            _ => Err(NoteError::Name { name: origin.chars().take(64).collect() }),
        }
    }

    fn of(name: &str, algorithm: NoteAlgorithm, key: PublicKey) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name { name: name.chars().take(64).collect() });
        }
        let is_ed25519 = key.algorithm() == Algorithm::Ed25519;
        if is_ed25519 != matches!(algorithm, NoteAlgorithm::Ed25519 | NoteAlgorithm::Cosignature) {
            return Err(NoteError::OtherAlgorithm { name: name.to_owned(), algorithm: key.algorithm() });
        }
        let hashed = |bytes: &[u8]| {
            let mut hasher = Hasher::new();
            hasher.update(name.as_bytes());
            hasher.update(&[b'\n', algorithm.byte()]);
            hasher.update(bytes);
            hasher.finish()
        };
        let log_id = match algorithm {
            NoteAlgorithm::Ed25519 | NoteAlgorithm::Cosignature => hashed(key.raw()),
            NoteAlgorithm::Ecdsa => Digest::of(key.spki()),
            NoteAlgorithm::TreeHead => hashed(Digest::of(key.spki()).as_bytes()),
        };
        Ok(Self { origin: name.to_owned(), algorithm, key, log_id })
    }

    /// Reads a verifier key: `name+hash+base64(type, key)`.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::NotAVerifierKey);
        };
        let bytes = BASE64.decode(key.as_bytes()).map_err(|_| NoteError::NotAVerifierKey)?;
        let (&kind, raw) = bytes.split_first().ok_or(NoteError::NotAVerifierKey)?;
        if !is_name(name) {
            return Err(NoteError::Name { name: name.chars().take(64).collect() });
        }
        let ed25519 = || <[u8; 32]>::try_from(raw).map_err(|_| NoteError::NotAVerifierKey);
        let spki = || PublicKey::from_spki(raw).map_err(|_| NoteError::NotAVerifierKey);
        let key = match kind {
            0x01 => Self::new(name, NoteAlgorithm::Ed25519, ed25519()?)?,
            0x02 => Self::of(name, NoteAlgorithm::Ecdsa, spki()?)?,
            0x04 => Self::new(name, NoteAlgorithm::Cosignature, ed25519()?)?,
            0x05 => Self::of(name, NoteAlgorithm::TreeHead, spki()?)?,
            _ => return Err(NoteError::UnknownAlgorithm { name: name.to_owned(), kind }),
        };
        if HEXLOWER.encode(&key.key_hash()) != hash {
            return Err(NoteError::KeyHash { name: key.name().to_owned() });
        }
        Ok(key)
    }

    /// The text of the key, as [`VerifierKey::parse`] reads it.
    pub fn encode(&self) -> String {
        let mut key = vec![self.algorithm.byte()];
        key.extend_from_slice(match self.algorithm {
            NoteAlgorithm::Ed25519 | NoteAlgorithm::Cosignature => self.key.raw(),
            NoteAlgorithm::Ecdsa | NoteAlgorithm::TreeHead => self.key.spki(),
        });
        format!("{}+{}+{}", self.name(), HEXLOWER.encode(&self.key_hash()), BASE64.encode(&key))
    }

    /// The name under which it signs.
    pub fn name(&self) -> &str {
        self.origin.split_once(DASH).map_or(&self.origin, |(name, _)| name)
    }

    /// What the checkpoints of a log begin with: the name of its key, but in Rekor v1.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of its tree, of a log of Rekor v1.
    pub fn tree(&self) -> Option<u64> {
        self.origin.split_once(DASH).and_then(|(_, tree)| tree.parse().ok())
    }

    /// What its signatures are made over.
    pub const fn algorithm(&self) -> NoteAlgorithm {
        self.algorithm
    }

    /// The four bytes by which a signature line names the key.
    pub const fn key_hash(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = *self.log_id.as_bytes();
        [a, b, c, d]
    }

    /// The whole SHA-256 of name, type and key, of which the key hash is the beginning: the id of a log in trust
    /// roots and bundles.
    pub const fn log_id(&self) -> Digest {
        self.log_id
    }

    /// The public key itself.
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Does a log sign so? Else a witness does.
    pub const fn is_of_a_log(&self) -> bool {
        !matches!(self.algorithm, NoteAlgorithm::Cosignature)
    }

    /// Verifies what stands behind the key hash on a signature line.
    pub fn verify(&self, text: &str, signature: &[u8]) -> Result<SignedBy, NoteError> {
        let bad = || NoteError::BadSignature { name: self.name().to_owned() };
        let (signed, signature, time) = match self.algorithm {
            NoteAlgorithm::Ed25519 | NoteAlgorithm::Ecdsa => (text.as_bytes().to_vec(), signature, None),
            NoteAlgorithm::Cosignature => {
                let (seconds, signature) = signature.split_first_chunk::<8>().ok_or_else(bad)?;
                let seconds = u64::from_be_bytes(*seconds);
                if seconds > crate::SIZE_MAX {
                    return Err(bad());
                }
                let signed = cosigned_text(text, seconds).into_bytes();
                (signed, signature, Some(Instant::from_seconds(seconds)))
            }
            NoteAlgorithm::TreeHead => {
                let head = Checkpoint::parse(text).map_err(|_| bad())?;
                let (time, signature) = tree_head::open(signature).ok_or_else(bad)?;
                (tree_head::to_be_signed(time, head.size(), head.root()), signature, Some(time))
            }
        };
        self.key.verify(&signed, signature).map_err(|_| bad())?;
        Ok(SignedBy { key: self.clone(), time, signature: signature.to_vec() })
    }
}

/// What a witness signs: a header, its time in seconds since 1970, and the checkpoint's text.
pub(crate) fn cosigned_text(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// May a key have this name?
pub(super) fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

//! Verifier keys: a name, a signature type and a public key.

use data_encoding::{BASE64, HEXLOWER};
use model::{Algorithm, Digest, Hasher, Instant, PublicKey};

use super::{NoteError, SignedBy};

/// What a key's signatures are made over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteAlgorithm {
    /// Ed25519 over the text: type 0x01. A log signs so.
    Ed25519,
    /// Ed25519 over a time and the text: type 0x04, `cosignature/v1`. A witness signs so.
    Cosignature,
}

impl NoteAlgorithm {
    /// The byte for it in verifier keys and key hashes.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A key that verifies notes, with the name under which it signs. All kinds are Ed25519.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    algorithm: NoteAlgorithm,
    raw: [u8; 32],
    log_id: Digest,
}

impl VerifierKey {
    /// A key by its name, its kind and its 32 bytes.
    pub fn new(name: &str, algorithm: NoteAlgorithm, raw: [u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name { name: name.chars().take(64).collect() });
        }
        let mut hasher = Hasher::new();
        hasher.update(name.as_bytes());
        hasher.update(&[b'\n', algorithm.byte()]);
        hasher.update(&raw);
        Ok(Self { name: name.to_owned(), algorithm, raw, log_id: hasher.finish() })
    }

    /// The key of a log, which is Ed25519; its name is the log's origin.
    pub fn of_log(origin: &str, key: &PublicKey) -> Result<Self, NoteError> {
        match (key.algorithm(), key.raw().try_into()) {
            (Algorithm::Ed25519, Ok(raw)) => Self::new(origin, NoteAlgorithm::Ed25519, raw),
            (algorithm, _) => Err(NoteError::NotEd25519 { name: origin.to_owned(), algorithm }),
        }
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
        let algorithm = match kind {
            0x01 => NoteAlgorithm::Ed25519,
            0x04 => NoteAlgorithm::Cosignature,
            _ => return Err(NoteError::UnknownAlgorithm { name: name.to_owned(), kind }),
        };
        let key = Self::new(name, algorithm, raw.try_into().map_err(|_| NoteError::NotAVerifierKey)?)?;
        if HEXLOWER.encode(&key.key_hash()) != hash {
            return Err(NoteError::KeyHash { name: key.name });
        }
        Ok(key)
    }

    /// The text of the key, as [`VerifierKey::parse`] reads it.
    pub fn encode(&self) -> String {
        let mut key = vec![self.algorithm.byte()];
        key.extend_from_slice(&self.raw);
        format!("{}+{}+{}", self.name, HEXLOWER.encode(&self.key_hash()), BASE64.encode(&key))
    }

    /// The name under which it signs; of a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
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
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_ed25519(&self.raw)
    }

    /// Verifies what stands behind the key hash on a signature line.
    pub fn verify(&self, text: &str, signature: &[u8]) -> Result<SignedBy, NoteError> {
        let bad = || NoteError::BadSignature { name: self.name.clone() };
        let time = match self.algorithm {
            NoteAlgorithm::Ed25519 => {
                self.public_key().verify(text.as_bytes(), signature).map_err(|_| bad())?;
                None
            }
            NoteAlgorithm::Cosignature => {
                let (seconds, signature) = signature.split_first_chunk::<8>().ok_or_else(bad)?;
                let seconds = u64::from_be_bytes(*seconds);
                if seconds > crate::SIZE_MAX {
                    return Err(bad());
                }
                self.public_key()
                    .verify(cosigned_text(text, seconds).as_bytes(), signature)
                    .map_err(|_| bad())?;
                Some(Instant::from_seconds(seconds))
            }
        };
        Ok(SignedBy { key: self.clone(), time })
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

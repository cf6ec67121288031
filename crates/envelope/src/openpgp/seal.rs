//! Composing what an OpenPGP key signs of a file, and putting the signature together.

use model::{Content, Fingerprint, Form, Hash, Hashed, Instant, Item, PublicKey, SignatureOf};

use super::armor::{self, Block};
use super::head::{Head, Kind};
use super::key::seconds;
use super::{Key, KeyAlgorithm, OpenPgpError, mpi, packet};
use crate::{ComposeError, ToBeSigned};

/// Whom a signature names: what the key process writes into it of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issuer {
    algorithm: KeyAlgorithm,
    fingerprint: Fingerprint,
}

impl Issuer {
    /// Of a key that may sign from `since` on: OpenPGP calls that the time at which it was created.
    pub fn of(key: &PublicKey, since: Instant) -> Self {
        let key = Key::new(key, since);
        Self { algorithm: key.algorithm(), fingerprint: key.fingerprint() }
    }

    /// The key's fingerprint.
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The fixed layout: the number of the algorithm, then the fingerprint.
    pub(crate) fn encode(&self) -> [u8; 21] {
        let mut bytes = [self.algorithm.id(); 21];
        bytes[1..].copy_from_slice(self.fingerprint.as_bytes());
        bytes
    }

    /// Reads the fixed layout.
    pub(crate) fn decode(bytes: &[u8; 21]) -> Option<Self> {
        let [id, fingerprint @ ..] = *bytes;
        let algorithm = KeyAlgorithm::from_id(id).ok()?;
        Some(Self { algorithm, fingerprint: Fingerprint::from_bytes(fingerprint) })
    }
}

/// The hash that an OpenPGP key signs with: that of its signature algorithm, and SHA-256 for EdDSA.
const fn head_hash(algorithm: KeyAlgorithm, content: &Content) -> Option<Hash> {
    match (content, algorithm) {
        (Content::State(state), KeyAlgorithm::Ecdsa) => Some(state.hash()),
        (Content::State(state), _) if matches!(state.hash(), Hash::Sha256) => Some(Hash::Sha256),
        _ => None,
    }
}

/// The hashed part of the signature of an item.
fn head(item: &Item, issuer: &Issuer, time: Instant) -> Result<Head, ComposeError> {
    const FORM: Form = Form::OpenPgp;
    let kind = match item.parameters.signature_of {
        Some(SignatureOf::Binary) => Kind::Binary,
        Some(SignatureOf::Text) => Kind::Text,
        _ => return Err(ComposeError::NoParameter { form: FORM, parameter: "signatureOf" }),
    };
    let hash = head_hash(issuer.algorithm, &item.content).ok_or(ComposeError::NoHashState { form: FORM })?;
    let head = Head::new(kind, issuer.algorithm, hash, (seconds(time), &issuer.fingerprint), &[]);
    head.ok_or(ComposeError::NoHashState { form: FORM })
}

/// The digest of the content with the trailer behind it. The key process makes it, and so does whoever checks.
///
/// INVARIANT: code keys make signatures of files and texts, and of no key: a trailer names its type, and from its end on
/// it is known where it begins.
pub(crate) fn compose(item: &Item, issuer: &Issuer, time: Instant) -> Result<ToBeSigned, ComposeError> {
    let head = head(item, issuer, time)?;
    let Content::State(state) = &item.content else {
        return Err(ComposeError::NoHashState { form: item.form });
    };
    let hashed = state.finish(&head.trailer());
    Ok(match issuer.algorithm {
        // EdDSA signs the digest as if it were the message.
        KeyAlgorithm::EdDsa => ToBeSigned::Message(hashed.as_bytes().to_vec()),
        _ => ToBeSigned::Hashed(hashed),
    })
}

/// Puts the packet of a signature together, which was made over what [`compose`] gave.
pub(crate) fn seal(
    item: &Item,
    issuer: &Issuer,
    time: Instant,
    to_be_signed: &ToBeSigned,
    signature: &[u8],
) -> Result<Vec<u8>, OpenPgpError> {
    let head = head(item, issuer, time).map_err(|_| OpenPgpError::Unsealable)?;
    let digest = match to_be_signed {
        ToBeSigned::Message(digest) => digest.as_slice(),
        ToBeSigned::Hashed(hashed) => hashed.as_bytes(),
        ToBeSigned::Twice { .. } => return Err(OpenPgpError::Unsealable),
    };
    sealed(&head, digest, signature)
}

/// The packet of a signature over this digest.
pub(super) fn sealed(head: &Head, digest: &[u8], signature: &[u8]) -> Result<Vec<u8>, OpenPgpError> {
    let beginning = digest.first_chunk::<2>().ok_or(OpenPgpError::Unsealable)?;
    // Nothing stands in the area that nobody signs.
    let mut body = [head.bytes(), &[0, 0], beginning].concat();
    match head.algorithm {
        KeyAlgorithm::Rsa => mpi::put(&mut body, signature),
        KeyAlgorithm::Ecdsa => {
            let (r, s) = mpi::ecdsa_numbers(signature).ok_or(OpenPgpError::Unsealable)?;
            mpi::put(&mut body, r);
            mpi::put(&mut body, s);
        }
        KeyAlgorithm::EdDsa => {
            let (r, s) = signature.split_at_checked(32).ok_or(OpenPgpError::Unsealable)?;
            mpi::put(&mut body, r);
            mpi::put(&mut body, s);
        }
    }
    Ok(packet::write(packet::SIGNATURE, &body))
}

/// Armors a signature's packet.
pub fn armored(packet: &[u8]) -> String {
    armor::encode(Block::Signature, packet)
}

/// What of a key's own hash its signatures are over: of a message for which only this is asked.
pub(super) fn digest_of(algorithm: KeyAlgorithm, hash: Hash, message: &[u8]) -> (Vec<u8>, ToBeSigned) {
    let digest = hash.digest(message);
    let to_be_signed = match (algorithm, Hashed::from_slice(hash, &digest)) {
        (KeyAlgorithm::EdDsa, _) | (_, None) => ToBeSigned::Message(digest.clone()),
        (_, Some(hashed)) => ToBeSigned::Hashed(hashed),
    };
    (digest, to_be_signed)
}

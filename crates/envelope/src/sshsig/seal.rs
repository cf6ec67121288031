//! Putting an SSH signature together.

use model::{Algorithm, Hash};

use super::signature::ecdsa_parts;
use super::wire::{put, put_positive};
use super::{Holder, MAGIC, SshKey, SshSigError, armor, known};

/// Puts an armored signature together. `signature` is over [`super::signed_data`], as [`model::PublicKey`] takes it;
/// RSA keys sign with SHA-512. Tokens seal their own signatures.
pub fn seal(key: &SshKey, namespace: &str, hash: Hash, signature: &[u8]) -> Result<String, SshSigError> {
    if *key.holder() != Holder::Software {
        return Err(SshSigError::Unsealable);
    }
    let mut inner = Vec::new();
    put(&mut inner, key.signature_kind().as_bytes());
    match key.key().algorithm() {
        Algorithm::EcdsaP256 => {
            let parts = ecdsa_parts(signature).ok_or(SshSigError::Unsealable)?;
            let mut numbers = Vec::new();
            parts.iter().for_each(|number| put_positive(&mut numbers, number));
            put(&mut inner, &numbers);
        }
        _ => put(&mut inner, signature),
    }
    let mut blob = MAGIC.to_vec();
    blob.extend_from_slice(&1_u32.to_be_bytes());
    put(&mut blob, &key.to_wire());
    put(&mut blob, namespace.as_bytes());
    put(&mut blob, b"");
    put(&mut blob, known(hash).0.as_bytes());
    put(&mut blob, &inner);
    Ok(armor::encode(&blob))
}

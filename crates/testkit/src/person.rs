//! People with SSH keys.

use aws_lc_rs::digest as sha;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use model::{PersonId, PrincipalId};

/// Somebody with one Ed25519 SSH key, made from a seed.
pub struct Person {
    /// The principal.
    pub principal: PrincipalId,
    /// The person behind it.
    pub person: PersonId,
    key: Ed25519KeyPair,
}

impl Person {
    /// The person of this seed. Different seeds give different people.
    pub fn new(seed: u8) -> Self {
        let Ok(key) = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]) else {
            panic!("thirty-two bytes are a seed of Ed25519")
        };
        Self { principal: PrincipalId::new([seed; 16]), person: PersonId::new([seed; 16]), key }
    }

    /// The public key in SSH wire format.
    pub fn wire(&self) -> Vec<u8> {
        [string(b"ssh-ed25519"), string(self.key.public_key().as_ref())].concat()
    }

    /// An SSHSIG blob over a text, in a namespace (OpenSSH's PROTOCOL.sshsig).
    pub fn sshsig(&self, namespace: &str, text: &[u8]) -> Vec<u8> {
        let hash = sha::digest(&sha::SHA512, text);
        let covered = [string(namespace.as_bytes()), string(b""), string(b"sha512")].concat();
        let signed = [b"SSHSIG".as_slice(), &covered, &string(hash.as_ref())].concat();
        let signature = [string(b"ssh-ed25519"), string(self.key.sign(&signed).as_ref())].concat();
        let version = 1_u32.to_be_bytes();
        [b"SSHSIG".as_slice(), &version, &string(&self.wire()), &covered, &string(&signature)].concat()
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let Ok(length) = u32::try_from(bytes.len()) else { panic!("nothing here is 4 GiB long") };
    [&length.to_be_bytes(), bytes].concat()
}

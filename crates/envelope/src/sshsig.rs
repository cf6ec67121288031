//! SSH signatures
//! ([PROTOCOL.sshsig](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig), keys after RFC 4253
//! §6.6, RFC 8709, RFC 5656 and
//! [PROTOCOL.u2f](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f)).
//!
//! Keys: `ssh-ed25519`, `ecdsa-sha2-nistp256`, both also as `sk-…@openssh.com`, and RSA of 3072 or 4096 bits, which
//! signs as `rsa-sha2-512`. SSH certificates are not read. Every byte of an armored signature is covered by
//! [`SshSig::verify`]: fields that mean nothing must be empty, and armor has one spelling but for its line breaks.

mod armor;
mod error;
mod key;
mod seal;
mod signature;
mod wire;

use model::Hash;

pub use error::SshSigError;
pub use key::{Holder, SshKey};
pub use seal::seal;
pub use signature::{Presence, SshSig, VerifiedSshSig};

/// An armored signature: an RSA key and signature of 4096 bits fit several times.
pub const SSHSIG_BYTES_MAX: usize = 16 * 1024;

/// A namespace or an application.
pub const NAME_BYTES_MAX: usize = 255;

/// The six bytes with which signatures and signed data begin.
const MAGIC: &[u8] = b"SSHSIG";

/// What a key signs for a message in a namespace. SSHSIG knows SHA-256 and SHA-512; what is neither becomes SHA-512.
pub fn signed_data(namespace: &str, hash: Hash, message: &[u8]) -> Vec<u8> {
    let (name, hash) = known(hash);
    let mut out = MAGIC.to_vec();
    wire::put(&mut out, namespace.as_bytes());
    wire::put(&mut out, b"");
    wire::put(&mut out, name.as_bytes());
    wire::put(&mut out, &hash.digest(message));
    out
}

/// The hash that stands for this one in SSHSIG, and its name there.
const fn known(hash: Hash) -> (&'static str, Hash) {
    match hash {
        Hash::Sha256 => ("sha256", Hash::Sha256),
        _ => ("sha512", Hash::Sha512),
    }
}

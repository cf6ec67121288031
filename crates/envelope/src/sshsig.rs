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

use model::{Hash, Hashed};

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
    put_signed(namespace, name, &hash.digest(message))
}

/// The same for a message of which only such a digest is known.
pub fn signed_digest(namespace: &str, hashed: &Hashed) -> Vec<u8> {
    put_signed(namespace, known(hashed.hash()).0, hashed.as_bytes())
}

fn put_signed(namespace: &str, hash: &str, digest: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    wire::put(&mut out, namespace.as_bytes());
    wire::put(&mut out, b"");
    wire::put(&mut out, hash.as_bytes());
    wire::put(&mut out, digest);
    out
}

/// Is it one of avouch's own, such as that of endorsements? Those are for people to sign in, and never for a key that signs
/// what somebody asks for.
pub fn is_reserved(namespace: &str) -> bool {
    namespace.split('.').any(|label| label.eq_ignore_ascii_case("avouch"))
}

/// The hash that stands for this one in SSHSIG, and its name there.
const fn known(hash: Hash) -> (&'static str, Hash) {
    match hash {
        Hash::Sha256 => ("sha256", Hash::Sha256),
        _ => ("sha512", Hash::Sha512),
    }
}

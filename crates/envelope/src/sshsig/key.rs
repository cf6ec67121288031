//! Public keys of SSH, in their wire format and as a line of `authorized_keys`.

use data_encoding::BASE64;
use der::asn1::{BitStringRef, UintRef};
use der::{Decode, Sequence, asn1::AnyRef};
use model::{Algorithm, PublicKey};

use super::wire::{Reader, put, put_positive};
use super::{NAME_BYTES_MAX, SSHSIG_BYTES_MAX, SshSigError};

/// A public key as SSH has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SshKey {
    key: PublicKey,
    holder: Holder,
}

/// Who holds the private key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Holder {
    /// A file or an agent: nothing says that a person was there.
    Software,
    /// A FIDO token, which says with each signature whether it was touched.
    Token {
        /// What the key was made for: `ssh:` or what begins with it.
        application: String,
    },
}

const ED25519: &str = "ssh-ed25519";
const P256: &str = "ecdsa-sha2-nistp256";
const TOKEN_ED25519: &str = "sk-ssh-ed25519@openssh.com";
const TOKEN_P256: &str = "sk-ecdsa-sha2-nistp256@openssh.com";
const RSA: &str = "ssh-rsa";
const P256_CURVE: &[u8] = b"nistp256";

/// How signatures of RSA keys are called (RFC 8332).
pub(super) const RSA_SHA512: &str = "rsa-sha2-512";

impl SshKey {
    /// A key of a known kind: Ed25519 and P-256 in software or on a token, RSA of 3072 or 4096 bits in software.
    pub fn new(key: PublicKey, holder: Holder) -> Result<Self, SshSigError> {
        let unknown =
            |algorithm: &str| Err(SshSigError::UnknownAlgorithm { algorithm: algorithm.to_owned() });
        match (key.algorithm(), &holder) {
            (_, Holder::Token { application }) if application.len() > NAME_BYTES_MAX => {
                Err(SshSigError::Malformed { what: "application" })
            }
            (Algorithm::Ed25519 | Algorithm::EcdsaP256, _)
            | (Algorithm::Rsa3072 | Algorithm::Rsa4096, Holder::Software) => Ok(Self { key, holder }),
            (algorithm, _) => unknown(algorithm.word()),
        }
    }

    /// Reads the wire format.
    pub fn from_wire(blob: &[u8]) -> Result<Self, SshSigError> {
        if blob.len() > SSHSIG_BYTES_MAX {
            return Err(SshSigError::TooLong { length: blob.len() });
        }
        let mut reader = Reader::new(blob);
        let kind = reader.text("kind of key")?;
        let key = match kind {
            ED25519 | TOKEN_ED25519 => {
                let raw = reader.string("Ed25519 key")?;
                let raw = raw.try_into().map_err(|_| SshSigError::Malformed { what: "Ed25519 key" })?;
                PublicKey::from_ed25519(raw)
            }
            P256 | TOKEN_P256 => p256(&mut reader)?,
            RSA => rsa(&mut reader)?,
            _ => return Err(SshSigError::UnknownAlgorithm { algorithm: printable(kind) }),
        };
        let holder = match kind {
            TOKEN_ED25519 | TOKEN_P256 => {
                Holder::Token { application: reader.text("application")?.to_owned() }
            }
            _ => Holder::Software,
        };
        reader.finish("end of the key")?;
        Self::new(key, holder)
    }

    /// Reads a line of `authorized_keys` or of a `.pub` file; one with options is refused.
    pub fn from_line(line: &str) -> Result<Self, SshSigError> {
        if line.len() > SSHSIG_BYTES_MAX {
            return Err(SshSigError::TooLong { length: line.len() });
        }
        let mut words = line.trim_end_matches(['\r', '\n']).splitn(3, ' ');
        let (Some(kind), Some(base64)) = (words.next(), words.next()) else { return Err(SshSigError::Line) };
        if words.next().is_some_and(|comment| comment.contains(['\r', '\n'])) {
            return Err(SshSigError::Line);
        }
        let key = Self::from_wire(&BASE64.decode(base64.as_bytes()).map_err(|_| SshSigError::Line)?)?;
        if key.kind() == kind { Ok(key) } else { Err(SshSigError::Line) }
    }

    /// The wire format.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.kind().as_bytes());
        match self.key.algorithm() {
            Algorithm::EcdsaP256 => {
                put(&mut out, P256_CURVE);
                put(&mut out, self.key.raw());
            }
            Algorithm::Ed25519 => put(&mut out, self.key.raw()),
            _ => {
                let parts = rsa_parts(self.key.spki()).expect("an RSA key that was read has two numbers");
                parts.iter().for_each(|number| put_positive(&mut out, number));
            }
        }
        if let Holder::Token { application } = &self.holder {
            put(&mut out, application.as_bytes());
        }
        out
    }

    /// The line of an `authorized_keys` file, without a comment.
    pub fn to_line(&self) -> String {
        format!("{} {}", self.kind(), BASE64.encode(&self.to_wire()))
    }

    /// The key.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Who holds the private key.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    fn kind(&self) -> &'static str {
        match (self.key.algorithm(), &self.holder) {
            (Algorithm::Ed25519, Holder::Software) => ED25519,
            (Algorithm::Ed25519, Holder::Token { .. }) => TOKEN_ED25519,
            (Algorithm::EcdsaP256, Holder::Software) => P256,
            (Algorithm::EcdsaP256, Holder::Token { .. }) => TOKEN_P256,
            _ => RSA,
        }
    }

    /// How its signatures are called.
    pub(super) fn signature_kind(&self) -> &'static str {
        match self.kind() {
            RSA => RSA_SHA512,
            kind => kind,
        }
    }
}

/// Foreign text that may stand in a message.
fn printable(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn p256(reader: &mut Reader<'_>) -> Result<PublicKey, SshSigError> {
    if reader.string("curve")? != P256_CURVE {
        return Err(SshSigError::Malformed { what: "curve" });
    }
    let point = reader.string("point")?;
    PublicKey::from_point(Algorithm::EcdsaP256, point).map_err(SshSigError::Key)
}

/// RFC 8017 §A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// RFC 5280 §4.1.
#[derive(Sequence)]
struct SubjectPublicKeyInfo<'a> {
    algorithm: AnyRef<'a>,
    key: BitStringRef<'a>,
}

fn rsa(reader: &mut Reader<'_>) -> Result<PublicKey, SshSigError> {
    let (exponent, modulus) = (reader.positive("exponent")?, reader.positive("modulus")?);
    PublicKey::from_rsa(modulus, exponent).map_err(SshSigError::Key)
}

/// Exponent and modulus, in the order of SSH.
fn rsa_parts(spki: &[u8]) -> Option<[Vec<u8>; 2]> {
    let spki = SubjectPublicKeyInfo::from_der(spki).ok()?;
    let key = RsaPublicKey::from_der(spki.key.as_bytes()?).ok()?;
    Some([key.exponent.as_bytes().to_vec(), key.modulus.as_bytes().to_vec()])
}

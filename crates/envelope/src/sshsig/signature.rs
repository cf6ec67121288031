//! Signatures: parsed, and verified.

use der::asn1::UintRef;
use der::{Encode, Sequence};
use model::{Algorithm, BadSignature, Digest, Digests, Hash};

use super::wire::Reader;
use super::{Holder, MAGIC, NAME_BYTES_MAX, SSHSIG_BYTES_MAX, SshKey, SshSigError, armor, signed_digest};

/// An SSH signature, taken apart. Nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSig {
    key: SshKey,
    namespace: String,
    hash: Hash,
    signature: Vec<u8>,
    token: Option<TokenSays>,
}

/// What a FIDO token adds to a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenSays {
    pub(super) flags: u8,
    pub(super) counter: u32,
}

/// A signature over a known message, in a known namespace, by a known key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSshSig {
    key: SshKey,
    presence: Presence,
}

/// What a signature says about the person behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// Nothing: the key is one of software.
    Unsaid,
    /// What a FIDO token vouches for.
    Token {
        /// UP: it was touched.
        user_present: bool,
        /// UV: it knew who touched it.
        user_verified: bool,
        /// How often it signed: evidence for an alarm, not a rule.
        counter: u32,
    },
}

/// UP and UV (WebAuthn §6.1). Other bits never stand in a signature of SSH.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;

const VERSION: u32 = 1;

impl SshSig {
    /// Reads an armored signature.
    pub fn from_armor(text: &str) -> Result<Self, SshSigError> {
        Self::from_blob(&armor::decode(text)?)
    }

    /// Reads the blob inside the armor.
    pub fn from_blob(blob: &[u8]) -> Result<Self, SshSigError> {
        if blob.len() > SSHSIG_BYTES_MAX {
            return Err(SshSigError::TooLong { length: blob.len() });
        }
        let rest = blob.strip_prefix(MAGIC).ok_or(SshSigError::Malformed { what: "beginning" })?;
        let mut reader = Reader::new(rest);
        if reader.u32("version")? != VERSION {
            return Err(SshSigError::Malformed { what: "version" });
        }
        let key = SshKey::from_wire(reader.string("public key")?)?;
        let namespace = reader.text("namespace")?;
        if namespace.is_empty() || namespace.len() > NAME_BYTES_MAX {
            return Err(SshSigError::Malformed { what: "namespace" });
        }
        if !reader.string("reserved field")?.is_empty() {
            return Err(SshSigError::Malformed { what: "reserved field" });
        }
        let hash = match reader.string("hash")? {
            b"sha256" => Hash::Sha256,
            b"sha512" => Hash::Sha512,
            _ => return Err(SshSigError::Malformed { what: "hash" }),
        };
        let (signature, token) = read_signature(reader.string("signature")?, &key)?;
        reader.finish("end")?;
        Ok(Self { key, namespace: namespace.to_owned(), hash, signature, token })
    }

    /// The key that it says it is by.
    pub const fn key(&self) -> &SshKey {
        &self.key
    }

    /// The namespace that it says it is for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The hash that it says its message was hashed with.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// Checks that this is a signature over `message`, for `namespace`, by `expected`.
    pub fn verify(
        &self,
        namespace: &str,
        message: &[u8],
        expected: &SshKey,
    ) -> Result<VerifiedSshSig, SshSigError> {
        self.verify_digest(namespace, &Digests::of(message, &[self.hash]), expected)
    }

    /// The same over a message that is known by its digests.
    pub fn verify_digest(
        &self,
        namespace: &str,
        message: &Digests,
        expected: &SshKey,
    ) -> Result<VerifiedSshSig, SshSigError> {
        if self.namespace != namespace {
            let found = self.namespace.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            return Err(SshSigError::OtherNamespace { found, expected: namespace.to_owned() });
        }
        if self.key != *expected {
            return Err(SshSigError::OtherKey);
        }
        let hashed = message.hashed(self.hash).ok_or(SshSigError::DigestUnknown { hash: self.hash })?;
        let signed = signed_digest(namespace, &hashed);
        let presence = match (expected.holder(), self.token) {
            (Holder::Software, None) => {
                check(expected, &signed, &self.signature)?;
                Presence::Unsaid
            }
            (Holder::Token { application }, Some(token)) => {
                check(expected, &token_message(application, token, &signed), &self.signature)?;
                Presence::Token {
                    user_present: token.flags & USER_PRESENT != 0,
                    user_verified: token.flags & USER_VERIFIED != 0,
                    counter: token.counter,
                }
            }
            _ => return Err(BadSignature.into()),
        };
        Ok(VerifiedSshSig { key: expected.clone(), presence })
    }
}

impl VerifiedSshSig {
    /// By which key.
    pub const fn key(&self) -> &SshKey {
        &self.key
    }

    /// What it says about the person behind it.
    pub const fn presence(&self) -> Presence {
        self.presence
    }
}

fn check(key: &SshKey, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    match key.key().algorithm() {
        Algorithm::Ed25519 => key.key().verify(message, signature),
        Algorithm::EcdsaP256 => key.key().verify_hashed(Hash::Sha256, message, signature),
        _ => key.key().verify_hashed(Hash::Sha512, message, signature),
    }
}

/// What a FIDO token signs: it hashes application and message, and adds its flags and counter.
fn token_message(application: &str, token: TokenSays, signed: &[u8]) -> Vec<u8> {
    let application = Digest::of(application.as_bytes());
    let message = Digest::of(signed);
    [application.as_bytes(), &[token.flags][..], &token.counter.to_be_bytes(), message.as_bytes()].concat()
}

/// The signature as [`model::PublicKey`] takes it, and what a token added.
fn read_signature(blob: &[u8], key: &SshKey) -> Result<(Vec<u8>, Option<TokenSays>), SshSigError> {
    let mut reader = Reader::new(blob);
    let kind = reader.text("kind of signature")?;
    if kind != key.signature_kind() {
        return Err(SshSigError::UnknownAlgorithm { algorithm: kind.chars().take(64).collect() });
    }
    let inner = reader.string("signature")?;
    let signature = match key.key().algorithm() {
        Algorithm::EcdsaP256 => ecdsa_der(inner)?,
        _ => inner.to_vec(),
    };
    let token = match key.holder() {
        Holder::Software => None,
        Holder::Token { .. } => {
            Some(TokenSays { flags: reader.u8("flags")?, counter: reader.u32("counter")? })
        }
    };
    reader.finish("end of the signature")?;
    Ok((signature, token))
}

/// RFC 3279 §2.2.3.
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

fn ecdsa_der(inner: &[u8]) -> Result<Vec<u8>, SshSigError> {
    let malformed = |_| SshSigError::Malformed { what: "ECDSA signature" };
    let mut reader = Reader::new(inner);
    let r = UintRef::new(reader.positive("ECDSA signature")?).map_err(malformed)?;
    let s = UintRef::new(reader.positive("ECDSA signature")?).map_err(malformed)?;
    reader.finish("ECDSA signature")?;
    EcdsaSignature { r, s }.to_der().map_err(malformed)
}

/// The two numbers of an ECDSA signature.
pub(super) fn ecdsa_parts(der_bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    let signature = <EcdsaSignature<'_> as der::Decode>::from_der(der_bytes).ok()?;
    Some([signature.r.as_bytes().to_vec(), signature.s.as_bytes().to_vec()])
}

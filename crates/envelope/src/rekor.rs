//! The body of a log entry: Rekor v2's `hashedrekord` 0.0.2, to the byte
//! ([rekor-tiles](https://github.com/sigstore/rekor-tiles)).
//!
//! A body is canonical JSON (RFC 8785) and is what the log hashes as a leaf, so clients that rebuild it from a
//! bundle must arrive at the same bytes. The digest is that of the to-be-signed bytes, by the hash of the signature;
//! for keys that sign the bytes themselves (Ed25519) it is their SHA-256, under the key's own `keyDetails`.

use model::{
    Algorithm, Base64, CanonicalError, Digest, Hash, KeyError, PublicKey, from_canonical, limits,
    to_canonical,
};
use pki::{Certificate, CertificateError};
use serde::{Deserialize, Serialize};

use crate::ToBeSigned;
use crate::protojson::hash_name;

mod answer;
mod submitted;
mod terms;

pub(crate) use submitted::reason;

pub use answer::answer;
pub use submitted::{SUBMISSION_BYTES_MAX, SubmittedBody, SubmittedError};
pub use terms::Terms;

/// The kind of the body.
pub const KIND: &str = "hashedrekord";

/// The version of that kind.
pub const VERSION: &str = "0.0.2";

/// The body of a log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    hash: Hash,
    digest: Vec<u8>,
    signature: Vec<u8>,
    verifier: Verifier,
}

/// What a log entry names its signer by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verifier {
    /// A key without a certificate.
    PublicKey(PublicKey),
    /// A certificate.
    Certificate(Certificate),
}

/// Why bytes are not the body of a log entry, or a signature cannot be one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RekorError {
    /// Not the canonical JSON of a body.
    #[error("not the canonical body of a `{KIND}` {VERSION} log entry")]
    NotCanonical(#[source] CanonicalError),
    /// Another kind or version.
    #[error("a log entry of kind `{kind}` version `{version}`, where only `{KIND}` {VERSION} is read")]
    OtherKind {
        /// The kind.
        kind: String,
        /// Its version.
        version: String,
    },
    /// A signature of no bytes.
    #[error("a log entry without a signature")]
    NoSignature,
    /// None, or both, of public key and certificate.
    #[error("a log entry must name its signer by either a public key or a certificate")]
    NotOneVerifier,
    /// A key that is not verified here.
    #[error("the key in the log entry cannot be read")]
    Key(#[source] KeyError),
    /// A certificate that cannot be read.
    #[error("the certificate in the log entry cannot be read")]
    Certificate(#[source] CertificateError),
    /// A `keyDetails` or hash that is not that of the key.
    #[error("the log entry says `{said}` of its key, which is one of `{expected}`")]
    OtherAlgorithm {
        /// What it says.
        said: String,
        /// What it should say.
        expected: &'static str,
    },
    /// A digest that is not as long as its hash.
    #[error("the digest in the log entry has {length} bytes, which is not the length of its hash")]
    DigestLength {
        /// How long it is.
        length: usize,
    },
    /// Only a digest of the bytes is known, and it is not that by which the signature is logged.
    #[error(
        "a signature with {algorithm} is logged with the {hash} of what it is over, and another digest is known"
    )]
    DigestUnknown {
        /// What the key has.
        algorithm: Algorithm,
        /// The hash that goes with it.
        hash: Hash,
    },
}

/// How protobuf spells an algorithm (`PublicKeyDetails`).
pub const fn key_details(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EcdsaP256 => "PKIX_ECDSA_P256_SHA_256",
        Algorithm::EcdsaP384 => "PKIX_ECDSA_P384_SHA_384",
        Algorithm::Rsa2048 => "PKIX_RSA_PKCS1V15_2048_SHA256",
        Algorithm::Rsa3072 => "PKIX_RSA_PKCS1V15_3072_SHA256",
        Algorithm::Rsa4096 => "PKIX_RSA_PKCS1V15_4096_SHA256",
        Algorithm::Ed25519 => "PKIX_ED25519",
        // INVARIANT: `model` leaves its list open to other crates; a new algorithm must be given its name here.
        _ => unreachable!(),
    }
}

impl Verifier {
    /// The key that verifies the signature.
    pub fn key(&self) -> Result<PublicKey, RekorError> {
        match self {
            Self::PublicKey(key) => Ok(key.clone()),
            Self::Certificate(certificate) => certificate.public_key().map_err(RekorError::Key),
        }
    }
}

impl Body {
    /// The body for a signature over these bytes by this key. Nothing is verified.
    pub fn new(to_be_signed: &ToBeSigned, signature: &[u8], verifier: Verifier) -> Result<Self, RekorError> {
        let algorithm = verifier.key()?.algorithm();
        let hash = algorithm.hash().unwrap_or(Hash::Sha256);
        let digest = match to_be_signed {
            ToBeSigned::Message(message) | ToBeSigned::Twice { message, .. } => hash.digest(message),
            ToBeSigned::Hashed(hashed) if hashed.hash() == hash => hashed.as_bytes().to_vec(),
            ToBeSigned::Hashed(_) => return Err(RekorError::DigestUnknown { algorithm, hash }),
        };
        Ok(Self { hash, digest, signature: to_be_signed.logged(signature).to_vec(), verifier })
    }

    /// Reads a body strictly: whatever does not re-encode to itself is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, RekorError> {
        let wire: Wire =
            from_canonical(bytes, limits::LOG_ENTRY_BYTES_MAX).map_err(RekorError::NotCanonical)?;
        if wire.kind != KIND || wire.api_version != VERSION {
            let (kind, version) = (short(&wire.kind), short(&wire.api_version));
            return Err(RekorError::OtherKind { kind, version });
        }
        let WireSpec { data, signature } = wire.spec.hashed_rekord_v002;
        if signature.content.0.is_empty() {
            return Err(RekorError::NoSignature);
        }
        let verifier = match (signature.verifier.public_key, signature.verifier.x509_certificate) {
            (Some(key), None) => {
                Verifier::PublicKey(PublicKey::from_spki(&key.raw_bytes.0).map_err(RekorError::Key)?)
            }
            (None, Some(certificate)) => Verifier::Certificate(
                Certificate::from_der(&certificate.raw_bytes.0).map_err(RekorError::Certificate)?,
            ),
            _ => return Err(RekorError::NotOneVerifier),
        };
        let algorithm = verifier.key()?.algorithm();
        let hash = algorithm.hash().unwrap_or(Hash::Sha256);
        must_be(&signature.verifier.key_details, key_details(algorithm))?;
        must_be(&data.algorithm, hash_name(hash))?;
        if data.digest.0.len() != hash.length() {
            return Err(RekorError::DigestLength { length: data.digest.0.len() });
        }
        Ok(Self { hash, digest: data.digest.0, signature: signature.content.0, verifier })
    }

    /// The canonical JSON: the leaf of the log.
    pub fn encode(&self) -> Vec<u8> {
        let key = self.verifier.key().expect("a body is only made with a key that can be read");
        let (public_key, x509_certificate) = match &self.verifier {
            Verifier::PublicKey(key) => (Some(RawBytes { raw_bytes: Base64(key.spki().to_vec()) }), None),
            Verifier::Certificate(one) => (None, Some(RawBytes { raw_bytes: Base64(one.der().to_vec()) })),
        };
        let key_details = key_details(key.algorithm()).to_owned();
        to_canonical(&Wire {
            api_version: VERSION.to_owned(),
            kind: KIND.to_owned(),
            spec: WireVersions {
                hashed_rekord_v002: WireSpec {
                    data: WireDigest {
                        algorithm: hash_name(self.hash).to_owned(),
                        digest: Base64(self.digest.clone()),
                    },
                    signature: WireSignature {
                        content: Base64(self.signature.clone()),
                        verifier: WireVerifier { key_details, public_key, x509_certificate },
                    },
                },
            },
        })
    }

    /// The digest that was logged.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The same, where it is a SHA-256.
    pub fn sha256(&self) -> Option<Digest> {
        (self.hash == Hash::Sha256).then(|| Digest::from_slice(&self.digest)).flatten()
    }

    /// The signature that was logged.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The signer that was logged.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

fn must_be(said: &str, expected: &'static str) -> Result<(), RekorError> {
    if said == expected { Ok(()) } else { Err(RekorError::OtherAlgorithm { said: short(said), expected }) }
}

/// Foreign text that may stand in a message.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    api_version: String,
    kind: String,
    spec: WireVersions,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireVersions {
    #[serde(rename = "hashedRekordV002")]
    hashed_rekord_v002: WireSpec,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSpec {
    data: WireDigest,
    signature: WireSignature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDigest {
    algorithm: String,
    digest: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    content: Base64,
    verifier: WireVerifier,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WireVerifier {
    key_details: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<RawBytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x509_certificate: Option<RawBytes>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawBytes {
    raw_bytes: Base64,
}

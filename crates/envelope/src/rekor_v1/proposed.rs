//! Entries that clients ask a log of Rekor v1 to take: `hashedrekord` 0.0.1 and nothing else, verified before it is one.

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use model::{BadSignature, Hash, Hashed, PublicKey, limits, to_canonical};
use pki::{Certificate, pem_block, public_key_pem};
use serde::{Deserialize, Serialize};

use crate::rekor::{RekorError, Terms, Verifier};

/// The kind of entry that is taken.
pub const KIND: &str = "hashedrekord";

/// The version of that kind.
pub const VERSION: &str = "0.0.1";

/// The hashes by whose digests signatures are logged.
const TAKEN: [Hash; 2] = [Hash::Sha256, Hash::Sha384];

/// An entry that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedEntry {
    // INVARIANT: canonical, no longer than an entry may be, and over a signature that verified.
    bytes: Vec<u8>,
}

/// Why an entry is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProposedError {
    /// Not the JSON of an entry.
    #[error("the body is not the JSON of a `{KIND}` entry: {}", crate::rekor::reason(.0))]
    Json(serde_json::Error),
    /// Another kind or version.
    #[error("an entry of kind `{kind}` version `{version}`, where only `{KIND}` {VERSION} is taken")]
    OtherKind {
        /// The kind.
        kind: String,
        /// Its version.
        version: String,
    },
    /// A hash by which no signature is logged.
    #[error("no signature over a digest of `{said}` is logged here; those over sha256 and sha384 are")]
    Hash {
        /// What it says.
        said: String,
    },
    /// A digest that is not one of its hash.
    #[error("`spec.data.hash.value` is not a {hash} in hexadecimal")]
    Digest {
        /// The hash.
        hash: Hash,
    },
    /// A key that is not PEM of one public key or one certificate.
    #[error(
        "`spec.signature.publicKey.content` is not the base64 of one public key or one certificate in PEM"
    )]
    NotPem,
    /// A key or certificate that cannot be read.
    #[error("the verifier cannot be read")]
    Verifier(#[source] RekorError),
    /// A signature that is not one of this key over this digest.
    #[error("the signature is not one by this key over the digest")]
    Signature(#[from] BadSignature),
    /// A certificate of many kilobytes.
    #[error(
        "the entry would have {length} bytes, and at most {} fit into the log",
        limits::LOG_ENTRY_BYTES_MAX
    )]
    TooLong {
        /// How long it would be.
        length: usize,
    },
}

impl ProposedEntry {
    /// Reads what a client proposes and verifies the signature in it.
    pub fn parse(json: &[u8]) -> Result<Self, ProposedError> {
        let kind: Kind = serde_json::from_slice(json).map_err(ProposedError::Json)?;
        if kind.kind != KIND || kind.api_version != VERSION {
            let (kind, version) = (short(&kind.kind), short(&kind.api_version));
            return Err(ProposedError::OtherKind { kind, version });
        }
        let wire: Wire = serde_json::from_slice(json).map_err(ProposedError::Json)?;
        let (hashed, signature) = (wire.hashed()?, wire.signature()?);
        let verifier = wire.verifier()?;
        let key = verifier.key().map_err(ProposedError::Verifier)?;
        key.verify_digest(&hashed, &signature)?;
        let bytes = canonical(&hashed, &signature, &verifier);
        match bytes.len() {
            length if length > limits::LOG_ENTRY_BYTES_MAX => Err(ProposedError::TooLong { length }),
            _ => Ok(Self { bytes }),
        }
    }

    /// The leaf of the log.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, given away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// By what an entry of the log is found again; `None` where it is none that was taken here.
pub fn terms(body: &[u8]) -> Option<Terms> {
    let wire: Wire = serde_json::from_slice(body).ok()?;
    Terms::of(&wire.verifier().ok()?, wire.hashed().ok()?.as_bytes().to_vec()).ok()
}

/// The body in the spelling that every client recomputes: what was sent, without anything that it does not need.
fn canonical(hashed: &Hashed, signature: &[u8], verifier: &Verifier) -> Vec<u8> {
    let pem = match verifier {
        Verifier::PublicKey(key) => public_key_pem(key),
        Verifier::Certificate(certificate) => certificate.to_pem(),
    };
    to_canonical(&Wire {
        api_version: VERSION.to_owned(),
        kind: KIND.to_owned(),
        spec: Spec {
            data: Data {
                hash: WireHash {
                    algorithm: hashed.hash().word().to_owned(),
                    value: HEXLOWER.encode(hashed.as_bytes()),
                },
            },
            signature: WireSignature {
                content: BASE64.encode(signature),
                public_key: Content { content: BASE64.encode(pem.as_bytes()) },
            },
        },
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    api_version: String,
    kind: String,
    spec: Spec,
}

#[derive(Serialize, Deserialize)]
struct Spec {
    data: Data,
    signature: WireSignature,
}

#[derive(Serialize, Deserialize)]
struct Data {
    hash: WireHash,
}

#[derive(Serialize, Deserialize)]
struct WireHash {
    algorithm: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSignature {
    content: String,
    public_key: Content,
}

#[derive(Serialize, Deserialize)]
struct Content {
    content: String,
}

impl Wire {
    fn hashed(&self) -> Result<Hashed, ProposedError> {
        let WireHash { algorithm, value } = &self.spec.data.hash;
        let hash = TAKEN.into_iter().find(|hash| hash.word() == algorithm);
        let hash = hash.ok_or_else(|| ProposedError::Hash { said: short(algorithm) })?;
        let digest = HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok();
        let hashed = digest.and_then(|digest| Hashed::from_slice(hash, &digest));
        hashed.ok_or(ProposedError::Digest { hash })
    }

    fn signature(&self) -> Result<Vec<u8>, ProposedError> {
        BASE64.decode(self.spec.signature.content.as_bytes()).map_err(|_| BadSignature.into())
    }

    fn verifier(&self) -> Result<Verifier, ProposedError> {
        let pem = BASE64.decode(self.spec.signature.public_key.content.as_bytes()).ok();
        let pem = pem.and_then(|pem| String::from_utf8(pem).ok()).ok_or(ProposedError::NotPem)?;
        let verifier = match (pem_block(&pem, "CERTIFICATE"), pem_block(&pem, "PUBLIC KEY")) {
            (Some(der), _) => {
                Certificate::from_der(&der).map(Verifier::Certificate).map_err(RekorError::Certificate)
            }
            (None, Some(der)) => PublicKey::from_spki(&der).map(Verifier::PublicKey).map_err(RekorError::Key),
            (None, None) => return Err(ProposedError::NotPem),
        };
        verifier.map_err(ProposedError::Verifier)
    }
}

/// Foreign text that may stand in a message.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

//! Entries that clients ask a log to take: Rekor v2's `CreateEntryRequest` in protojson, verified before it is an entry.
//!
//! A request for a DSSE envelope becomes what the envelope's signature is over: a `hashedrekord` whose digest is that of
//! the pre-authentication encoding. Clients that still send one keep whatever entry they are answered with.

use model::{Algorithm, BadSignature, Hashed, PublicKey, limits};
use pki::Certificate;

use super::{Body, RekorError, Terms, Verifier, key_details};
use crate::ToBeSigned;
use crate::dsse::pre_authentication_encoding;

mod wire;

/// The body of a request, in bytes: an attestation with a large predicate fits.
pub const SUBMISSION_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The algorithms whose signatures can be logged by the digest of what they are over.
const LOGGED: [Algorithm; 5] =
    [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Rsa2048, Algorithm::Rsa3072, Algorithm::Rsa4096];

/// The body of an entry that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedBody {
    // INVARIANT: canonical, no longer than an entry may be, and over a signature that verified.
    bytes: Vec<u8>,
    terms: Terms,
}

/// Why an entry is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmittedError {
    /// Not the JSON of a request.
    #[error("the body is not the JSON of a request for a log entry: {}", reason(.0))]
    Json(serde_json::Error),
    /// No kind of entry, or two.
    #[error(
        "a request names one entry, as `hashedRekordRequestV002` or `dsseRequestV002`, and this one names {count}"
    )]
    NotOneEntry {
        /// How many it names.
        count: usize,
    },
    /// A part that must be there.
    #[error("the request has no `{field}`")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// Something of which there must be exactly one.
    #[error("the request has {count} `{field}`, and an entry has room for exactly one")]
    NotOne {
        /// Its name.
        field: &'static str,
        /// How many there are.
        count: usize,
    },
    /// A `keyDetails` that this log does not take.
    #[error("`keyDetails` is `{said}`; taken are {}", taken())]
    Algorithm {
        /// What it says.
        said: String,
    },
    /// A `keyDetails` of another key than the one that is there.
    #[error("`keyDetails` is `{said}`, and the key is one of `{found}`")]
    OtherAlgorithm {
        /// What it says.
        said: &'static str,
        /// What the key is.
        found: &'static str,
    },
    /// A digest that is not as long as its hash.
    #[error("the digest has {length} bytes, where `{said}` needs {expected}")]
    DigestLength {
        /// How long it is.
        length: usize,
        /// The `keyDetails`.
        said: &'static str,
        /// How long it should be.
        expected: usize,
    },
    /// A key or certificate that cannot be read.
    #[error("the verifier cannot be read")]
    Verifier(#[source] RekorError),
    /// A signature that is not one of this key over this digest.
    #[error("the signature is not one by this key over what the request names")]
    Signature(#[from] BadSignature),
    /// Something that makes no body.
    #[error("the request makes no entry")]
    Body(#[source] RekorError),
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

impl SubmittedBody {
    /// Reads a request and verifies the signature in it.
    pub fn parse(json: &[u8]) -> Result<Self, SubmittedError> {
        let wire: wire::Request = serde_json::from_slice(json).map_err(SubmittedError::Json)?;
        let body = match (wire.hashed_rekord, wire.dsse) {
            (Some(request), None) => hashed_rekord(request)?,
            (None, Some(request)) => dsse(request)?,
            (one, other) => {
                let count = usize::from(one.is_some()) + usize::from(other.is_some());
                return Err(SubmittedError::NotOneEntry { count });
            }
        };
        let bytes = body.encode();
        match bytes.len() {
            length if length > limits::LOG_ENTRY_BYTES_MAX => Err(SubmittedError::TooLong { length }),
            _ => Ok(Self { bytes, terms: body.terms() }),
        }
    }

    /// The leaf of the log.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same with what it tells, given away.
    pub fn into_parts(self) -> (Vec<u8>, Terms) {
        (self.bytes, self.terms)
    }
}

fn hashed_rekord(request: wire::HashedRekord) -> Result<Body, SubmittedError> {
    let signature = request.signature.ok_or(SubmittedError::Missing { field: "signature" })?;
    let signer = Signer::read(signature.verifier)?;
    let hash = signer.algorithm.hash().expect("none is taken whose signatures are not over a digest");
    let length = request.digest.0.len();
    let hashed = Hashed::from_slice(hash, &request.digest.0);
    let hashed = hashed.ok_or(SubmittedError::DigestLength {
        length,
        said: key_details(signer.algorithm),
        expected: hash.length(),
    })?;
    signer.key.verify_digest(&hashed, &signature.content.0)?;
    body(&ToBeSigned::Hashed(hashed), &signature.content.0, signer)
}

fn dsse(request: wire::Dsse) -> Result<Body, SubmittedError> {
    let envelope = request.envelope.ok_or(SubmittedError::Missing { field: "envelope" })?;
    let signer = Signer::read(Some(one("verifiers", request.verifiers)?))?;
    let signature = one("signatures", envelope.signatures)?.sig.0;
    let encoding = pre_authentication_encoding(&envelope.payload_type, &envelope.payload.0);
    signer.key.verify(&encoding, &signature)?;
    body(&ToBeSigned::Message(encoding), &signature, signer)
}

fn one<T>(field: &'static str, many: Vec<T>) -> Result<T, SubmittedError> {
    let count = many.len();
    let mut many = many.into_iter();
    match (many.next(), many.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(SubmittedError::NotOne { field, count }),
    }
}

fn body(to_be_signed: &ToBeSigned, signature: &[u8], signer: Signer) -> Result<Body, SubmittedError> {
    Body::new(to_be_signed, signature, signer.verifier).map_err(SubmittedError::Body)
}

/// Whose signature it is, with a key of an algorithm that is taken.
struct Signer {
    verifier: Verifier,
    key: PublicKey,
    algorithm: Algorithm,
}

impl Signer {
    fn read(wire: Option<wire::Verifier>) -> Result<Self, SubmittedError> {
        let wire = wire.ok_or(SubmittedError::Missing { field: "verifier" })?;
        let said = wire.key_details.algorithm()?;
        let unreadable = SubmittedError::Verifier;
        let verifier = match (wire.public_key, wire.x509_certificate) {
            (Some(key), None) => {
                let key = PublicKey::from_spki(&key.raw_bytes.0).map_err(RekorError::Key);
                Verifier::PublicKey(key.map_err(unreadable)?)
            }
            (None, Some(one)) => {
                let certificate = Certificate::from_der(&one.raw_bytes.0).map_err(RekorError::Certificate);
                Verifier::Certificate(certificate.map_err(unreadable)?)
            }
            _ => return Err(unreadable(RekorError::NotOneVerifier)),
        };
        let key = verifier.key().map_err(unreadable)?;
        let algorithm = key.algorithm();
        if algorithm != said {
            let (said, found) = (key_details(said), key_details(algorithm));
            return Err(SubmittedError::OtherAlgorithm { said, found });
        }
        Ok(Self { verifier, key, algorithm })
    }
}

fn taken() -> String {
    let names: Vec<String> = LOGGED.iter().map(|one| format!("`{}`", key_details(*one))).collect();
    names.join(", ")
}

/// What is wrong with JSON, without the names that types have in here.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let said = text.split(" at line ").next().unwrap_or_default();
    let said = if said.starts_with("invalid ") {
        said.split(", expected ").next().unwrap_or_default()
    } else {
        said
    };
    format!("{said} at line {} column {}", error.line(), error.column())
}

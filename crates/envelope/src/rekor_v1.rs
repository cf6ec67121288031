//! Entries of Rekor v1 ([rekor](https://github.com/sigstore/rekor/tree/main/pkg/types)). In bundles `hashedrekord` 0.0.1,
//! `dsse` 0.0.1 and `intoto` 0.0.2 are read; a log of ours takes the first of them alone ([`ProposedEntry`]), for clients
//! that speak no later API.

use data_encoding::{BASE64, HEXLOWER};
use model::{Digest, Hash, limits, to_canonical};
use serde::{Deserialize, Serialize};

use crate::bundle::Content;
use crate::rekor::Verifier;

mod answer;
mod proposed;

pub use answer::{Answer, AnsweredEntry, EntryId, NotAnEntryId, Promise, answer};
pub use proposed::{KIND, ProposedEntry, ProposedError, VERSION, terms};

/// What an entry says was signed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    of: Of,
    signature: Vec<u8>,
    /// The DER of the signer's certificate or key.
    verifier: Vec<u8>,
}

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Of {
    /// An artifact with this digest, in hexadecimal.
    Artifact { algorithm: String, digest: String },
    /// An envelope with a payload of this SHA-256, in hexadecimal.
    Payload { sha256: String },
}

/// Why bytes are not an entry of Rekor v1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RekorV1Error {
    /// Longer than any entry.
    #[error("a log entry of {length} bytes is longer than any")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// A kind that is not read.
    #[error("a log entry of kind `{kind}` version `{version}`, which is not read")]
    OtherKind {
        /// The kind.
        kind: String,
        /// Its version.
        version: String,
    },
    /// Not the JSON of its kind, or one that contradicts the kind that was named beside it.
    #[error("the log entry is not one of its kind")]
    Json(#[from] serde_json::Error),
    /// None or several of what there must be one of, or something that is not base64 or PEM.
    #[error("the log entry's `{field}` is malformed")]
    Field {
        /// Which.
        field: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<T> {
    api_version: String,
    kind: String,
    spec: T,
}

#[derive(Deserialize)]
struct Hashedrekord {
    data: Data,
    signature: HashedSignature,
}

#[derive(Deserialize)]
struct Data {
    hash: HashValue,
}

#[derive(Deserialize)]
struct HashValue {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HashedSignature {
    content: String,
    public_key: KeyContent,
}

#[derive(Deserialize)]
struct KeyContent {
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dsse {
    payload_hash: HashValue,
    signatures: Vec<DsseSignature>,
}

#[derive(Deserialize)]
struct DsseSignature {
    signature: String,
    verifier: String,
}

#[derive(Deserialize)]
struct Intoto {
    content: IntotoContent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoContent {
    envelope: IntotoEnvelope,
    payload_hash: HashValue,
}

#[derive(Deserialize)]
struct IntotoEnvelope {
    signatures: Vec<IntotoSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoSignature {
    sig: String,
    public_key: String,
}

impl Body {
    /// Reads an entry of this kind and version.
    pub fn parse(kind: &str, version: &str, json: &[u8]) -> Result<Self, RekorV1Error> {
        if json.len() > crate::dsse::ENVELOPE_BYTES_MAX {
            return Err(RekorV1Error::TooLong { length: json.len() });
        }
        match (kind, version) {
            ("hashedrekord", "0.0.1") => {
                let spec: Hashedrekord = spec(kind, version, json)?;
                let HashValue { algorithm, value: digest } = spec.data.hash;
                let of = Of::Artifact { algorithm, digest };
                Self::new(
                    of,
                    decode("signature", &spec.signature.content)?,
                    &spec.signature.public_key.content,
                )
            }
            ("dsse", "0.0.1") => {
                let spec: Dsse = spec(kind, version, json)?;
                let [one] = <[_; 1]>::try_from(spec.signatures)
                    .map_err(|_| RekorV1Error::Field { field: "signatures" })?;
                Self::new(payload(spec.payload_hash)?, decode("signature", &one.signature)?, &one.verifier)
            }
            ("intoto", "0.0.2") => {
                let spec: Intoto = spec(kind, version, json)?;
                let [one] = <[_; 1]>::try_from(spec.content.envelope.signatures)
                    .map_err(|_| RekorV1Error::Field { field: "signatures" })?;
                // The signature of the envelope is base64 already, and is encoded once more.
                let inner = String::from_utf8(decode("sig", &one.sig)?);
                let inner = inner.map_err(|_| RekorV1Error::Field { field: "sig" })?;
                Self::new(payload(spec.content.payload_hash)?, decode("sig", &inner)?, &one.public_key)
            }
            _ => {
                let short = |text: &str| text.chars().take(64).collect();
                Err(RekorV1Error::OtherKind { kind: short(kind), version: short(version) })
            }
        }
    }

    fn new(of: Of, signature: Vec<u8>, verifier: &str) -> Result<Self, RekorV1Error> {
        Ok(Self { of, signature, verifier: pem(&decode("publicKey", verifier)?)? })
    }

    /// Is the entry that of this signature, by this signer, over this content? The field that differs, if not.
    ///
    /// `digest` is that of the artifact, by the hash of the signature.
    pub fn check(
        &self,
        content: &Content,
        digest: Option<(Hash, &[u8])>,
        verifier: &Verifier,
    ) -> Result<(), &'static str> {
        let (same, signature) = match (&self.of, content) {
            (Of::Artifact { algorithm, digest: logged }, Content::Message { signature, .. }) => {
                let (hash, digest) = digest.ok_or("data")?;
                (*algorithm == hash.word() && *logged == HEXLOWER.encode(digest), signature)
            }
            (Of::Payload { sha256 }, Content::Dsse(envelope)) => {
                let payload = Digest::of(&envelope.payload);
                (*sha256 == HEXLOWER.encode(payload.as_bytes()), &envelope.signature)
            }
            _ => return Err("kind"),
        };
        if !same {
            return Err("data");
        }
        if self.signature != *signature {
            return Err("signature");
        }
        let der = match verifier {
            Verifier::PublicKey(key) => key.spki(),
            Verifier::Certificate(certificate) => certificate.der(),
        };
        if self.verifier == der { Ok(()) } else { Err("publicKey") }
    }
}

/// What the log's key signs to promise an entry (`signedEntryTimestamp`): canonical JSON.
pub fn promise_to_be_signed(body: &[u8], integrated_time: u64, log: &Digest, index: u64) -> Vec<u8> {
    #[derive(Serialize)]
    struct Promise {
        body: String,
        #[serde(rename = "integratedTime")]
        integrated_time: u64,
        #[serde(rename = "logID")]
        log: String,
        #[serde(rename = "logIndex")]
        index: u64,
    }
    let (body, log) = (BASE64.encode(body), HEXLOWER.encode(log.as_bytes()));
    to_canonical(&Promise { body, integrated_time, log, index })
}

fn spec<T: for<'de> Deserialize<'de>>(kind: &str, version: &str, json: &[u8]) -> Result<T, RekorV1Error> {
    let wire: Wire<T> = serde_json::from_slice(json)?;
    if wire.kind != kind || wire.api_version != version {
        return Err(RekorV1Error::Field { field: "kind" });
    }
    Ok(wire.spec)
}

fn payload(hash: HashValue) -> Result<Of, RekorV1Error> {
    match hash.algorithm.as_str() {
        "sha256" => Ok(Of::Payload { sha256: hash.value }),
        _ => Err(RekorV1Error::Field { field: "payloadHash" }),
    }
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, RekorV1Error> {
    BASE64.decode(text.as_bytes()).map_err(|_| RekorV1Error::Field { field })
}

/// The DER inside one PEM block (RFC 7468).
fn pem(text: &[u8]) -> Result<Vec<u8>, RekorV1Error> {
    let malformed = || RekorV1Error::Field { field: "publicKey" };
    let text = std::str::from_utf8(text).map_err(|_| malformed())?;
    let mut lines = text.trim().lines();
    let is_edge = |line: Option<&str>, word: &str| line.is_some_and(|line| line.starts_with(word));
    let (first, last) = (lines.next(), lines.next_back());
    if !is_edge(first, "-----BEGIN ") || !is_edge(last, "-----END ") {
        return Err(malformed());
    }
    let body: String = lines.map(str::trim).collect();
    if body.len() > limits::LOG_ENTRY_BYTES_MAX {
        return Err(malformed());
    }
    BASE64.decode(body.as_bytes()).map_err(|_| malformed())
}

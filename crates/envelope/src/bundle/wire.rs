//! A bundle as protojson spells it.

use model::{Base64, Digest};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{BundleError, Content, LIST_LENGTH_MAX, MessageDigest, PATH_LENGTH_MAX, Signer, Version};
use crate::dsse::Envelope;
use crate::protojson::{absent_if_null, int64, list_of_at_most};

const MEDIA_TYPE_V01: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";
const MEDIA_TYPE_V02: &str = "application/vnd.dev.sigstore.bundle+json;version=0.2";
const MEDIA_TYPE_V03_OLD: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";
const MEDIA_TYPE_V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Bundle {
    media_type: String,
    verification_material: VerificationMaterial,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_signature: Option<MessageSignature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsse_envelope: Option<Envelope>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VerificationMaterial {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKeyIdentifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x509_certificate_chain: Option<CertificateChain>,
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    tlog_entries: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp_verification_data: Option<Timestamps>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicKeyIdentifier {
    #[serde(default, deserialize_with = "absent_if_null")]
    hint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Certificate {
    raw_bytes: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateChain {
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    certificates: Vec<Certificate>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Timestamps {
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    rfc3161_timestamps: Vec<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Timestamp {
    signed_timestamp: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MessageSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_digest: Option<MessageDigest>,
    signature: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(default, with = "int64")]
    log_index: u64,
    log_id: LogId,
    kind_version: KindVersion,
    #[serde(default, with = "int64", skip_serializing_if = "is_zero")]
    integrated_time: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inclusion_promise: Option<InclusionPromise>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inclusion_proof: Option<InclusionProof>,
    canonicalized_body: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LogId {
    key_id: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindVersion {
    kind: String,
    version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct InclusionPromise {
    signed_entry_timestamp: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct InclusionProof {
    #[serde(default, with = "int64")]
    log_index: u64,
    root_hash: Base64,
    #[serde(default, with = "int64")]
    tree_size: u64,
    #[serde(default, deserialize_with = "list_of_at_most::<PATH_LENGTH_MAX, _, _>")]
    hashes: Vec<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Checkpoint>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    envelope: String,
}

/// A hash of the tree: 32 bytes in base64.
struct Hash(Digest);

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Base64(self.0.as_bytes().to_vec()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Base64::deserialize(deserializer)?;
        Digest::from_slice(&bytes.0)
            .map(Self)
            .ok_or_else(|| D::Error::custom("a hash of the tree has 32 bytes"))
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl TryFrom<Bundle> for super::Bundle {
    type Error = BundleError;

    fn try_from(wire: Bundle) -> Result<Self, BundleError> {
        let version = version(wire.media_type)?;
        let material = wire.verification_material;
        let signer =
            signer(version, material.public_key, material.certificate, material.x509_certificate_chain)?;
        let content = match (wire.message_signature, wire.dsse_envelope) {
            (Some(message), None) => {
                Content::Message { digest: message.message_digest, signature: message.signature.0 }
            }
            (None, Some(envelope)) => Content::Dsse(envelope),
            (message, envelope) => {
                let count = usize::from(message.is_some()) + usize::from(envelope.is_some());
                return Err(BundleError::NotOne { of: "messageSignature, dsseEnvelope", count });
            }
        };
        let timestamps = material.timestamp_verification_data.map(|data| data.rfc3161_timestamps);
        Ok(Self {
            version,
            signer,
            entries: material.tlog_entries.into_iter().map(Into::into).collect(),
            timestamps: timestamps
                .into_iter()
                .flatten()
                .map(|timestamp| timestamp.signed_timestamp.0)
                .collect(),
            content,
        })
    }
}

fn version(media_type: String) -> Result<Version, BundleError> {
    match media_type.as_str() {
        MEDIA_TYPE_V01 => Ok(Version::V01),
        MEDIA_TYPE_V02 => Ok(Version::V02),
        MEDIA_TYPE_V03 | MEDIA_TYPE_V03_OLD => Ok(Version::V03),
        _ => Err(BundleError::UnknownMediaType { media_type: media_type.chars().take(128).collect() }),
    }
}

fn signer(
    version: Version,
    key: Option<PublicKeyIdentifier>,
    certificate: Option<Certificate>,
    chain: Option<CertificateChain>,
) -> Result<Signer, BundleError> {
    match (key, certificate, chain) {
        (Some(key), None, None) => Ok(Signer::Key { hint: key.hint }),
        (None, Some(certificate), None) => Ok(Signer::Certificate(certificate.raw_bytes.0)),
        (None, None, Some(_)) if version >= Version::V03 => {
            Err(BundleError::Version { field: "x509CertificateChain" })
        }
        (None, None, Some(chain)) if !chain.certificates.is_empty() => Ok(Signer::Chain(
            chain.certificates.into_iter().map(|certificate| certificate.raw_bytes.0).collect(),
        )),
        (key, certificate, chain) => {
            let chain = chain.is_some_and(|chain| !chain.certificates.is_empty());
            let count = usize::from(key.is_some()) + usize::from(certificate.is_some()) + usize::from(chain);
            Err(BundleError::NotOne { of: "publicKey, certificate, x509CertificateChain", count })
        }
    }
}

impl From<super::Bundle> for Bundle {
    fn from(bundle: super::Bundle) -> Self {
        let (mut public_key, mut certificate, mut x509_certificate_chain) = (None, None, None);
        let of = |der| Certificate { raw_bytes: Base64(der) };
        match bundle.signer {
            Signer::Key { hint } => public_key = Some(PublicKeyIdentifier { hint }),
            Signer::Certificate(der) => certificate = Some(of(der)),
            Signer::Chain(chain) => {
                x509_certificate_chain =
                    Some(CertificateChain { certificates: chain.into_iter().map(of).collect() });
            }
        }
        let (message_signature, dsse_envelope) = match bundle.content {
            Content::Message { digest, signature } => {
                (Some(MessageSignature { message_digest: digest, signature: Base64(signature) }), None)
            }
            Content::Dsse(envelope) => (None, Some(envelope)),
        };
        let timestamps = |timestamps: Vec<Vec<u8>>| Timestamps {
            rfc3161_timestamps: timestamps
                .into_iter()
                .map(|token| Timestamp { signed_timestamp: Base64(token) })
                .collect(),
        };
        let media_type = match bundle.version {
            Version::V01 => MEDIA_TYPE_V01,
            Version::V02 => MEDIA_TYPE_V02,
            Version::V03 => MEDIA_TYPE_V03,
        };
        Self {
            media_type: media_type.to_owned(),
            verification_material: VerificationMaterial {
                public_key,
                certificate,
                x509_certificate_chain,
                tlog_entries: bundle.entries.into_iter().map(Into::into).collect(),
                timestamp_verification_data: Some(bundle.timestamps)
                    .filter(|t| !t.is_empty())
                    .map(timestamps),
            },
            message_signature,
            dsse_envelope,
        }
    }
}

impl From<Entry> for super::Entry {
    fn from(wire: Entry) -> Self {
        Self {
            index: wire.log_index,
            log_id: wire.log_id.key_id.0,
            kind: wire.kind_version.kind,
            kind_version: wire.kind_version.version,
            integrated_time: wire.integrated_time,
            inclusion_promise: wire.inclusion_promise.map(|promise| promise.signed_entry_timestamp.0),
            inclusion_proof: wire.inclusion_proof.map(|proof| super::InclusionProof {
                index: proof.log_index,
                root: proof.root_hash.0,
                tree_size: proof.tree_size,
                path: proof.hashes.into_iter().map(|hash| hash.0).collect(),
                checkpoint: proof.checkpoint.map(|checkpoint| checkpoint.envelope),
            }),
            body: wire.canonicalized_body.0,
        }
    }
}

impl From<super::Entry> for Entry {
    fn from(entry: super::Entry) -> Self {
        Self {
            log_index: entry.index,
            log_id: LogId { key_id: Base64(entry.log_id) },
            kind_version: KindVersion { kind: entry.kind, version: entry.kind_version },
            integrated_time: entry.integrated_time,
            inclusion_promise: entry
                .inclusion_promise
                .map(|promise| InclusionPromise { signed_entry_timestamp: Base64(promise) }),
            inclusion_proof: entry.inclusion_proof.map(|proof| InclusionProof {
                log_index: proof.index,
                root_hash: Base64(proof.root),
                tree_size: proof.tree_size,
                hashes: proof.path.into_iter().map(Hash).collect(),
                checkpoint: proof.checkpoint.map(|envelope| Checkpoint { envelope }),
            }),
            canonicalized_body: Base64(entry.body),
        }
    }
}

//! DSSE envelopes with exactly one signature
//! ([specification v1.0](https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md)).

use model::Base64;
use serde::{Deserialize, Serialize};

use crate::ToBeSigned;

/// An envelope as JSON: an attestation with a large predicate fits.
pub const ENVELOPE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A payload with one signature over its pre-authentication encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Envelope {
    /// What was signed.
    pub payload: Vec<u8>,
    /// What kind of thing that is: a media type.
    pub payload_type: String,
    /// The signature.
    pub signature: Vec<u8>,
    /// A hint at the key; covered by nothing, and by default empty.
    pub key_hint: String,
}

/// Why bytes are not an envelope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DsseError {
    /// More bytes than are read.
    #[error("a DSSE envelope of {length} bytes, where at most {ENVELOPE_BYTES_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Not the JSON of an envelope.
    #[error("not a DSSE envelope")]
    Json(#[source] serde_json::Error),
    /// No signature, or several: which of them counts would be anybody's guess.
    #[error("a DSSE envelope with {count} signatures, where exactly one is read")]
    SignatureCount {
        /// How many there are.
        count: usize,
    },
}

/// The pre-authentication encoding: `DSSEv1 SP len(type) SP type SP len(payload) SP payload`.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let header = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [header.as_bytes(), payload].concat()
}

impl Envelope {
    /// Puts a signature over [`pre_authentication_encoding`] and its payload together.
    pub fn seal(payload_type: &str, payload: &[u8], signature: &[u8]) -> Self {
        Self {
            payload: payload.to_vec(),
            payload_type: payload_type.to_owned(),
            signature: signature.to_vec(),
            key_hint: String::new(),
        }
    }

    /// What the signature is over.
    pub fn to_be_signed(&self) -> ToBeSigned {
        ToBeSigned::Message(pre_authentication_encoding(&self.payload_type, &self.payload))
    }

    /// Reads the JSON of an envelope.
    pub fn from_json(bytes: &[u8]) -> Result<Self, DsseError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(DsseError::TooLong { length: bytes.len() });
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(DsseError::Json)?;
        wire.try_into()
    }

    /// The JSON of an envelope.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and lists always encode as JSON")
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    payload: Base64,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    sig: Base64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    keyid: String,
}

impl TryFrom<Wire> for Envelope {
    type Error = DsseError;

    fn try_from(wire: Wire) -> Result<Self, DsseError> {
        let count = wire.signatures.len();
        let [signature] = <[WireSignature; 1]>::try_from(wire.signatures)
            .map_err(|_| DsseError::SignatureCount { count })?;
        Ok(Self {
            payload: wire.payload.0,
            payload_type: wire.payload_type,
            signature: signature.sig.0,
            key_hint: signature.keyid,
        })
    }
}

impl From<Envelope> for Wire {
    fn from(envelope: Envelope) -> Self {
        Self {
            payload: Base64(envelope.payload),
            payload_type: envelope.payload_type,
            signatures: vec![WireSignature { sig: Base64(envelope.signature), keyid: envelope.key_hint }],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn the_encoding_of_the_specifications_own_example_is_reproduced() {
        let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(pre_authentication_encoding("http://example.com/HelloWorld", b"hello world"), expected);
    }

    #[test]
    fn an_envelope_has_exactly_one_signature() {
        let none = br#"{"payload":"","payloadType":"t","signatures":[]}"#;
        let two = br#"{"payload":"","payloadType":"t","signatures":[{"sig":"AA=="},{"sig":"AA=="}]}"#;
        let one = br#"{"payload":"","payloadType":"t","signatures":[{"sig":"AA==","keyid":"k"}]}"#;
        assert!(matches!(Envelope::from_json(none), Err(DsseError::SignatureCount { count: 0 })));
        assert!(matches!(Envelope::from_json(two), Err(DsseError::SignatureCount { count: 2 })));
        let envelope = Envelope::from_json(one).unwrap();
        assert_eq!(Envelope::from_json(&envelope.to_json()).unwrap(), envelope);
    }
}

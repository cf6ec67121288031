//! A request for an entry as protojson spells it: names in either case, base64 in either alphabet, enumerations by name
//! or number, `null` for what is absent; nothing that is unknown.

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use model::Algorithm;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{LOGGED, SubmittedError};
use crate::protojson::{absent_if_null, list_of_at_most};
use crate::rekor::key_details;

/// More signatures and verifiers are not counted: one is the only number that is taken.
const SIGNATURES_MAX: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    #[serde(default, rename = "hashedRekordRequestV002", alias = "hashed_rekord_request_v002")]
    pub(super) hashed_rekord: Option<HashedRekord>,
    #[serde(default, rename = "dsseRequestV002", alias = "dsse_request_v002")]
    pub(super) dsse: Option<Dsse>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekord {
    #[serde(default, deserialize_with = "absent_if_null")]
    pub(super) digest: Bytes,
    #[serde(default)]
    pub(super) signature: Option<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    #[serde(default, deserialize_with = "absent_if_null")]
    pub(super) content: Bytes,
    #[serde(default)]
    pub(super) verifier: Option<Verifier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dsse {
    #[serde(default)]
    pub(super) envelope: Option<Envelope>,
    #[serde(default, deserialize_with = "list_of_at_most::<SIGNATURES_MAX, _, _>")]
    pub(super) verifiers: Vec<Verifier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    #[serde(default, deserialize_with = "absent_if_null")]
    pub(super) payload: Bytes,
    #[serde(default, rename = "payloadType", alias = "payload_type", deserialize_with = "absent_if_null")]
    pub(super) payload_type: String,
    #[serde(default, deserialize_with = "list_of_at_most::<SIGNATURES_MAX, _, _>")]
    pub(super) signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvelopeSignature {
    #[serde(default, deserialize_with = "absent_if_null")]
    pub(super) sig: Bytes,
    /// A hint at the key, which the verifier names.
    #[serde(default, rename = "keyid", deserialize_with = "absent_if_null")]
    _keyid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verifier {
    #[serde(default, rename = "publicKey", alias = "public_key")]
    pub(super) public_key: Option<RawBytes>,
    #[serde(default, rename = "x509Certificate", alias = "x509_certificate")]
    pub(super) x509_certificate: Option<RawBytes>,
    #[serde(default, rename = "keyDetails", alias = "key_details")]
    pub(super) key_details: KeyDetails,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBytes {
    #[serde(default, rename = "rawBytes", alias = "raw_bytes", deserialize_with = "absent_if_null")]
    pub(super) raw_bytes: Bytes,
}

/// Bytes in base64, as protojson reads them.
#[derive(Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let digits = text.trim_end_matches('=').as_bytes();
        let alphabet = if text.contains(['-', '_']) { BASE64URL_NOPAD } else { BASE64_NOPAD };
        alphabet.decode(digits).map(Self).map_err(|_| D::Error::custom("bytes that are not base64"))
    }
}

/// `PublicKeyDetails`, by its name or its number.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum KeyDetails {
    Name(String),
    Number(u32),
    Absent(()),
}

impl Default for KeyDetails {
    fn default() -> Self {
        Self::Absent(())
    }
}

impl KeyDetails {
    /// The algorithm that it names, if it is one that is taken.
    pub(super) fn algorithm(&self) -> Result<Algorithm, SubmittedError> {
        let found = match self {
            Self::Name(name) => LOGGED.into_iter().find(|one| key_details(*one) == name),
            Self::Number(number) => LOGGED.into_iter().find(|one| number_of(*one) == Some(*number)),
            Self::Absent(()) => None,
        };
        found.ok_or_else(|| {
            let said = match self {
                Self::Name(name) => name.chars().take(64).collect(),
                Self::Number(number) => number.to_string(),
                Self::Absent(()) => "PUBLIC_KEY_DETAILS_UNSPECIFIED".to_owned(),
            };
            SubmittedError::Algorithm { said }
        })
    }
}

const fn number_of(algorithm: Algorithm) -> Option<u32> {
    match algorithm {
        Algorithm::EcdsaP256 => Some(5),
        Algorithm::EcdsaP384 => Some(12),
        Algorithm::Rsa2048 => Some(9),
        Algorithm::Rsa3072 => Some(10),
        Algorithm::Rsa4096 => Some(11),
        _ => None,
    }
}

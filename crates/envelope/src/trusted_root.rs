//! Sigstore trusted roots
//! ([`trusted_root.json`](https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto)).
//!
//! The media type is the one that every client accepts, `…trustedroot+json;version=0.1`. Every log and authority has
//! a window with a start; both ends of a window belong to it.

use std::collections::BTreeMap;

use model::{Base64, Digest, Instant, KeyError, PublicKey};
use serde::{Deserialize, Serialize};

use crate::protojson::list_of_at_most;
use crate::rekor;

/// A trusted root as JSON: hundreds of retired logs and authorities fit.
pub const TRUSTED_ROOT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Logs or authorities of one kind.
pub const LIST_LENGTH_MAX: usize = 1_024;

/// Certificates in one chain.
pub const CHAIN_LENGTH_MAX: usize = 16;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const MEDIA_TYPES: [&str; 4] = [
    MEDIA_TYPE,
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/// Whom a verifier believes: logs, and authorities with their certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrustedRoot {
    media_type: String,
    /// The transparency logs.
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    pub tlogs: Vec<Log>,
    /// The authorities whose certificates sign code.
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    pub certificate_authorities: Vec<Authority>,
    /// The logs of those certificates.
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    pub ctlogs: Vec<Log>,
    /// The timestamp authorities.
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    pub timestamp_authorities: Vec<Authority>,
}

/// A log and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Log {
    /// Where it is; its host is the origin of its checkpoints.
    pub base_url: String,
    /// The hash of its tree: `SHA2_256`.
    pub hash_algorithm: String,
    /// Its key.
    pub public_key: LogKey,
    /// Its id.
    pub log_id: LogId,
    /// Upstream's slot for the key id of checkpoints; never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_key_id: Option<LogId>,
    /// Who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

/// The key of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LogKey {
    /// Its SubjectPublicKeyInfo.
    pub raw_bytes: Base64,
    /// Its algorithm, as protobuf spells it.
    pub key_details: String,
    /// When it may have signed.
    pub valid_for: Window,
}

/// The id of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LogId {
    /// Its bytes: 32 of them.
    pub key_id: Base64,
}

/// An authority and its certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Authority {
    /// The name of its root, for people.
    pub subject: BTreeMap<String, String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uri: String,
    /// Its certificates.
    pub cert_chain: Chain,
    /// When it may have signed.
    pub valid_for: Window,
    /// Who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

/// Certificates from the lowest to the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    #[serde(deserialize_with = "list_of_at_most::<CHAIN_LENGTH_MAX, _, _>")]
    certificates: Vec<RawCertificate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawCertificate {
    raw_bytes: Base64,
}

/// From when to when; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first instant.
    pub start: Instant,
    /// The last instant; without one, the window is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Instant>,
}

/// Why bytes are not a trusted root.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustedRootError {
    /// More bytes than are read.
    #[error("a trusted root of {length} bytes, where at most {TRUSTED_ROOT_BYTES_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Not the JSON of a trusted root, or a log without the start of its window.
    #[error("not a Sigstore trusted root")]
    Json(#[source] serde_json::Error),
    /// Another media type.
    #[error("a trusted root of media type `{media_type}`, which is not read; known is `{MEDIA_TYPE}`")]
    UnknownMediaType {
        /// What it says it is.
        media_type: String,
    },
    /// An authority without certificates.
    #[error("the authority at `{uri}` has no certificate")]
    NoCertificate {
        /// Where it is.
        uri: String,
    },
}

impl TrustedRoot {
    /// A root of these logs and authorities.
    pub fn new(
        tlogs: Vec<Log>,
        certificate_authorities: Vec<Authority>,
        ctlogs: Vec<Log>,
        timestamp_authorities: Vec<Authority>,
    ) -> Self {
        Self {
            media_type: MEDIA_TYPE.to_owned(),
            tlogs,
            certificate_authorities,
            ctlogs,
            timestamp_authorities,
        }
    }

    /// Reads `trusted_root.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TrustedRootError> {
        if bytes.len() > TRUSTED_ROOT_BYTES_MAX {
            return Err(TrustedRootError::TooLong { length: bytes.len() });
        }
        let root: Self = serde_json::from_slice(bytes).map_err(TrustedRootError::Json)?;
        if !MEDIA_TYPES.contains(&root.media_type.as_str()) {
            let media_type = root.media_type.chars().take(128).collect();
            return Err(TrustedRootError::UnknownMediaType { media_type });
        }
        let mut authorities = root.certificate_authorities.iter().chain(&root.timestamp_authorities);
        if let Some(bare) = authorities.find(|authority| authority.cert_chain.certificates.is_empty()) {
            return Err(TrustedRootError::NoCertificate { uri: bare.uri.chars().take(256).collect() });
        }
        Ok(root)
    }

    /// The JSON of the root, indented for people.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("strings and lists always encode as JSON")
    }
}

impl Log {
    /// A log with a SHA-256 tree and this key.
    pub fn new(base_url: &str, key: &PublicKey, log_id: &Digest, valid_for: Window) -> Self {
        Self {
            base_url: base_url.to_owned(),
            hash_algorithm: "SHA2_256".to_owned(),
            public_key: LogKey {
                raw_bytes: Base64(key.spki().to_vec()),
                key_details: rekor::key_details(key.algorithm()).to_owned(),
                valid_for,
            },
            log_id: LogId { key_id: Base64(log_id.as_bytes().to_vec()) },
            checkpoint_key_id: None,
            operator: None,
        }
    }

    /// Its key. A log with a key that is not verified here stays in the root; only what it signed cannot be checked.
    pub fn key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_spki(&self.public_key.raw_bytes.0)
    }

    /// The host of its URL, without scheme, port and path: the origin of its checkpoints. `None` if there is none.
    pub fn origin(&self) -> Option<&str> {
        let (_scheme, rest) = self.base_url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host_and_port = authority.rsplit('@').next()?;
        let host = match host_and_port.strip_prefix('[') {
            Some(literal) => literal.split(']').next()?,
            None => host_and_port.split(':').next()?,
        };
        (!host.is_empty()).then_some(host)
    }
}

impl Authority {
    /// An authority with these certificates (DER), from the lowest to the root.
    pub fn new(organization: &str, common_name: &str, uri: &str, chain: &[&[u8]], valid_for: Window) -> Self {
        let name = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        Self {
            subject: BTreeMap::from([name("organization", organization), name("commonName", common_name)]),
            uri: uri.to_owned(),
            cert_chain: Chain {
                certificates: chain
                    .iter()
                    .map(|der| RawCertificate { raw_bytes: Base64(der.to_vec()) })
                    .collect(),
            },
            valid_for,
            operator: None,
        }
    }

    /// Its certificates (DER), from the lowest to the root.
    pub fn certificates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.cert_chain.certificates.iter().map(|certificate| certificate.raw_bytes.0.as_slice())
    }
}

impl Window {
    /// Does this instant belong to the window? Both ends do.
    pub fn contains(&self, instant: Instant) -> bool {
        self.start <= instant && self.end.is_none_or(|end| instant <= end)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn both_ends_of_a_window_belong_to_it() {
        let at = Instant::from_seconds;
        let window = Window { start: at(10), end: Some(at(20)) };
        let inside: Vec<u64> = (8..=22).filter(|second| window.contains(at(*second))).collect();
        assert_eq!(inside, (10..=20).collect::<Vec<u64>>());
        assert!(!window.contains(Instant::from_nanoseconds(20_000_000_001)));
        assert!(Window { start: at(10), end: None }.contains(at(1 << 33)));
    }

    #[test]
    fn the_origin_of_a_log_is_the_bare_host_of_its_url() {
        let key = PublicKey::from_ed25519(&[0; 32]);
        let window = Window { start: Instant::EPOCH, end: None };
        let origin = |url: &str| Log::new(url, &key, &Digest::ZERO, window).origin().map(str::to_owned);
        assert_eq!(origin("https://log.example.test").as_deref(), Some("log.example.test"));
        assert_eq!(origin("https://log.example.test:8443/a/b?c").as_deref(), Some("log.example.test"));
        assert_eq!(origin("https://[::1]:8443/a").as_deref(), Some("::1"));
        assert_eq!(origin("log.example.test"), None);
        assert_eq!(origin("https://"), None);
    }

    #[test]
    fn a_log_without_the_start_of_its_window_is_refused() {
        let key = PublicKey::from_ed25519(&[0; 32]);
        let window = Window { start: Instant::EPOCH, end: None };
        let log = Log::new("https://log.example.test", &key, &Digest::ZERO, window);
        let json = TrustedRoot::new(vec![log], vec![], vec![], vec![]).to_json();
        assert!(TrustedRoot::from_json(&json).is_ok());
        let text = String::from_utf8(json).unwrap();
        let without = text.replace("\"start\": \"1970-01-01T00:00:00Z\"", "");
        assert_ne!(text, without);
        assert!(matches!(TrustedRoot::from_json(without.as_bytes()), Err(TrustedRootError::Json(_))));
    }
}

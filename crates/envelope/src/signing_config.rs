//! Sigstore signing configs
//! ([`signing_config.v0.2.json`](https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto)):
//! where clients sign, as trusted roots say whom verifiers believe.

use model::Instant;
use serde::{Deserialize, Serialize};

use crate::protojson::{absent_if_null, list_of_at_most};
use crate::trusted_root::Window;

/// A signing config as JSON.
pub const SIGNING_CONFIG_BYTES_MAX: usize = 256 * 1024;

/// Services of one kind.
const LIST_LENGTH_MAX: usize = 256;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";

/// Where clients sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SigningConfig {
    media_type: String,
    /// The certificate authorities; their API is of major version 1.
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    pub ca_urls: Vec<Endpoint>,
    /// Where people log in.
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    pub oidc_urls: Vec<Endpoint>,
    /// The transparency logs.
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    pub rekor_tlog_urls: Vec<Endpoint>,
    /// The timestamp authorities, by their whole address.
    #[serde(default, deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    pub tsa_urls: Vec<Endpoint>,
    /// How many logs are asked.
    #[serde(default)]
    pub rekor_tlog_config: Selection,
    /// How many timestamp authorities are asked.
    #[serde(default)]
    pub tsa_config: Selection,
}

/// A service at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Endpoint {
    /// Its address.
    pub url: String,
    /// The version of its API.
    pub major_api_version: u32,
    /// When it takes requests.
    pub valid_for: Window,
    /// Who runs it.
    #[serde(default, deserialize_with = "absent_if_null", skip_serializing_if = "String::is_empty")]
    pub operator: String,
}

/// How many of several services are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Which.
    pub selector: Selector,
    /// How many, for [`Selector::Exact`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub count: u32,
}

/// Which of several services are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Selector {
    /// Any one.
    Any,
    /// All of them.
    All,
    /// So many.
    Exact,
}

/// Why bytes are not a signing config, or give no service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningConfigError {
    /// More bytes than are read.
    #[error("a signing config of {length} bytes, where at most {SIGNING_CONFIG_BYTES_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Not the JSON of a signing config.
    #[error("not a Sigstore signing config")]
    Json(#[source] serde_json::Error),
    /// Another media type.
    #[error("a signing config of media type `{media_type}`, which is not read; known is `{MEDIA_TYPE}`")]
    UnknownMediaType {
        /// What it says it is.
        media_type: String,
    },
    /// No service that can be used now.
    #[error("the signing config names no {kind} with version {version} of its API that takes requests now")]
    NoService {
        /// Of which kind.
        kind: &'static str,
        /// The version that is spoken here.
        version: u32,
    },
    /// More services than are asked here.
    #[error("the signing config asks for several {kind}s, and one is asked here")]
    Several {
        /// Of which kind.
        kind: &'static str,
    },
}

impl SigningConfig {
    /// A config of these services, any one of each kind.
    pub fn new(
        ca_urls: Vec<Endpoint>,
        oidc_urls: Vec<Endpoint>,
        rekor_tlog_urls: Vec<Endpoint>,
        tsa_urls: Vec<Endpoint>,
    ) -> Self {
        let (rekor_tlog_config, tsa_config) = (Selection::default(), Selection::default());
        let media_type = MEDIA_TYPE.to_owned();
        Self { media_type, ca_urls, oidc_urls, rekor_tlog_urls, tsa_urls, rekor_tlog_config, tsa_config }
    }

    /// Reads `signing_config.v0.2.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, SigningConfigError> {
        if bytes.len() > SIGNING_CONFIG_BYTES_MAX {
            return Err(SigningConfigError::TooLong { length: bytes.len() });
        }
        let config: Self = serde_json::from_slice(bytes).map_err(SigningConfigError::Json)?;
        if config.media_type != MEDIA_TYPE {
            let media_type = config.media_type.chars().take(128).collect();
            return Err(SigningConfigError::UnknownMediaType { media_type });
        }
        Ok(config)
    }

    /// The JSON of the config, indented for people.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("strings, numbers and lists always encode as JSON")
    }

    /// The certificate authority that is asked now.
    pub fn authority(&self, now: Instant) -> Result<&Endpoint, SigningConfigError> {
        newest("certificate authority", &self.ca_urls, 1, now)
    }

    /// Where people log in now; `None` where the config leaves that to them.
    pub fn issuer(&self, now: Instant) -> Option<&Endpoint> {
        newest("issuer", &self.oidc_urls, 1, now).ok()
    }

    /// The log that is asked now, of Rekor v2.
    pub fn log(&self, now: Instant) -> Result<&Endpoint, SigningConfigError> {
        self.rekor_tlog_config.one("transparency log")?;
        newest("transparency log", &self.rekor_tlog_urls, 2, now)
    }

    /// The timestamp authority that is asked now.
    pub fn timestamp_authority(&self, now: Instant) -> Result<&Endpoint, SigningConfigError> {
        self.tsa_config.one("timestamp authority")?;
        newest("timestamp authority", &self.tsa_urls, 1, now)
    }
}

impl Endpoint {
    /// A service that takes requests from now on.
    pub fn new(url: &str, major_api_version: u32, valid_for: Window, operator: &str) -> Self {
        Self { url: url.to_owned(), major_api_version, valid_for, operator: operator.to_owned() }
    }
}

impl Selection {
    fn one(self, kind: &'static str) -> Result<(), SigningConfigError> {
        match self.selector {
            Selector::Any => Ok(()),
            Selector::Exact if self.count == 1 => Ok(()),
            _ => Err(SigningConfigError::Several { kind }),
        }
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self { selector: Selector::Any, count: 0 }
    }
}

/// Of those that take requests now, the one that began last.
fn newest<'a>(
    kind: &'static str,
    list: &'a [Endpoint],
    version: u32,
    now: Instant,
) -> Result<&'a Endpoint, SigningConfigError> {
    let fitting = list.iter().filter(|one| one.major_api_version == version && one.valid_for.contains(now));
    fitting.max_by_key(|one| one.valid_for.start).ok_or(SigningConfigError::NoService { kind, version })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is the serialiser's")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn at(url: &str, version: u32, start: u64, end: Option<u64>) -> Endpoint {
        let window = Window { start: Instant::from_seconds(start), end: end.map(Instant::from_seconds) };
        Endpoint::new(url, version, window, "example.com")
    }

    #[test]
    fn the_newest_service_of_a_version_that_is_spoken_is_asked() {
        let logs = vec![
            at("v1", 1, 30, None),
            at("old", 2, 10, None),
            at("new", 2, 20, None),
            at("next", 2, 90, None),
        ];
        let config = SigningConfig::new(vec![at("ca", 1, 0, Some(50))], vec![], logs, vec![]);
        let config = SigningConfig::from_json(&config.to_json()).unwrap();
        let now = Instant::from_seconds(50);
        assert_eq!(config.log(now).unwrap().url, "new");
        assert_eq!(config.authority(now).unwrap().url, "ca");
        assert!(config.authority(Instant::from_seconds(51)).is_err());
        assert!(matches!(config.timestamp_authority(now), Err(SigningConfigError::NoService { .. })));
    }

    #[test]
    fn a_config_that_asks_for_several_is_refused_by_name() {
        let mut config = SigningConfig::new(vec![], vec![], vec![at("log", 2, 0, None)], vec![]);
        config.rekor_tlog_config = Selection { selector: Selector::Exact, count: 2 };
        let refused = config.log(Instant::from_seconds(1)).unwrap_err();
        assert!(matches!(refused, SigningConfigError::Several { kind: "transparency log" }));
        assert!(SigningConfig::from_json(br#"{"mediaType":"x"}"#).is_err());
    }
}

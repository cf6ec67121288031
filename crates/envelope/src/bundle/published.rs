//! Attestations as Python's package index publishes them
//! ([PEP 740](https://peps.python.org/pep-0740/#attestation-objects), version 1): the parts of a bundle under other names.

use data_encoding::BASE64;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::{BUNDLE_BYTES_MAX, Bundle, BundleError, Content, LIST_LENGTH_MAX, Signer, Version, wire};
use crate::dsse::{Envelope, IN_TOTO};
use crate::protojson::list_of_at_most;

/// What is added to the name of a file for one of these, after what it is about.
pub const SUFFIX: &str = ".attestation";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    version: u32,
    verification_material: Material,
    envelope: Signed,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Material {
    certificate: Lines,
    #[serde(deserialize_with = "list_of_at_most::<LIST_LENGTH_MAX, _, _>")]
    transparency_entries: Vec<wire::Entry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    statement: Lines,
    signature: Lines,
}

/// Bytes in base64, perhaps in lines, as some programs write them (RFC 4648 §3.1, RFC 2045 §6.8).
struct Lines(Vec<u8>);

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?.replace('\n', "");
        BASE64.decode(text.as_bytes()).map(Self).map_err(|_| D::Error::custom("this is not base64"))
    }
}

impl Bundle {
    /// The bundle that such an attestation is. It has no timestamps: its time is what a log of Rekor v1 promised.
    pub fn from_published(json: &[u8]) -> Result<Self, BundleError> {
        if json.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLong { length: json.len() });
        }
        let published: Published = serde_json::from_slice(json).map_err(BundleError::Json)?;
        if published.version != 1 {
            return Err(BundleError::PublishedVersion { version: published.version });
        }
        let Signed { statement, signature } = published.envelope;
        Ok(Self {
            version: Version::V03,
            signer: Signer::Certificate(published.verification_material.certificate.0),
            entries: published
                .verification_material
                .transparency_entries
                .into_iter()
                .map(Into::into)
                .collect(),
            timestamps: Vec::new(),
            content: Content::Dsse(Envelope::seal(IN_TOTO, &statement.0, &signature.0)),
        })
    }
}

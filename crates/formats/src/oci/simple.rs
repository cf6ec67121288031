//! How cosign signed images before version 3: a small JSON payload about the image (`simplesigning`), each a layer of an
//! image of signatures under the tag `sha256-DIGEST.sig`.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use model::Digest;
use serde::{Deserialize, Serialize};

use super::descriptor::{ContentDigest, Descriptor};
use super::manifest::{Image, MEDIA_IMAGE};
use super::reference::{Repository, fallback_tag};

/// The media type of a payload.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The annotation of a layer that holds the signature, in base64.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// What a payload says it is.
const KIND: &str = "cosign container image signature";

/// The longest payload: whoever signs may add a few words.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// What was signed: a claim about an image. What whoever signs may add to it is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleSigning {
    /// Where the image was when it was signed; nobody is held to it.
    pub docker_reference: String,
    /// The image.
    pub image: Digest,
}

/// Why bytes are no such payload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimpleError {
    /// More bytes than are read.
    #[error("a payload of {length} bytes, where at most {PAYLOAD_BYTES_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Not the JSON of one.
    #[error("not a simplesigning payload")]
    Json(#[source] serde_json::Error),
    /// Of another type, or of an image that is named otherwise than by SHA-256.
    #[error("a simplesigning payload whose `{field}` is not one that is read")]
    Unknown {
        /// Which field.
        field: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
struct Wire {
    critical: Critical,
    #[serde(default)]
    optional: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Named,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    docker_reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Named {
    docker_manifest_digest: ContentDigest,
}

impl SimpleSigning {
    /// The payload for an image of a repository.
    pub fn new(repository: &Repository, image: &Digest) -> Self {
        Self { docker_reference: repository.docker_reference(), image: *image }
    }

    /// Reads a payload.
    pub fn parse(bytes: &[u8]) -> Result<Self, SimpleError> {
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(SimpleError::TooLong { length: bytes.len() });
        }
        let Wire { critical, .. } = serde_json::from_slice(bytes).map_err(SimpleError::Json)?;
        if critical.kind != KIND {
            return Err(SimpleError::Unknown { field: "type" });
        }
        let image = critical.image.docker_manifest_digest.sha256().copied();
        let image = image.ok_or(SimpleError::Unknown { field: "docker-manifest-digest" })?;
        Ok(Self { docker_reference: critical.identity.docker_reference, image })
    }

    /// The JSON, which is what is signed.
    pub fn encode(&self) -> Vec<u8> {
        let image = Named { docker_manifest_digest: ContentDigest::Sha256(self.image) };
        let identity = Identity { docker_reference: self.docker_reference.clone() };
        let critical = Critical { identity, image, kind: KIND.to_owned() };
        serde_json::to_vec(&Wire { critical, optional: None }).expect("strings always encode as JSON")
    }
}

/// The tag under which the signatures of an image are.
pub fn signature_tag(image: &Digest) -> String {
    format!("{}.sig", fallback_tag(image))
}

/// The payloads of an image of signatures, each with its signature.
pub fn signatures_of(signatures: &Image) -> impl Iterator<Item = (&Descriptor, Vec<u8>)> {
    let payloads = signatures.layers.iter().filter(|layer| layer.media_type == SIMPLE_SIGNING);
    payloads.filter_map(|layer| {
        let signature = BASE64.decode(layer.annotations.get(SIGNATURE)?.as_bytes()).ok()?;
        Some((layer, signature))
    })
}

/// An image of signatures with one more; with it comes its configuration, which names the layers once more.
pub fn with_signature(present: Option<Image>, payload: &[u8], signature: &[u8]) -> (Image, Vec<u8>) {
    let mut layer = Descriptor::of(SIMPLE_SIGNING, payload);
    layer.annotations.insert(SIGNATURE.to_owned(), BASE64.encode(signature));
    let (mut layers, annotations) = match present {
        Some(image) => (image.layers, image.annotations),
        None => (Vec::new(), BTreeMap::new()),
    };
    if !layers.contains(&layer) {
        layers.push(layer);
    }
    let named: Vec<String> = layers.iter().map(|layer| layer.digest.to_string()).collect();
    let config = serde_json::json!({
        "architecture": "", "os": "", "config": {}, "created": "0001-01-01T00:00:00Z",
        "rootfs": {"type": "layers", "diff_ids": named},
    });
    let config = config.to_string().into_bytes();
    let image = Image {
        media_type: MEDIA_IMAGE.to_owned(),
        artifact_type: None,
        config: Descriptor::of("application/vnd.oci.image.config.v1+json", &config),
        layers,
        subject: None,
        annotations,
    };
    (image, config)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_payload_says_of_which_image_it_is_and_nothing_else_is_read_as_one() {
        let image = Digest::of(b"manifest");
        let payload = SimpleSigning::new(&"registry.example.com/app".parse().unwrap(), &image);
        assert_eq!(SimpleSigning::parse(&payload.encode()).unwrap(), payload);
        let theirs = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"registry.example.com/app"}},"image":{{"docker-manifest-digest":"sha256:{image}"}},"type":"cosign container image signature"}},"optional":{{"foo":"bar"}}}}"#
        );
        assert_eq!(SimpleSigning::parse(theirs.as_bytes()).unwrap(), payload);
        for (from, to) in [("cosign container", "another"), ("sha256:", "sha512:"), ("\"critical\"", "\"c\"")]
        {
            assert!(SimpleSigning::parse(theirs.replace(from, to).as_bytes()).is_err(), "{from}");
        }
    }

    #[test]
    fn signatures_of_one_image_stand_beside_each_other_and_each_once() {
        let (first, _) = with_signature(None, b"payload", b"one");
        let (same, _) = with_signature(Some(first.clone()), b"payload", b"one");
        assert_eq!(first, same);
        let (both, config) = with_signature(Some(first), b"payload", b"two");
        let signatures: Vec<Vec<u8>> = signatures_of(&both).map(|(_, signature)| signature).collect();
        assert_eq!(signatures, [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(both.config.digest, ContentDigest::Sha256(Digest::of(&config)));
    }
}

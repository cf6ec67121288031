//! What is attached to an image: a manifest that refers to it, and holds one bundle.

use std::collections::BTreeMap;

use model::Instant;

use super::descriptor::Descriptor;
use super::manifest::{Image, MEDIA_IMAGE};

/// A Sigstore bundle of version 0.3: what cosign attaches, and clients look for.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// What every version of it begins with.
const BUNDLE_OF_ANY_VERSION: &str = "application/vnd.dev.sigstore.bundle";

/// The configuration of what has none.
const EMPTY_CONFIG: &str = "application/vnd.oci.empty.v1+json";

/// Its bytes.
pub const EMPTY: &[u8] = b"{}";

/// Bytes of no particular kind: how blobs are uploaded.
pub const OCTETS: &str = "application/octet-stream";

/// The kind of claim that a signature of an image is, as cosign makes it: the holder of the key signed it, and no more.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// The annotation that says what kind of claim is in a bundle. Nothing covers it.
pub const PREDICATE: &str = "dev.sigstore.bundle.predicateType";

/// A bundle that is to be attached to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The manifest that refers to the image.
    pub manifest: Image,
    /// What it holds.
    pub blob: Vec<u8>,
}

/// Where a manifest keeps a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept<'a> {
    /// The bundle.
    pub bundle: &'a Descriptor,
    /// The kind of claim in it, as the manifest says.
    pub predicate: Option<&'a str>,
}

impl Attached {
    /// A bundle with a claim of this kind about an image. A repeat makes the same manifest, where the time is the same.
    pub fn new(subject: &Descriptor, bundle: &[u8], predicate: &str, created: Instant) -> Self {
        let bare = Descriptor {
            artifact_type: None,
            annotations: BTreeMap::new(),
            other: BTreeMap::new(),
            ..subject.clone()
        };
        let mut config = Descriptor::of(EMPTY_CONFIG, EMPTY);
        // Where there are no referrers, clients of before 1.1 look for the artifact type there.
        config.artifact_type = Some(BUNDLE.to_owned());
        let annotations = [
            ("dev.sigstore.bundle.content", "dsse-envelope".to_owned()),
            (PREDICATE, predicate.to_owned()),
            ("org.opencontainers.image.created", created.whole_second().to_string()),
        ];
        let manifest = Image {
            media_type: MEDIA_IMAGE.to_owned(),
            artifact_type: Some(BUNDLE.to_owned()),
            config,
            layers: vec![Descriptor::of(BUNDLE, bundle)],
            subject: Some(bare),
            annotations: annotations.map(|(name, value)| (name.to_owned(), value)).into(),
        };
        Self { manifest, blob: bundle.to_vec() }
    }
}

impl Image {
    /// The bundle that a manifest keeps for an image; `None` where it keeps something else, or something for another.
    pub fn bundle_of(&self, image: &model::Digest) -> Option<Kept<'_>> {
        let is_its = self.subject.as_ref().and_then(|subject| subject.digest.sha256()) == Some(image);
        match &self.layers[..] {
            [bundle] if is_its && bundle.media_type.starts_with(BUNDLE_OF_ANY_VERSION) => {
                Some(Kept { bundle, predicate: self.annotations.get(PREDICATE).map(String::as_str) })
            }
            _ => None,
        }
    }
}

//! What is attached to an image: a manifest that refers to it, and holds one bundle or receipt.

use std::collections::BTreeMap;

use model::Instant;

use super::descriptor::Descriptor;
use super::manifest::{Image, MEDIA_IMAGE};

/// A Sigstore bundle of version 0.3: what cosign attaches, and clients look for.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// What every version of it begins with.
const BUNDLE_OF_ANY_VERSION: &str = "application/vnd.dev.sigstore.bundle";

/// A receipt of version 1.
pub const RECEIPT: &str = "application/vnd.avouch.receipt.v1+json";

/// The configuration of what has none.
const EMPTY_CONFIG: &str = "application/vnd.oci.empty.v1+json";

/// Its bytes.
pub const EMPTY: &[u8] = b"{}";

/// Bytes of no particular kind: how blobs are uploaded.
pub const OCTETS: &str = "application/octet-stream";

/// The kind of claim that a signature of an image is, as cosign makes it: the holder of the key signed it, and no more.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// The annotation that says what kind of claim is in a bundle or receipt. Nothing covers it.
pub const PREDICATE: &str = "dev.sigstore.bundle.predicateType";

/// What proves a claim about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A Sigstore bundle.
    Bundle,
    /// A receipt, which tells who endorsed, too.
    Receipt,
}

impl Proof {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Bundle => BUNDLE,
            Self::Receipt => RECEIPT,
        }
    }

    fn of(media_type: &str) -> Option<Self> {
        match media_type {
            RECEIPT => Some(Self::Receipt),
            other => other.starts_with(BUNDLE_OF_ANY_VERSION).then_some(Self::Bundle),
        }
    }
}

/// Something that is to be attached to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The manifest that refers to the image.
    pub manifest: Image,
    /// What it holds.
    pub blob: Vec<u8>,
}

/// Where a manifest keeps a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Of what kind it is.
    pub proof: Proof,
    /// The bundle or receipt.
    pub blob: &'a Descriptor,
    /// The kind of claim in it, as the manifest says.
    pub predicate: Option<&'a str>,
}

impl Attached {
    /// The proof of a claim of this kind about an image. A repeat makes the same manifest, where the time is the same.
    pub fn new(subject: &Descriptor, proof: Proof, bytes: &[u8], predicate: &str, created: Instant) -> Self {
        let bare = Descriptor {
            artifact_type: None,
            annotations: BTreeMap::new(),
            other: BTreeMap::new(),
            ..subject.clone()
        };
        let kind = proof.media_type();
        let mut config = Descriptor::of(EMPTY_CONFIG, EMPTY);
        // Where there are no referrers, clients of before 1.1 look for the artifact type there.
        config.artifact_type = Some(kind.to_owned());
        let content = match proof {
            Proof::Bundle => Some(("dev.sigstore.bundle.content", "dsse-envelope".to_owned())),
            Proof::Receipt => None,
        };
        let annotations = [
            (PREDICATE, predicate.to_owned()),
            ("org.opencontainers.image.created", created.whole_second().to_string()),
        ];
        let annotations = annotations.into_iter().chain(content);
        let manifest = Image {
            media_type: MEDIA_IMAGE.to_owned(),
            artifact_type: Some(kind.to_owned()),
            config,
            layers: vec![Descriptor::of(kind, bytes)],
            subject: Some(bare),
            annotations: annotations.map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        Self { manifest, blob: bytes.to_vec() }
    }
}

impl Image {
    /// The proof that a manifest keeps for an image; `None` where it keeps something else, or something for another.
    pub fn proof_of(&self, image: &model::Digest) -> Option<Kept<'_>> {
        let is_its = self.subject.as_ref().and_then(|subject| subject.digest.sha256()) == Some(image);
        match &self.layers[..] {
            [blob] if is_its => {
                let predicate = self.annotations.get(PREDICATE).map(String::as_str);
                Some(Kept { proof: Proof::of(&blob.media_type)?, blob, predicate })
            }
            _ => None,
        }
    }
}

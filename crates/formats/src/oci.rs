//! What registries of container images hold: references, manifests, and what refers to an image.
//!
//! An image is known by the digest of its manifest, and what signs it stands beside it in the same repository: a manifest
//! whose `subject` is the image. Nothing here is believed, and nothing is fetched; both is for whoever calls.
//!
//! Specifications: the [image](https://github.com/opencontainers/image-spec/blob/v1.1.0/spec.md) and the
//! [distribution](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md) specification of OCI, 1.1;
//! `simplesigning` is that of cosign before version 3.

mod attached;
mod descriptor;
mod manifest;
mod reference;
mod simple;

pub use attached::{Attached, BUNDLE, COSIGN_SIGN, EMPTY, Kept, OCTETS, PREDICATE, Proof, RECEIPT};
pub use descriptor::{ContentDigest, Descriptor};
pub use manifest::{
    ACCEPTED, Image, Index, MANIFEST_BYTES_MAX, MEDIA_IMAGE, MEDIA_INDEX, Manifest, ManifestError,
};
pub use reference::{Reference, ReferenceError, Repository, fallback_tag};
pub use simple::{
    SIGNATURE, SIMPLE_SIGNING, SimpleError, SimpleSigning, signature_tag, signatures_of, with_signature,
};

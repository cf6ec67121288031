//! What is attached to an image, carried to where the image is, too.
//!
//! An image that is copied between registries keeps its digest; what refers to it stays behind, unless somebody takes it along. The
//! same happens where a registry begins to keep lists itself and does not read those under tags.

use std::collections::BTreeSet;

use client::oci::{OciError, RepositoryClient};
use formats::oci::{ContentDigest, Descriptor, EMPTY, Manifest, fallback_tag};
use model::Digest;
use serde::Serialize;

use super::candidates;
use crate::failure::Failure;

/// What is carried of one thing, at most: bills of materials are some megabytes.
const BLOB_BYTES_MAX: usize = 256 * 1024 * 1024;
/// What is attached to what is attached, and so on.
const CARRIED_MAX: usize = 4_096;
/// How cosign kept what it attached before version 3, each under a tag of its own.
const LEGACY: [&str; 3] = ["sig", "att", "sbom"];

/// Something attached at the one place, and missing at the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Lost {
    /// To which image: `sha256:…`.
    pub(super) image: String,
    /// Which manifest.
    pub(super) manifest: String,
    /// What it is; or the tag under which cosign of before version 3 looks for it.
    pub(super) kind: String,
    #[serde(skip)]
    place: Place,
}

/// How it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Referrer(Digest),
    Tag(String),
}

/// From where, and to where.
pub(super) struct Carry<'a> {
    pub(super) from: &'a RepositoryClient,
    pub(super) to: &'a RepositoryClient,
}

impl Carry<'_> {
    /// What is attached to an image, or to what is attached to it, and missing at the target.
    pub(super) fn lost(&self, image: &Digest) -> Result<Vec<Lost>, Failure> {
        let mut lost = Vec::new();
        let mut seen = BTreeSet::from([*image]);
        let mut open = vec![*image];
        while let Some(one) = open.pop() {
            let known = crate::online::go_on(self.to.referrers(&one))?;
            for listed in candidates::listed(self.from, &one)? {
                let Some(digest) = listed.digest.sha256().copied() else { continue };
                let is_known = known.manifests().iter().any(|there| there.digest == listed.digest);
                if !is_known {
                    lost.push(Lost::referrer(&one, &listed, digest));
                }
                if seen.len() < CARRIED_MAX && seen.insert(digest) {
                    open.push(digest);
                }
            }
            lost.extend(self.lost_tags(&one)?);
        }
        Ok(lost)
    }

    fn lost_tags(&self, image: &Digest) -> Result<Vec<Lost>, Failure> {
        let mut lost = Vec::new();
        for suffix in LEGACY {
            let tag = format!("{}.{suffix}", fallback_tag(image));
            let Some(here) = crate::online::go_on(self.from.tagged(&tag))? else { continue };
            let there = crate::online::go_on(self.to.tagged(&tag))?;
            if there.is_none_or(|there| there.digest != here.digest) {
                let manifest = format!("sha256:{}", here.digest);
                let place = Place::Tag(tag.clone());
                lost.push(Lost { image: format!("sha256:{image}"), manifest, kind: tag, place });
            }
        }
        Ok(lost)
    }

    /// Carries one of them.
    pub(super) fn carry(&self, lost: &Lost) -> Result<(), Failure> {
        crate::online::go_on(async {
            let found = match &lost.place {
                Place::Referrer(digest) => self.from.manifest(digest).await?,
                Place::Tag(tag) => self.from.tagged(tag).await?,
            };
            let found = found.ok_or_else(|| OciError::Absent { what: lost.manifest.clone() })?;
            let Manifest::Image(manifest) = &found.manifest else {
                return self.carry_index(lost, &found.descriptor, &found.bytes).await;
            };
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                self.carry_blob(blob).await?;
            }
            match (&lost.place, &manifest.subject) {
                (Place::Tag(tag), _) => self.to.put_manifest(tag, &manifest.media_type, &found.bytes).await,
                (Place::Referrer(_), Some(subject)) => {
                    let subject = subject
                        .digest
                        .sha256()
                        .ok_or_else(|| OciError::Algorithm { what: subject.digest.to_string() })?;
                    self.to.put_referrer(subject, manifest, &found.bytes).await.map(drop)
                }
                // A list under a tag may name what says itself of nothing that it refers to it.
                (Place::Referrer(_), None) => {
                    Err(OciError::Absent { what: format!("subject of {}", lost.manifest) })
                }
            }
        })
    }

    async fn carry_index(&self, lost: &Lost, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), OciError> {
        let name = match &lost.place {
            Place::Referrer(digest) => format!("sha256:{digest}"),
            Place::Tag(tag) => tag.clone(),
        };
        self.to.put_manifest(&name, &descriptor.media_type, bytes).await
    }

    async fn carry_blob(&self, blob: &Descriptor) -> Result<(), OciError> {
        if blob.digest == ContentDigest::Sha256(Digest::of(EMPTY)) {
            return self.to.put_blob(EMPTY).await;
        }
        let bytes = self.from.blob(blob, BLOB_BYTES_MAX).await?;
        self.to.put_blob(&bytes).await
    }
}

impl Lost {
    fn referrer(image: &Digest, listed: &Descriptor, digest: Digest) -> Self {
        let predicate = listed.annotations.get(formats::oci::PREDICATE);
        let kind = predicate.or(listed.artifact_type.as_ref()).unwrap_or(&listed.media_type);
        let kind = kind.chars().filter(|c| !c.is_control()).take(128).collect();
        let (image, manifest) = (format!("sha256:{image}"), listed.digest.to_string());
        Self { image, manifest, kind, place: Place::Referrer(digest) }
    }
}

//! A repository of a registry of container images, anybody's, over HTTP. Nothing that it says is believed: what is asked for by
//! its digest is held to it, and whoever asks by a tag learns the digest.
//!
//! Specification: the [distribution specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md)
//! of OCI, 1.1; tokens as
//! [docker's registries give them](https://distribution.github.io/distribution/spec/auth/token/).

mod challenge;
mod error;
mod push;
mod reach;
mod referrers;
mod token;
mod wire;

use formats::oci::{ACCEPTED, ContentDigest, Descriptor, MANIFEST_BYTES_MAX, Manifest, Repository};
use model::Digest;
use reqwest::Method;

pub use error::OciError;
pub use push::Listed;
pub use reach::{Login, Reach, Transport};
pub use referrers::{REFERRERS_MAX, Referrers};
use wire::{Access, Ask, Wire};

/// A repository, and a way to it.
#[derive(Debug)]
pub struct RepositoryClient {
    repository: Repository,
    wire: Wire,
}

/// A manifest as a repository gave it; its bytes have the digest that its descriptor names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Media type, length and digest, all of them of these bytes.
    pub descriptor: Descriptor,
    /// Its digest once more.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they say.
    pub manifest: Manifest,
}

impl RepositoryClient {
    /// Sets a client up; nothing is sent yet.
    pub fn new(repository: Repository, reach: &Reach) -> Result<Self, OciError> {
        let wire = Wire::new(&repository, reach)?;
        Ok(Self { repository, wire })
    }

    /// Which repository it is.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The manifest with this digest; `None` where there is none.
    pub async fn manifest(&self, digest: &Digest) -> Result<Option<Found>, OciError> {
        let found = self.fetch_manifest(&format!("sha256:{digest}")).await?;
        match found {
            Some(found) if found.digest != *digest => Err(OciError::OtherDigest {
                what: self.repository.image(digest),
                found: ContentDigest::Sha256(found.digest),
            }),
            found => Ok(found),
        }
    }

    /// The manifest that a tag names now; `None` where there is no such tag.
    pub async fn tagged(&self, tag: &str) -> Result<Option<Found>, OciError> {
        self.fetch_manifest(tag).await
    }

    /// The bytes that a descriptor names.
    pub async fn blob(&self, wanted: &Descriptor, bytes_max: usize) -> Result<Vec<u8>, OciError> {
        let what = format!("{}@{}", self.repository, wanted.digest);
        let digest = wanted.digest.sha256().ok_or_else(|| OciError::Algorithm { what: what.clone() })?;
        let size = usize::try_from(wanted.size).ok().filter(|size| *size <= bytes_max);
        let size = size.ok_or_else(|| OciError::TooLong { url: what.clone(), limit: bytes_max })?;
        let path = self.path(&format!("blobs/{}", wanted.digest));
        let said = self.wire.ask(&Ask::get(path, "*/*", size)).await?;
        let said = said.ok_or_else(|| OciError::Absent { what: what.clone() })?;
        let found = Digest::of(&said.body);
        if found == *digest {
            return Ok(said.body);
        }
        Err(OciError::OtherDigest { what, found: ContentDigest::Sha256(found) })
    }

    /// All the tags of the repository, in pages of bounded number.
    pub async fn tags(&self) -> Result<Vec<String>, OciError> {
        #[derive(serde::Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let mut tags = Vec::new();
        let mut next = Some(Ask::get(self.path("tags/list"), "application/json", MANIFEST_BYTES_MAX));
        for _ in 0..referrers::PAGES_MAX {
            let Some(ask) = next.take() else { return Ok(tags) };
            let Some(said) = self.wire.ask(&ask).await? else { return Ok(tags) };
            let page: Page = serde_json::from_slice(&said.body)
                .map_err(|_| OciError::Foreign { url: said.url.to_string(), status: said.status.as_u16() })?;
            tags.extend(page.tags.unwrap_or_default());
            next = self.wire.next_page(&said, &ask)?;
        }
        match next {
            None => Ok(tags),
            Some(_) => {
                Err(OciError::Endless { url: self.repository.to_string(), pages: referrers::PAGES_MAX })
            }
        }
    }

    async fn fetch_manifest(&self, name: &str) -> Result<Option<Found>, OciError> {
        let ask = Ask::get(self.path(&format!("manifests/{name}")), ACCEPTED, MANIFEST_BYTES_MAX);
        let Some(said) = self.wire.ask(&ask).await? else { return Ok(None) };
        let manifest = Manifest::parse(&said.body, said.header("content-type"))
            .map_err(|source| OciError::Manifest { url: said.url.to_string(), source })?;
        let descriptor = Descriptor::of(manifest.media_type(), &said.body);
        let digest = Digest::of(&said.body);
        Ok(Some(Found { descriptor, digest, bytes: said.body, manifest }))
    }

    /// A path beneath this repository's.
    fn path(&self, below: &str) -> String {
        format!("/v2/{}/{below}", self.repository.path())
    }
}

impl Ask {
    fn get(path: String, accept: &'static str, bytes_max: usize) -> Self {
        Self {
            method: Method::GET,
            at: wire::At::Path(path),
            query: Vec::new(),
            accept,
            content: None,
            bytes_max,
            access: Access::Pull,
        }
    }
}

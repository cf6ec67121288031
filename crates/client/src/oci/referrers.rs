//! What refers to an image: the list that a registry keeps, or where it keeps none, the one under a tag.

use formats::oci::{Descriptor, Index, MANIFEST_BYTES_MAX, MEDIA_INDEX, Manifest, fallback_tag};
use model::Digest;

use super::wire::Ask;
use super::{OciError, RepositoryClient};

/// Pages of one list.
pub(super) const PAGES_MAX: usize = 64;

/// What refers to one image, at most: each is two further calls.
pub const REFERRERS_MAX: usize = 1_024;

/// What refers to an image, and who keeps the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referrers {
    /// The registry.
    Registry(Vec<Descriptor>),
    /// Those who attach something: the registry knows nothing of it.
    Tag(Vec<Descriptor>),
}

impl Referrers {
    /// The manifests.
    pub fn manifests(&self) -> &[Descriptor] {
        match self {
            Self::Registry(manifests) | Self::Tag(manifests) => manifests,
        }
    }
}

impl RepositoryClient {
    /// What refers to an image.
    pub async fn referrers(&self, image: &Digest) -> Result<Referrers, OciError> {
        match self.kept_by_registry(image).await? {
            Some(manifests) => Ok(Referrers::Registry(manifests)),
            None => Ok(Referrers::Tag(self.kept_under_tag(image).await?.manifests)),
        }
    }

    /// The list that the registry keeps; `None` where it keeps none.
    pub async fn kept_by_registry(&self, image: &Digest) -> Result<Option<Vec<Descriptor>>, OciError> {
        let path = self.path(&format!("referrers/sha256:{image}"));
        let mut ask = Ask::get(path, MEDIA_INDEX, MANIFEST_BYTES_MAX);
        let mut manifests = Vec::new();
        for page in 0..PAGES_MAX {
            let said = match self.wire.ask(&ask).await {
                // Those of before 1.1 know no such path, and say so in one of these ways.
                Err(OciError::Said { status, .. } | OciError::Foreign { status, .. })
                    if page == 0 && matches!(status, 400 | 405 | 406 | 501) =>
                {
                    return Ok(None);
                }
                said => said?,
            };
            let Some(said) = said else { return Ok(None) };
            let url = said.url.to_string();
            match Manifest::parse(&said.body, said.header("content-type")) {
                Ok(Manifest::Index(index)) => manifests.extend(index.manifests),
                Ok(Manifest::Image(_)) => {
                    return Err(OciError::Foreign { url, status: said.status.as_u16() });
                }
                Err(source) => return Err(OciError::Manifest { url, source }),
            }
            if manifests.len() > REFERRERS_MAX {
                return Err(OciError::Endless { url, pages: page + 1 });
            }
            match self.wire.next_page(&said, &ask)? {
                Some(next) => ask = next,
                None => return Ok(Some(manifests)),
            }
        }
        Err(OciError::Endless { url: self.repository.image(image), pages: PAGES_MAX })
    }

    /// The list under the tag that names the image; empty where there is no such tag.
    pub async fn kept_under_tag(&self, image: &Digest) -> Result<Index, OciError> {
        let found = self.tagged(&fallback_tag(image)).await?;
        match found.map(|found| found.manifest) {
            Some(Manifest::Index(index)) if index.manifests.len() <= REFERRERS_MAX => Ok(index),
            Some(Manifest::Index(_)) => {
                Err(OciError::Endless { url: self.repository.image(image), pages: 1 })
            }
            // Somebody called an image so; it lists nothing.
            Some(Manifest::Image(_)) | None => Ok(Index::empty()),
        }
    }
}

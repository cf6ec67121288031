//! What is put into a repository.

use formats::oci::{Attached, Descriptor, EMPTY, Image, MANIFEST_BYTES_MAX, OCTETS, fallback_tag};
use model::Digest;
use reqwest::Method;

use super::wire::{Access, Ask, At};
use super::{OciError, RepositoryClient};

/// How often something is put into a list that others change at the same time.
const ROUNDS_MAX: usize = 4;
/// What is read of an answer that says nothing.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Who lists what refers to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// The registry.
    Registry,
    /// We, under this tag.
    Tag(String),
}

impl RepositoryClient {
    /// Puts bytes in, if they are not there yet.
    pub async fn put_blob(&self, bytes: &[u8]) -> Result<(), OciError> {
        let digest = format!("sha256:{}", Digest::of(bytes));
        let mut ask = self.push(Method::HEAD, At::Path(self.path(&format!("blobs/{digest}"))));
        if self.wire.ask(&ask).await?.is_some() {
            return Ok(());
        }
        ask = self.push(Method::POST, At::Path(self.path("blobs/uploads/")));
        let said = self.wire.ask(&ask).await?.ok_or_else(|| self.absent())?;
        let place = self.wire.lead(&said.url, said.header("location").unwrap_or_default())?;
        ask = self.push(Method::PUT, At::Url(place));
        ask.query.push(("digest", digest));
        ask.content = Some((OCTETS.to_owned(), bytes.to_vec()));
        self.wire.ask(&ask).await?.ok_or_else(|| self.absent()).map(drop)
    }

    /// Puts a manifest in, under its digest or a tag.
    pub async fn put_manifest(&self, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), OciError> {
        self.put(name, media_type, bytes).await.map(drop)
    }

    /// Attaches a proof to an image. What is there already stays as it is.
    pub async fn attach(&self, image: &Digest, attached: &Attached) -> Result<(Digest, Listed), OciError> {
        self.put_blob(EMPTY).await?;
        self.put_blob(&attached.blob).await?;
        let bytes = attached.manifest.encode();
        let listed = self.put_referrer(image, &attached.manifest, &bytes).await?;
        Ok((Digest::of(&bytes), listed))
    }

    /// Puts a manifest in that refers to an image, and sees to it that it is listed.
    pub async fn put_referrer(
        &self,
        image: &Digest,
        manifest: &Image,
        bytes: &[u8],
    ) -> Result<Listed, OciError> {
        let mut listed = Descriptor::of(&manifest.media_type, bytes);
        let subject = self.put(&listed.digest.to_string(), &manifest.media_type, bytes).await?;
        if subject.is_some() || self.kept_by_registry(image).await?.is_some() {
            return Ok(Listed::Registry);
        }
        listed.artifact_type = Some(manifest.kind().to_owned());
        listed.annotations = manifest.annotations.clone();
        self.list_under_tag(image, &listed).await
    }

    /// Adds to the list under an image's tag. A registry offers no way to change a list only as it was read, so it is read
    /// again after it was written, and written again where somebody else's came in between.
    pub async fn list_under_tag(&self, image: &Digest, listed: &Descriptor) -> Result<Listed, OciError> {
        let tag = fallback_tag(image);
        for _ in 0..ROUNDS_MAX {
            let mut index = self.kept_under_tag(image).await?;
            if index.manifests.iter().any(|one| one.digest == listed.digest) {
                return Ok(Listed::Tag(tag));
            }
            index.manifests.push(listed.clone());
            self.put_manifest(&tag, &index.media_type, &index.encode()).await?;
        }
        Err(OciError::Contended { tag })
    }

    /// Puts a manifest in; what the registry says that it refers to, where it keeps a list of that.
    async fn put(&self, name: &str, media_type: &str, bytes: &[u8]) -> Result<Option<String>, OciError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(OciError::TooLong { url: self.repository.to_string(), limit: MANIFEST_BYTES_MAX });
        }
        let mut ask = self.push(Method::PUT, At::Path(self.path(&format!("manifests/{name}"))));
        ask.content = Some((media_type.to_owned(), bytes.to_vec()));
        let said = self.wire.ask(&ask).await?.ok_or_else(|| self.absent())?;
        Ok(said.header("oci-subject").map(str::to_owned))
    }

    fn push(&self, method: Method, at: At) -> Ask {
        let (query, content, bytes_max) = (Vec::new(), None, ANSWER_BYTES_MAX);
        Ask { method, at, query, accept: "*/*", content, bytes_max, access: Access::Push }
    }

    fn absent(&self) -> OciError {
        OciError::Absent { what: self.repository.to_string() }
    }
}

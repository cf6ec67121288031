//! What is attached to an image, fetched. Nothing of it is believed yet, and nothing that somebody else attached keeps what is good
//! from being found.

use client::oci::{Found, OciError, RepositoryClient};
use envelope::in_toto::PredicateType;
use formats::oci::{Descriptor, Manifest, Proof, SimpleSigning, signature_tag, signatures_of};
use model::Digest;

use crate::failure::Failure;

/// Something that refers to an image.
pub(super) struct Referrer {
    /// As the list names it.
    pub(super) listed: Descriptor,
    /// What it is; or why it cannot be had.
    pub(super) found: Result<Found, OciError>,
}

/// A bundle or receipt that is attached to an image.
pub(super) struct Candidate {
    /// The manifest that holds it: `sha256:…`.
    pub(super) attached: String,
    /// What kind of claim it makes, as its manifest says, and nobody vouches for.
    pub(super) predicate: Option<String>,
    /// Of what kind it is.
    pub(super) proof: Proof,
    /// Its bytes; or why they cannot be had.
    pub(super) bytes: Result<Vec<u8>, OciError>,
}

/// All that refers to an image, by the registry's list and by the tag that is one where there is none: clients of before 1.1
/// go by the tag even where the registry keeps a list.
pub(super) fn referrers(client: &RepositoryClient, image: &Digest) -> Result<Vec<Referrer>, Failure> {
    let listed = listed(client, image)?;
    let fetch = |listed: Descriptor| {
        let found = match listed.digest.sha256() {
            Some(digest) => crate::online::go_on::<_, OciError>(async {
                let found = client.manifest(digest).await;
                Ok(found.and_then(|found| found.ok_or_else(|| absent(client, &listed))))
            })?,
            None => Err(OciError::Algorithm { what: listed.digest.to_string() }),
        };
        // What nobody can reach now may be there all the same.
        match found {
            Err(cause) if !is_its_own_fault(&cause) => Err(Failure::from(cause)),
            found => Ok(Referrer { listed, found }),
        }
    };
    listed.into_iter().map(fetch).collect()
}

/// The lists, without what stands in both.
pub(super) fn listed(client: &RepositoryClient, image: &Digest) -> Result<Vec<Descriptor>, Failure> {
    crate::online::go_on(async {
        let mut listed = client.kept_by_registry(image).await?.unwrap_or_default();
        for one in client.kept_under_tag(image).await?.manifests {
            if listed.iter().all(|known| known.digest != one.digest) {
                listed.push(one);
            }
        }
        Ok::<_, OciError>(listed)
    })
}

fn absent(client: &RepositoryClient, listed: &Descriptor) -> OciError {
    OciError::Absent { what: format!("{}@{}", client.repository(), listed.digest) }
}

/// Is it what was attached that is at fault, and not the way to it?
fn is_its_own_fault(cause: &OciError) -> bool {
    matches!(
        cause,
        OciError::Absent { .. }
            | OciError::OtherDigest { .. }
            | OciError::Manifest { .. }
            | OciError::TooLong { .. }
            | OciError::Algorithm { .. }
    )
}

/// What is read of the bundles and receipts of one image, all together.
const PROOFS_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The bundles and receipts among what refers to an image; only those of a kind of claim, where one is wanted.
pub(super) fn proofs(
    client: &RepositoryClient,
    image: &Digest,
    referrers: &[Referrer],
    wanted: Option<&PredicateType>,
) -> Result<Vec<Candidate>, Failure> {
    let is_wanted = |said: Option<&str>| match (said, wanted) {
        (Some(said), Some(wanted)) => said.parse().is_ok_and(|said: PredicateType| said.is_one_of(wanted)),
        _ => true,
    };
    let mut candidates = Vec::new();
    let mut read: u64 = 0;
    for Referrer { listed, found } in referrers {
        let Ok(Found { manifest: Manifest::Image(manifest), .. }) = found else { continue };
        let Some(kept) = manifest.proof_of(image) else { continue };
        if !is_wanted(kept.predicate) {
            continue;
        }
        read = read.saturating_add(kept.blob.size);
        if read > PROOFS_BYTES_MAX {
            return Err(Failure::Usage {
                what: format!(
                    "more than {PROOFS_BYTES_MAX} bytes of bundles and receipts are attached to `sha256:{image}`"
                ),
                advice: "ask whoever keeps the repository to take away what nobody needs, or name one kind with `--type`",
            });
        }
        let fetched = crate::online::go_on::<_, OciError>(async {
            Ok(client.blob(kept.blob, envelope::bundle::BUNDLE_BYTES_MAX).await)
        })?;
        let bytes = match fetched {
            Err(cause) if !is_its_own_fault(&cause) => return Err(cause.into()),
            fetched => fetched,
        };
        let (attached, predicate) = (listed.digest.to_string(), kept.predicate.map(str::to_owned));
        candidates.push(Candidate { attached, predicate, proof: kept.proof, bytes });
    }
    Ok(candidates)
}

/// How many signatures of before version 3 of cosign are of this image.
pub(super) fn legacy(client: &RepositoryClient, image: &Digest) -> Result<usize, Failure> {
    const SIGNATURES_MAX: usize = 256;
    const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
    let found = crate::online::go_on(client.tagged(&signature_tag(image)))?;
    let Some(Manifest::Image(signatures)) = found.map(|found| found.manifest) else { return Ok(0) };
    let mut count = 0;
    for (layer, _) in signatures_of(&signatures).take(SIGNATURES_MAX) {
        let bytes = crate::online::go_on(client.blob(layer, PAYLOAD_BYTES_MAX))?;
        // What is of another image was put there by somebody who hoped that nobody looks.
        count += usize::from(SimpleSigning::parse(&bytes).is_ok_and(|payload| payload.image == *image));
    }
    Ok(count)
}

//! Images in registries: their names, their manifests, and what is attached to them (the room `formats`).

use formats::oci::{ContentDigest, Descriptor, Manifest, Reference, SimpleSigning, signatures_of};
use model::Digest;

use crate::Reading::{self, Refused, Taken};
use crate::known::UNSIGNED;

/// A manifest, a payload of before version 3 of cosign, or the name of an image: written again each says the same.
pub fn image(bytes: &[u8]) -> Reading {
    let mut reading = Refused;
    if let Ok(manifest) = Manifest::parse(bytes, None) {
        let again = Manifest::parse(&encode(&manifest), None).expect("our own manifest");
        assert_eq!(said(&manifest), said(&again));
        if let Manifest::Image(image) = &manifest {
            let unsigned = Digest::of(UNSIGNED);
            let is_of_it =
                image.subject.as_ref().and_then(|subject| subject.digest.sha256()) == Some(&unsigned);
            assert!(is_of_it || image.proof_of(&unsigned).is_none(), "a proof of something else");
            signatures_of(image).for_each(drop);
        }
        reading = Taken;
    }
    if let Ok(payload) = SimpleSigning::parse(bytes) {
        assert_eq!(SimpleSigning::parse(&payload.encode()).expect("our own payload"), payload);
        reading = Taken;
    }
    let name = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<Reference>().ok());
    if let Some(reference) = name {
        let again: Reference = reference.to_string().parse().expect("our own name");
        assert_eq!((again.repository, again.digest), (reference.repository.clone(), reference.digest));
        let path = reference.repository.path();
        assert!(
            path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."),
            "a way elsewhere"
        );
        assert!(!reference.repository.host().contains(['/', '@', '?', '#', '\\']), "another host");
        reading = Taken;
    }
    reading
}

fn encode(manifest: &Manifest) -> Vec<u8> {
    match manifest {
        Manifest::Image(image) => image.encode(),
        Manifest::Index(index) => index.encode(),
    }
}

/// What it names, in its order.
fn said(manifest: &Manifest) -> Vec<(&str, u64, &ContentDigest)> {
    let listed: Vec<&Descriptor> = match manifest {
        Manifest::Image(image) => image.layers.iter().chain([&image.config]).chain(&image.subject).collect(),
        Manifest::Index(index) => index.manifests.iter().chain(&index.subject).collect(),
    };
    listed.into_iter().map(|one| (one.media_type.as_str(), one.size, &one.digest)).collect()
}

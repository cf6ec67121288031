//! Seeds of images in registries.

use formats::oci::{
    Attached, Descriptor, Index, MEDIA_IMAGE, Proof, Repository, SimpleSigning, with_signature,
};
use model::{Digest, Instant};

use super::{Done, write};

pub(crate) fn all() -> Done {
    let subject = Descriptor::of(MEDIA_IMAGE, b"an image");
    let attached = Attached::new(
        &subject,
        Proof::Bundle,
        b"{}",
        "https://example.com/t",
        Instant::from_seconds(1_795_165_602),
    );
    write("image", "attached", &attached.manifest.encode())?;
    let mut index = Index::empty();
    index.manifests.push(subject);
    let listed = index.encode();
    write("image", "index", &listed)?;
    let repository: Repository = "registry.example.com:5000/team/app".parse()?;
    let payload = SimpleSigning::new(&repository, &Digest::of(b"an image")).encode();
    write("image", "simplesigning", &payload)?;
    write("image", "signatures", &with_signature(None, &payload, b"signature").0.encode())?;
    write("image", "name", repository.image(&Digest::of(b"an image")).as_bytes())?;
    write("image", "name-with-tag", b"[::1]:5000/team/app:1.4")?;
    let both = String::from_utf8(listed)?.replacen('{', "{\"layers\":[],", 1);
    write("image", "bad-two-meanings", both.as_bytes())?;
    write("image", "bad-name", b"registry.example.com/team/../app")
}

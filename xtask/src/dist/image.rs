//! A build file for an image without a shell, and what it copies: the executables and the files that they are linked to.
//!
//! Specification: OCI Image Format 1.1, <https://github.com/opencontainers/image-spec>.

use std::path::Path;

use super::build::Built;
use super::links;
use super::release::Release;
use super::tree::{Packed, Tree};
use crate::failure::Failure;
use crate::metadata;

/// The user of the image, by name for those who look at it, by number for whoever starts it.
const PASSWD: &str =
    "root:x:0:0:root:/:/nonexistent\navouch:x:64000:64000:avouch:/var/lib/avouch:/nonexistent\n";
const GROUP: &str = "root:x:0:\navouch:x:64000:\n";
const USER: u32 = 64_000;

/// What the image keeps, which belongs to that user.
const VOLUME: &str = "var/lib/avouch";

/// Writes the folder from which the image is built, packed.
pub(super) fn context(release: &Release, built: &Built, out: &Path, stage: &Path) -> Result<(), Failure> {
    let context = Tree::new(&stage.join("image"))?;
    let name = format!("avouch-{}-image", release.version);
    let containerfile = metadata::root().join("packaging/oci/Containerfile");
    context.copy(&format!("{name}/Containerfile"), &containerfile)?;
    let tree = root(built, &stage.join("image-root"))?;
    let packed = context.root().join(&name).join("root.tar");
    tree.pack(&packed, release.epoch, Packed::Plain)?;
    let volume = Tree::new(&stage.join("image-volume"))?;
    volume.folder(VOLUME, 0o700)?;
    volume.append(&packed, release.epoch, VOLUME, USER)?;
    context.pack(&release.name("-image.tar.gz", out), release.epoch, Packed::Gzip)
}

/// All that is in the image and nobody writes to.
fn root(built: &Built, folder: &Path) -> Result<Tree, Failure> {
    let tree = Tree::new(folder)?;
    tree.executable("usr/bin/avouch", &built.avouch)?;
    tree.executable("usr/libexec/avouch-signerd", &built.signerd)?;
    for library in links::libraries(&built.avouch)?.into_iter().chain(links::libraries(&built.signerd)?) {
        // At the path where the loader looks for it: what is a link on this machine is a file there.
        let path = library.to_string_lossy();
        tree.executable(path.trim_start_matches('/'), &library)?;
    }
    tree.file("etc/passwd", PASSWD.as_bytes())?;
    tree.file("etc/group", GROUP.as_bytes())?;
    tree.folder("tmp", 0o1777)?;
    Ok(tree)
}

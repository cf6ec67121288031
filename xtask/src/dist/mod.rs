//! `cargo xtask dist`: what is handed to others. Executables, a Debian package, a build file for an image without a shell,
//! the list of what is linked in, and checksums which avouch itself signs.
//!
//! What is in a file depends on the sources and `$SOURCE_DATE_EPOCH` alone, as far as the compiler lets it: times, owners
//! and orders are fixed. docs/operate/packages.md says how what is made here is used.

mod build;
mod checksums;
mod completions;
mod debian;
mod image;
mod links;
mod release;
mod sbom;
mod tree;

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::metadata;

use checksums::Signer;
use release::Release;
use tree::Tree;

const USAGE: &str = "usage: cargo xtask dist [--out DIR] [--profile NAME]";

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    out: Option<PathBuf>,
    signer: Signer,
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let wanted = parse(arguments)?;
    let release = Release::of_this_tree()?;
    let target = &release.metadata.target_directory;
    let out = match &wanted.out {
        Some(folder) => tree::empty(folder)?,
        // What another version left there would be listed and signed with this one.
        None => tree::fresh(&target.join("dist"))?,
    };
    let stage = tree::fresh(&target.join("dist-stage"))?;

    let built = build::executables(&release, &stage)?;
    let texts = completions::of(&built.avouch, &stage)?;
    let sbom = sbom::write(&release, &built, &out)?;
    archive(&release, &built, &texts, &out, &stage)?;
    debian::package(&release, &built, &texts, &sbom, &out, &stage)?;
    image::context(&release, &built, &out, &stage)?;
    checksums::write_and_sign(&built.avouch, &wanted.signer, &out, &stage)?;
    tree::remove(&stage)?;
    println!("made in `{}`: see docs/operate/packages.md", out.display());
    Ok(())
}

fn parse(mut arguments: &[&str]) -> Result<Wanted, Failure> {
    let mut wanted = Wanted { out: None, signer: Signer::ThrowAway };
    loop {
        arguments = match arguments {
            [] => return Ok(wanted),
            ["--out", folder, rest @ ..] => {
                wanted.out = Some(PathBuf::from(folder));
                rest
            }
            ["--profile", name, rest @ ..] => {
                wanted.signer = Signer::Profile((*name).to_owned());
                rest
            }
            _ => return Err(Failure::Usage { said: USAGE.to_owned() }),
        };
    }
}

/// The executables for whoever installs by hand.
fn archive(
    release: &Release,
    built: &build::Built,
    texts: &completions::Texts,
    out: &Path,
    stage: &Path,
) -> Result<(), Failure> {
    let name = format!("avouch-{}-{}", release.version, release.machine.triple);
    let tree = Tree::new(&stage.join("archive"))?;
    tree.executable(&format!("{name}/avouch"), &built.avouch)?;
    tree.executable(&format!("{name}/avouch-signerd"), &built.signerd)?;
    tree.copy(&format!("{name}/LICENSE"), &metadata::root().join("LICENSE"))?;
    for (path, text) in &texts.manuals {
        tree.file(&format!("{name}/man/{path}"), text)?;
    }
    for completion in &texts.completions {
        tree.file(&format!("{name}/completions/{}", completion.name), &completion.text)?;
    }
    tree.pack(&release.name(".tar.gz", out), release.epoch, tree::Packed::Gzip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_says_where_to_and_who_signs() {
        let said = parse(&["--profile", "releases", "--out", "made"]).expect("both are known");
        assert_eq!(said, Wanted { out: Some("made".into()), signer: Signer::Profile("releases".to_owned()) });
        assert_eq!(parse(&[]).expect("nothing is needed").signer, Signer::ThrowAway);
        for bad in [&["--out"][..], &["--profile"], &["made"]] {
            assert!(matches!(parse(bad), Err(Failure::Usage { .. })), "{bad:?}");
        }
    }
}

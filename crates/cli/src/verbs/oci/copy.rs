//! `avouch oci copy`: what is attached to an image goes where the image went; or is found to be missing there.

use clap::Args;
use client::oci::RepositoryClient;
use formats::oci::Reference;
use model::Digest;
use serde::Serialize;

use super::carry::{Carry, Lost};
use super::reached::{self, RegistryArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch oci copy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch oci copy old.example.com/team/app:1.4 new.example.com/team/app
  avouch oci copy old.example.com/team/app new.example.com/team/app --all --check
  avouch oci copy registry.example.com/team/app registry.example.com/team/app --all

The images must be there already, with the digests that they had. Signatures, attestations and all else that refers to an image is
copied, what refers to that, too, and what cosign kept under tags before version 3. Nothing is verified, and nothing that is there
is changed. From a repository to itself, it puts into the registry's own list what stands only under a tag.

With --check nothing is copied; the exit code is 1 where something is missing.")]
pub(super) struct OciCopyArgs {
    /// The image whose signatures are copied: HOST/PATH[:TAG][@sha256:DIGEST]
    #[arg(value_name = "FROM")]
    from: Reference,
    /// The repository to which it was copied: HOST/PATH
    #[arg(value_name = "TO")]
    to: Reference,
    /// Of every image that has a tag at the target
    #[arg(long)]
    all: bool,
    /// Only say what is missing
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was missing, for programs.
#[derive(Serialize)]
struct Report<'a> {
    images: usize,
    missing: &'a [Lost],
    copied: usize,
}

pub(super) fn run(args: &OciCopyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let (from, to) =
        (args.registry.client(&args.from.repository)?, args.registry.client(&args.to.repository)?);
    let images = if args.all { tagged(&to)? } else { named(args, &from, &to)? };
    let carry = Carry { from: &from, to: &to };
    let mut missing: Vec<Lost> = Vec::new();
    for image in &images {
        for lost in carry.lost(image)? {
            if !missing.contains(&lost) {
                missing.push(lost);
            }
        }
    }
    if !args.check {
        missing.iter().try_for_each(|lost| carry.carry(lost))?;
    }
    let copied = if args.check { 0 } else { missing.len() };
    if args.json {
        let report = Report { images: images.len(), missing: &missing, copied };
        terminal.line(crate::verbs::json(&report));
    } else {
        let done = if args.check { terminal.bad("missing") } else { terminal.good("copied") };
        for Lost { image, manifest, kind, .. } in &missing {
            terminal.line(format_args!("{done} {kind} {manifest}"));
            terminal.line(format_args!("  of {image}"));
        }
        let count = images.len();
        terminal.line(format_args!("{} of what is attached to {count} images was missing", missing.len()));
    }
    Ok(if args.check && !missing.is_empty() { Exit::Bad } else { Exit::Done })
}

/// The image, which must be at both places, and those that it lists.
fn named(args: &OciCopyArgs, from: &RepositoryClient, to: &RepositoryClient) -> Result<Vec<Digest>, Failure> {
    let image = reached::image(from, &args.from)?;
    if crate::online::go_on(to.manifest(&image.digest))?.is_none() {
        return Err(Failure::Usage {
            what: format!("`{}` is not there", to.repository().image(&image.digest)),
            advice: "copy the image first, with the digest that it has: what is attached to it refers to that",
        });
    }
    let images = reached::with_listed(from, image)?;
    Ok(images.into_iter().map(|image| image.digest).collect())
}

/// Every image that has a tag, and those that it lists. What tags are for what is attached is none.
fn tagged(client: &RepositoryClient) -> Result<Vec<Digest>, Failure> {
    let mut images: Vec<Digest> = Vec::new();
    for tag in crate::online::go_on(client.tags())? {
        if tag.starts_with("sha256-") {
            continue;
        }
        let Some(image) = crate::online::go_on(client.tagged(&tag))? else { continue };
        for image in reached::with_listed(client, image)? {
            if !images.contains(&image.digest) {
                images.push(image.digest);
            }
        }
    }
    Ok(images)
}

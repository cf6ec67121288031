//! `avouch oci sign`: an image is signed by its digest, and the signature attached to it.

use clap::Args;
use formats::oci::{COSIGN_SIGN, Reference};

use super::make::{Claim, MakeArgs};
use super::reached::{self, RegistryArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch oci sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch oci sign registry.example.com/team/app@sha256:… --profile containers
  avouch oci sign registry.example.com/team/app:1.4 --resolve --recursive --keyless

What is signed is cosign's own statement about the digest, in a Sigstore bundle that refers to the image; cosign from
version 3 and `avouch oci verify` find it there. The profile needs a key of form dsse.

A tag may name another image by the time it is signed. So an image is named by its digest; with --resolve the tag
is looked up once, and what it names is said.")]
pub(super) struct OciSignArgs {
    /// The image: HOST/PATH@sha256:DIGEST
    #[arg(value_name = "IMAGE")]
    image: Reference,
    /// Sign what the tag names now
    #[arg(long)]
    resolve: bool,
    /// Sign each image that an index lists, too; the index alone covers them by their digests
    #[arg(long)]
    recursive: bool,
    /// Sign as cosign did before version 3, with a key of form blob and under the tag `sha256-DIGEST.sig`, for those that look for
    /// nothing else; neither timestamp nor log entry go with it
    #[arg(long, conflicts_with = "keyless")]
    legacy: bool,
    #[command(flatten)]
    make: MakeArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(args: &OciSignArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let client = args.registry.client(&args.image.repository)?;
    let image = reached::image(&client, &args.image)?;
    consent(&args.image, &client.repository().image(&image.digest), args.resolve, terminal)?;
    let images = if args.recursive { reached::with_listed(&client, image)? } else { vec![image] };
    if args.legacy {
        return args.make.run_legacy(&client, &images, terminal);
    }
    let predicate_type = COSIGN_SIGN.parse().map_err(Failure::inside("name what a signature claims"))?;
    args.make.run(&client, &images, &Claim { predicate_type, predicate: b"{}".to_vec() }, terminal)
}

/// Whoever names a tag must know which image they sign.
pub(super) fn consent(
    named: &Reference,
    image: &str,
    resolve: bool,
    terminal: Terminal,
) -> Result<(), Failure> {
    if named.digest.is_some() {
        return Ok(());
    }
    if resolve {
        terminal.note(format_args!("`{named}` is {image}"));
        return Ok(());
    }
    Err(Failure::Usage {
        what: format!("`{named}` may be another image tomorrow; it is {image} now"),
        advice: "name it by that digest, or have the tag looked up with `--resolve`",
    })
}

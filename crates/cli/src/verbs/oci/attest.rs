//! `avouch oci attest`: something is said about an image, in a form that others can check, and attached to it.

use std::path::PathBuf;

use clap::Args;
use envelope::in_toto::PredicateType;
use formats::oci::Reference;
use model::limits;

use super::make::{Claim, MakeArgs};
use super::reached::{self, RegistryArgs};
use super::sign::consent;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch oci attest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch oci attest registry.example.com/team/app@sha256:… --type cyclonedx --predicate sbom.cdx.json --profile containers
  avouch oci attest registry.example.com/team/app@sha256:… --type slsaprovenance1 --predicate provenance.json --keyless

The kinds of claims are those of `avouch attest`; `avouch oci verify --type` and cosign's `verify-attestation` check them.")]
pub(super) struct OciAttestArgs {
    /// The image: HOST/PATH@sha256:DIGEST
    #[arg(value_name = "IMAGE")]
    image: Reference,
    /// What kind of claim it is: a word of `avouch attest --help`, or a URI
    #[arg(long = "type", value_name = "WORD|URI")]
    predicate_type: PredicateType,
    /// What is claimed: a file of JSON, which is signed byte for byte
    #[arg(long, value_name = "FILE")]
    predicate: PathBuf,
    /// Attest what the tag names now
    #[arg(long)]
    resolve: bool,
    #[command(flatten)]
    make: MakeArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(args: &OciAttestArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let predicate = crate::files::read_bounded(&args.predicate, limits::STATEMENT_BYTES_MAX)?;
    let name = args.predicate.display().to_string();
    args.predicate_type.read(&predicate).map_err(Failure::input(name, "what `--type` says"))?;
    let client = args.registry.client(&args.image.repository)?;
    let image = reached::image(&client, &args.image)?;
    consent(&args.image, &client.repository().image(&image.digest), args.resolve, terminal)?;
    let claim = Claim { predicate_type: args.predicate_type.clone(), predicate };
    args.make.run(&client, &[image], &claim, terminal)
}

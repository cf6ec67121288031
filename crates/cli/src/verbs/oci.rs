//! `avouch oci`: images, and what else is in registries, signed where they are. What is signed is their digest; nothing of an image
//! is fetched but its manifest.

mod attest;
mod candidates;
mod carry;
mod copy;
mod inspect;
mod legacy;
mod make;
mod reached;
mod sign;
mod verify;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch oci`.
#[derive(Debug, Args)]
pub(crate) struct OciArgs {
    #[command(subcommand)]
    verb: OciVerb,
}

#[derive(Debug, Subcommand)]
enum OciVerb {
    /// Sign an image, and attach the signature to it
    Sign(sign::OciSignArgs),
    /// Say something about an image, such as its bill of materials or its provenance, and attach it
    Attest(attest::OciAttestArgs),
    /// Verify what is attached to an image
    Verify(verify::OciVerifyArgs),
    /// Show what is attached to an image, and what of it nobody signed
    Inspect(inspect::OciInspectArgs),
    /// Copy what is attached to an image to where the image was copied, or find what was lost on the way
    Copy(copy::OciCopyArgs),
}

pub(super) fn run(args: &OciArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        OciVerb::Sign(args) => sign::run(args, terminal),
        OciVerb::Attest(args) => attest::run(args, terminal),
        OciVerb::Verify(args) => verify::run(args, terminal),
        OciVerb::Inspect(args) => inspect::run(args, terminal),
        OciVerb::Copy(args) => copy::run(args, terminal),
    }
}

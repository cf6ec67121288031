//! `avouch oci inspect`: what an image is, what is attached to it, and what of it nobody signed. Nothing is believed.

use clap::Args;
use client::oci::{Found, RepositoryClient};
use envelope::bundle::{Bundle, Signer};
use formats::oci::{Manifest, Proof, Reference};
use model::Item;
use model::receipt::Receipt;
use pki::Certificate;
use pki::token::CertificateNames;
use serde::Serialize;

use super::candidates::{self, Candidate, Referrer};
use super::reached::{self, RegistryArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch oci inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch oci inspect registry.example.com/team/app:1.4

A signature of an image covers its manifest, and by the digests in it its configuration and layers; of an index, the images that it
lists. It covers no tag, no repository and no registry, and nothing else that is attached to the image.")]
pub(super) struct OciInspectArgs {
    /// The image: HOST/PATH[:TAG][@sha256:DIGEST]
    #[arg(value_name = "IMAGE")]
    image: Reference,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An image, with what is attached to it.
#[derive(Serialize)]
struct Shown {
    image: String,
    media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    attached: Vec<Attachment>,
    /// Signatures as cosign made them before version 3.
    legacy_signatures: usize,
}

/// Something that refers to an image.
#[derive(Serialize)]
struct Attachment {
    manifest: String,
    kind: String,
    /// Who signed it, as it says itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
}

pub(super) fn run(args: &OciInspectArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let client = args.registry.client(&args.image.repository)?;
    let image = reached::image(&client, &args.image)?;
    let platforms = platforms(&image);
    let images = reached::with_listed(&client, image)?;
    let shown = images.iter().map(|image| {
        let platform = platforms.iter().find(|(digest, _)| *digest == image.digest);
        examine(&client, image, platform.map(|(_, platform)| platform.clone()))
    });
    let shown: Vec<Shown> = shown.collect::<Result<_, _>>()?;
    terminal.note("nothing here was verified; `avouch oci verify` does that");
    if args.json {
        terminal.line(crate::verbs::json(&shown));
    } else {
        shown.iter().for_each(|one| show(one, terminal));
    }
    Ok(Exit::Done)
}

/// For which platforms an index says that its images are.
fn platforms(image: &Found) -> Vec<(model::Digest, String)> {
    let Manifest::Index(index) = &image.manifest else { return Vec::new() };
    let listed = index.manifests.iter();
    listed.filter_map(|one| Some((*one.digest.sha256()?, one.platform()?))).collect()
}

fn examine(client: &RepositoryClient, image: &Found, platform: Option<String>) -> Result<Shown, Failure> {
    let referrers = candidates::referrers(client, &image.digest)?;
    let proofs = candidates::proofs(client, &image.digest, &referrers, None)?;
    let attached = referrers.iter().map(|one| attachment(one, &proofs)).collect();
    Ok(Shown {
        image: client.repository().image(&image.digest),
        media_type: image.descriptor.media_type.clone(),
        platform,
        attached,
        legacy_signatures: candidates::legacy(client, &image.digest)?,
    })
}

fn attachment(referrer: &Referrer, proofs: &[Candidate]) -> Attachment {
    let manifest = referrer.listed.digest.to_string();
    let proof = proofs.iter().find(|proof| proof.attached == manifest);
    let kind = match (&referrer.found, proof) {
        (Err(cause), _) => format!("cannot be had: {cause}"),
        (_, Some(proof)) => {
            let what = match proof.proof {
                Proof::Bundle => "a Sigstore bundle",
                Proof::Receipt => "a receipt",
            };
            let predicate = proof.predicate.as_deref().unwrap_or("a claim of some kind");
            format!("{predicate}, in {what}")
        }
        (Ok(Found { manifest: Manifest::Image(image), .. }), None) => image.kind().to_owned(),
        (Ok(found), None) => found.descriptor.media_type.clone(),
    };
    let kind = kind.chars().filter(|c| !c.is_control()).take(256).collect();
    let signer = proof.and_then(|proof| {
        let bytes = proof.bytes.as_ref().ok()?;
        match proof.proof {
            Proof::Bundle => signer_of_bundle(bytes),
            Proof::Receipt => signer_of_receipt(bytes),
        }
    });
    Attachment { manifest, kind, signer }
}

/// Who signed what a receipt is of, as it says itself.
fn signer_of_receipt(json: &[u8]) -> Option<String> {
    let receipt = Receipt::parse(json).ok()?;
    let item = Item::parse(receipt.items.first()?.item.as_bytes()).ok()?;
    let endorsed = match receipt.endorsements.len() {
        0 => String::new(),
        count => format!(", with {count} endorsements"),
    };
    Some(format!("the key {}{endorsed}", item.key.name))
}

/// Who signed a bundle, as it says itself.
fn signer_of_bundle(json: &[u8]) -> Option<String> {
    let of = |der: &[u8]| {
        let certificate = Certificate::from_der(der).ok()?;
        let names = CertificateNames::of(&certificate).ok()?;
        Some(format!("{:?}, vouched for by {:?}", names.subject.text(), names.issuer))
    };
    match Bundle::from_json(json).ok()?.signer {
        Signer::Key { hint } => Some(format!("the key with hint {hint:?}")),
        Signer::Certificate(der) => of(&der),
        Signer::Chain(chain) => of(chain.first()?),
        _ => None,
    }
}

fn show(shown: &Shown, terminal: Terminal) {
    terminal.line(terminal.bold(&shown.image));
    let platform = shown.platform.as_ref().map(|platform| format!(", for {platform}"));
    terminal.line(format_args!("  {}{}", shown.media_type, platform.unwrap_or_default()));
    for Attachment { manifest, kind, signer } in &shown.attached {
        terminal.line(format_args!("  {kind}"));
        terminal.line(format_args!("    {manifest}"));
        if let Some(signer) = signer {
            terminal.line(format_args!("    signed by {signer}"));
        }
    }
    if shown.legacy_signatures > 0 {
        let count = shown.legacy_signatures;
        terminal.line(format_args!("  {count} signatures as cosign made them before version 3"));
    }
    if shown.attached.is_empty() && shown.legacy_signatures == 0 {
        terminal.line(format_args!("  {}", terminal.bad("nothing is attached to it")));
    }
}

//! Claims about images: made with a managed key or keylessly, and attached to what they are about.

use std::path::PathBuf;

use ::verify::Artifact;
use clap::Args;
use client::oci::{Found, Listed, RepositoryClient};
use envelope::bundle::Bundle;
use envelope::in_toto::{self, PredicateType, Statement, Subject};
use envelope::{detached, timestamp};
use formats::Prepared;
use formats::oci::{Attached, Proof};
use model::receipt::Receipt;
use model::{Base64, Content, Digests, Instant};
use serde::Serialize;

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::parameters::ParameterArgs;
use crate::reading::ReadFile;
use crate::terminal::Terminal;
use crate::verbs::sign::call::{Call, RequestArgs, Signed, conclude};
use crate::verbs::sign::keyless::{KeylessArgs, What};

/// Who claims, and what becomes of their evidence.
#[derive(Debug, Args)]
pub(super) struct MakeArgs {
    #[command(flatten)]
    pub(super) request: RequestArgs,
    /// The folder, which is there, for receipts and bundles; otherwise the one in which this runs
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub(super) out: PathBuf,
    /// Do not attach the receipt, which says of what product and source the image is, why it was signed, who asked and who endorsed;
    /// what a governed key signs is not verified without
    #[arg(long)]
    without_receipt: bool,
    /// Do it as the holder of an ID token, without a managed key
    #[arg(long, conflicts_with_all = ["profile", "product", "version", "class", "source", "reason", "idempotency_key", "out"])]
    keyless: bool,
    #[command(flatten)]
    pub(super) context: ContextArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten, next_help_heading = "With --keyless")]
    holder: KeylessArgs,
}

/// What is claimed of each image.
pub(super) struct Claim {
    pub(super) predicate_type: PredicateType,
    /// In JSON.
    pub(super) predicate: Vec<u8>,
}

/// A claim that was attached to an image, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    pub(super) image: String,
    /// The manifests that hold the bundle and the receipt.
    pub(super) attached: Vec<String>,
    /// The tag under which it is listed, where the registry keeps no list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
    pub(super) written: Vec<PathBuf>,
}

/// What proves a claim about one of the images.
struct Sealed<'a> {
    image: &'a Found,
    proofs: Vec<(Proof, Vec<u8>)>,
    written: Vec<PathBuf>,
}

impl Claim {
    /// The statement about an image. Where it is now is not in it: a copy elsewhere has the same digest.
    fn about(&self, image: &Found) -> Result<Vec<u8>, Failure> {
        let subject = Subject::new("", &Digests::from(image.digest));
        let statement = Statement::compose(&[subject], &self.predicate_type, &self.predicate);
        Statement::parse(&statement)
            .map_err(Failure::input("the predicate", "something that can be said of an image"))?;
        Ok(statement)
    }
}

impl MakeArgs {
    /// Makes the claim about each image, and attaches it.
    pub(super) fn run(
        &self,
        client: &RepositoryClient,
        images: &[Found],
        claim: &Claim,
        terminal: Terminal,
    ) -> Result<Exit, Failure> {
        let sealed = if self.keyless {
            self.by_holder(images, claim)?
        } else {
            match self.by_platform(client, images, claim, terminal)? {
                Asked::Signed(sealed) => sealed,
                Asked::Open(exit) => return Ok(exit),
            }
        };
        let attached = sealed.into_iter().map(|one| attach(client, one, claim));
        let made: Vec<Made> = attached.collect::<Result<_, _>>()?;
        self.tell(&made, terminal);
        Ok(Exit::Done)
    }

    /// Says what was attached.
    pub(super) fn tell(&self, made: &[Made], terminal: Terminal) {
        if self.json {
            return terminal.line(crate::verbs::json(&made));
        }
        for one in made {
            terminal.line(format_args!("{} {}", terminal.good("signed"), terminal.bold(&one.image)));
            let by = one.tag.as_ref().map(|tag| format!(", listed under the tag {tag}"));
            let by = by.unwrap_or_default();
            one.attached.iter().for_each(|attached| terminal.line(format_args!("  attached {attached}{by}")));
            one.written.iter().for_each(|path| terminal.line(format_args!("  {}", path.display())));
        }
    }

    fn by_holder<'a>(&self, images: &'a [Found], claim: &Claim) -> Result<Vec<Sealed<'a>>, Failure> {
        let mut session = self.holder.begin(&self.context)?;
        let sign = |image: &'a Found| {
            let artifact = Artifact { digests: image.digest.into(), name: None };
            let bundle = session.sign(&artifact, What::Statement(claim.about(image)?))?;
            Ok(Sealed { image, proofs: vec![(Proof::Bundle, bundle)], written: Vec::new() })
        };
        images.iter().map(sign).collect()
    }

    /// One request for all of them: whoever endorses it endorses once.
    fn by_platform<'a>(
        &self,
        client: &RepositoryClient,
        images: &'a [Found],
        claim: &Claim,
        terminal: Terminal,
    ) -> Result<Asked<'a>, Failure> {
        let files: Vec<ReadFile> =
            images.iter().map(|image| self.to_be_read(client, image, claim)).collect::<Result<_, _>>()?;
        let context = self.context.load()?;
        let parameters = ParameterArgs::default();
        let call = Call { request: &self.request, parameters: &parameters, out: None, context: &context };
        let (view, signed) = call.sign(&context.client()?, &files)?;
        if signed.is_empty() {
            return Ok(Asked::Open(conclude(&view, signed, self.json, terminal)));
        }
        let sealed = images.iter().map(|image| self.of_image(image, &signed));
        sealed.collect::<Result<_, _>>().map(Asked::Signed)
    }

    /// What of all that was signed is of an image: the bundle, where there can be one, and the receipt.
    fn of_image<'a>(&self, image: &'a Found, signed: &[Signed]) -> Result<Sealed<'a>, Failure> {
        let digest = image.digest.to_string();
        let its = signed.iter().find(|one| one.sha256 == digest);
        let written = its.map(|one| one.written.clone()).unwrap_or_default();
        let kinds = [(Proof::Bundle, detached::Kind::Bundle), (Proof::Receipt, detached::Kind::Receipt)];
        let mut proofs = Vec::new();
        for (proof, kind) in kinds {
            let path = written.iter().find(|path| path.to_string_lossy().ends_with(kind.suffix()));
            let is_left_out = proof == Proof::Receipt && self.without_receipt;
            if let Some(path) = path.filter(|_| !is_left_out) {
                proofs.push((proof, crate::files::read_bounded(path, envelope::bundle::BUNDLE_BYTES_MAX)?));
            }
        }
        if proofs.is_empty() {
            return Err(Failure::Usage {
                what: "what was signed is in no log, or by a key whose algorithm no client of Sigstore knows: no bundle can be made of it"
                    .to_owned(),
                advice: "attach the receipt, or sign with a profile that logs, and a key of P-256, P-384 or RSA",
            });
        }
        Ok(Sealed { image, proofs, written })
    }

    /// An image as a file that is signed: its manifest, and what is claimed of it.
    fn to_be_read(
        &self,
        client: &RepositoryClient,
        image: &Found,
        claim: &Claim,
    ) -> Result<ReadFile, Failure> {
        let name = client.repository().name().to_owned();
        let contents = vec![Content::Inline { bytes: Base64(claim.about(image)?) }];
        let beside = format!("{name}.sha256-{}.{}.att", image.digest, word(&claim.predicate_type));
        Ok(ReadFile {
            path: Some(self.out.join(beside)),
            name,
            format: in_toto::FORMAT,
            text: None,
            prepared: Prepared { contents, digests: image.digest.into(), size: image.descriptor.size },
        })
    }
}

/// How a kind of claim is called in names of files.
fn word(predicate_type: &PredicateType) -> &'static str {
    if predicate_type.uri() == formats::oci::COSIGN_SIGN { "sign" } else { predicate_type.word() }
}

/// What became of a request.
enum Asked<'a> {
    Signed(Vec<Sealed<'a>>),
    /// It waits for people, or ended otherwise.
    Open(Exit),
}

fn attach(client: &RepositoryClient, sealed: Sealed<'_>, claim: &Claim) -> Result<Made, Failure> {
    let Sealed { image, proofs, written } = sealed;
    // The same receipt makes the same manifests: a repeat attaches nothing twice.
    let created = proofs.iter().find_map(|(proof, bytes)| signed_at(*proof, bytes));
    let created = created.unwrap_or_else(crate::clock::now);
    let (mut attached, mut tag) = (Vec::new(), None);
    for (proof, bytes) in &proofs {
        let one = Attached::new(&image.descriptor, *proof, bytes, claim.predicate_type.uri(), created);
        let (digest, listed) = crate::online::go_on(client.attach(&image.digest, &one))?;
        attached.push(format!("sha256:{digest}"));
        if let Listed::Tag(named) = listed {
            tag = Some(named);
        }
    }
    let image = client.repository().image(&image.digest);
    Ok(Made { image, attached, tag, written })
}

/// When it was signed, by the timestamp authority's clock.
fn signed_at(proof: Proof, bytes: &[u8]) -> Option<Instant> {
    let response = match proof {
        Proof::Bundle => Bundle::from_json(bytes).ok()?.timestamps.into_iter().next()?,
        Proof::Receipt => Receipt::parse(bytes).ok()?.items.into_iter().next()?.timestamp?.0,
    };
    Some(timestamp::open(&response).ok()?.tst_info().time)
}

//! Claims about images: made with a managed key or keylessly, and attached to what they are about.

use std::path::PathBuf;

use ::verify::Artifact;
use clap::Args;
use client::oci::{Found, Listed, RepositoryClient};
use envelope::bundle::Bundle;
use envelope::in_toto::{self, PredicateType, Statement, Subject};
use envelope::{detached, timestamp};
use formats::Prepared;
use formats::oci::Attached;
use model::{Base64, Content, Digests};
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
    /// Do it as the holder of an ID token, without a managed key
    #[arg(long, conflicts_with_all = ["profile", "product", "version", "class", "source", "reason", "idempotency_key", "out"])]
    keyless: bool,
    #[command(flatten, next_help_heading = "With --keyless")]
    holder: KeylessArgs,
    #[command(flatten)]
    pub(super) context: ContextArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
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
    /// The manifest that holds the bundle.
    pub(super) attached: String,
    /// The tag under which it is listed, where the registry keeps no list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
    pub(super) written: Vec<PathBuf>,
}

/// A bundle about one of the images.
struct Sealed<'a> {
    image: &'a Found,
    bundle: Vec<u8>,
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
            terminal.line(format_args!("  attached {}{}", one.attached, by.unwrap_or_default()));
            one.written.iter().for_each(|path| terminal.line(format_args!("  {}", path.display())));
        }
    }

    fn by_holder<'a>(&self, images: &'a [Found], claim: &Claim) -> Result<Vec<Sealed<'a>>, Failure> {
        let mut session = self.holder.begin(&self.context)?;
        let sign = |image: &'a Found| {
            let artifact = Artifact { digests: image.digest.into(), name: None };
            let bundle = session.sign(&artifact, What::Statement(claim.about(image)?))?;
            Ok(Sealed { image, bundle, written: Vec::new() })
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
        let sealed = images.iter().map(|image| of_image(image, &signed));
        sealed.collect::<Result<_, _>>().map(Asked::Signed)
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

/// What of all that was signed is of an image: the bundle beside its receipt.
fn of_image<'a>(image: &'a Found, signed: &[Signed]) -> Result<Sealed<'a>, Failure> {
    let digest = image.digest.to_string();
    let its = signed.iter().find(|one| one.sha256 == digest);
    let written = its.map(|one| one.written.clone()).unwrap_or_default();
    let suffix = detached::Kind::Bundle.suffix();
    let path = written.iter().find(|path| path.to_string_lossy().ends_with(suffix));
    let path = path.ok_or_else(|| Failure::Usage {
        what: "what was signed is in no log, or by a key whose algorithm no client of Sigstore knows: no bundle can be made of it"
            .to_owned(),
        advice: "sign with a profile that logs, and a key of P-256, P-384 or RSA; the receipt was written",
    })?;
    let bundle = crate::files::read_bounded(path, envelope::bundle::BUNDLE_BYTES_MAX)?;
    Ok(Sealed { image, bundle, written })
}

fn attach(client: &RepositoryClient, sealed: Sealed<'_>, claim: &Claim) -> Result<Made, Failure> {
    let Sealed { image, bundle, written } = sealed;
    let read = Bundle::from_json(&bundle).map_err(Failure::inside("read a bundle that was just made"))?;
    let stamped = read.timestamps.first().and_then(|response| timestamp::open(response).ok());
    // The same receipt makes the same manifest: a repeat attaches nothing twice.
    let created = stamped.map_or_else(crate::clock::now, |token| token.tst_info().time);
    let attached = Attached::new(&image.descriptor, &bundle, claim.predicate_type.uri(), created);
    let (digest, listed) = crate::online::call(client.attach(&image.digest, &attached))?;
    let tag = match listed {
        Listed::Registry => None,
        Listed::Tag(tag) => Some(tag),
    };
    let image = client.repository().image(&image.digest);
    Ok(Made { image, attached: format!("sha256:{digest}"), tag, written })
}

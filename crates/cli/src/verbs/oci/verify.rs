//! `avouch oci verify`: of all that is attached to an image, is something good?

use std::error::Error as _;
use std::path::{Path, PathBuf};

use ::verify::{
    Artifact, BundleTrust, Evidence, Expectations, Fault, KeyExpectation, Part, Present, QuorumExpectation,
    Refused, StatementExpectations, TimeSource, TrustRoot, Verified, Wanted, verify_bundle, verify_receipt,
};
use clap::Args;
use envelope::in_toto::PredicateType;
use formats::oci::{COSIGN_SIGN, Proof, Reference};
use model::receipt::Receipt;
use model::{Digest, Instant};
use serde::Serialize;

use super::candidates::{self, Candidate};
use super::reached::{self, RegistryArgs};
use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::verify::foreign::{Believed, Foreign, ForeignArgs};

/// The flags of `avouch oci verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch oci verify registry.example.com/team/app@sha256:… --trust-root trust-root.json
  avouch oci verify registry.example.com/team/app:1.4 --identity ada@example.com --issuer https://login.example.com
  avouch oci verify registry.example.com/team/app:1.4 --type cyclonedx --public-key key.pem --trusted-root trusted_root.json

A tag is looked up once; run the image by the digest that is said, not by the tag. One good signature is enough: whoever may push
into a repository may attach anything. An image that nobody signed is refused (exit code 1).")]
pub(super) struct OciVerifyArgs {
    /// The image: HOST/PATH[:TAG][@sha256:DIGEST]
    #[arg(value_name = "IMAGE")]
    image: Reference,
    /// The kind of claim, by a word of `avouch attest --help` or a URI; otherwise a signature of the image
    #[arg(long = "type", value_name = "WORD|URI")]
    predicate_type: Option<PredicateType>,
    /// The trust root; otherwise the one of the stored context
    #[arg(long, value_name = "FILE")]
    trust_root: Option<PathBuf>,
    /// The key, by name, that must have signed
    #[arg(long)]
    key: Option<model::Space>,
    /// People must have endorsed it, even where the key's record asks for nobody
    #[arg(long, conflicts_with_all = ["identity", "public_key"])]
    require_quorum: bool,
    /// The profile asks for no timestamp token
    #[arg(long)]
    without_timestamp: bool,
    /// The profile asks for no log entry
    #[arg(long)]
    without_log: bool,
    /// The present; otherwise this machine's clock
    #[arg(long, value_name = "TIME")]
    at: Option<Instant>,
    #[command(flatten)]
    foreign: ForeignArgs,
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found, for programs.
#[derive(Serialize)]
struct Report<'a> {
    image: &'a str,
    good: Vec<&'a Verified>,
    refused: Vec<Passed>,
}

/// What is attached and not good.
#[derive(Debug, Serialize)]
struct Passed {
    attached: String,
    reasons: Vec<String>,
}

/// What became of all that is attached.
#[derive(Default)]
struct Judged {
    good: Vec<(String, Verified)>,
    passed: Vec<Passed>,
    /// Why the first was refused: a bad one, if there is one.
    refused: Option<Refused>,
}

/// Whose proof counts.
enum Whom {
    /// Somebody who was named, by these logs and authorities.
    Foreign(Foreign, Believed),
    /// The keys of a platform.
    Platform(Box<TrustRoot>),
}

/// Whom to believe, and what is expected.
struct Bench {
    whom: Whom,
    expectations: Expectations,
    statement: StatementExpectations,
    present: Present,
}

pub(super) fn run(args: &OciVerifyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let bench = args.bench()?;
    let client = args.registry.client(&args.image.repository)?;
    let image = reached::image(&client, &args.image)?;
    let named = client.repository().image(&image.digest);
    let referrers = candidates::referrers(&client, &image.digest)?;
    let wanted = bench.statement.predicate.as_ref();
    let candidates = candidates::proofs(&client, &image.digest, &referrers, wanted)?;
    let judged = bench.judge(&image.digest, candidates);
    if args.json {
        let good = judged.good.iter().map(|(_, verified)| verified).collect();
        terminal.line(crate::verbs::json(&Report { image: &named, good, refused: judged.passed }));
    } else {
        judged.show(&named, terminal);
    }
    match (judged.good.is_empty(), judged.refused) {
        (false, _) => Ok(Exit::Done),
        (true, Some(source)) => Err(Failure::Refused { subject: format!("`{named}` is refused"), source }),
        (true, None) => Err(Failure::Unsigned { image: named }),
    }
}

impl OciVerifyArgs {
    fn bench(&self) -> Result<Bench, Failure> {
        let platform = || match &self.trust_root {
            Some(path) => crate::reading::trust_root(path),
            None => self.context.load()?.trust_root(),
        };
        let whom = match self.foreign.named()? {
            Some(foreign) => Whom::Foreign(foreign, self.foreign.trusted_root(platform)?),
            None => Whom::Platform(Box::new(platform()?)),
        };
        let signature = || COSIGN_SIGN.parse().map_err(Failure::inside("name what a signature claims"));
        let predicate = self.predicate_type.clone().map_or_else(signature, Ok)?;
        let evidence = |without| if without { Evidence::IfPresent } else { Evidence::Required };
        let quorum =
            if self.require_quorum { QuorumExpectation::Required } else { QuorumExpectation::AsRecorded };
        Ok(Bench {
            whom,
            expectations: Expectations {
                key: self.key.clone().map(KeyExpectation::Name),
                timestamp: evidence(self.without_timestamp),
                log: evidence(self.without_log),
                quorum,
                ..Expectations::default()
            },
            // INVARIANT: a claim of another kind, by whomever, is no signature: a scan that found the worst is signed, too.
            statement: StatementExpectations {
                wanted: Wanted::Statement,
                predicate: Some(predicate),
                ..StatementExpectations::default()
            },
            present: match self.at {
                Some(at) => Present { at, source: TimeSource::Named },
                None => Present { at: crate::clock::now(), source: TimeSource::SystemClock },
            },
        })
    }
}

impl Bench {
    fn judge(&self, image: &Digest, candidates: Vec<Candidate>) -> Judged {
        let artifact = Artifact { digests: (*image).into(), name: None };
        let mut judged = Judged::default();
        // INVARIANT: whoever names a key or somebody wants bundles of theirs, and no platform's word. By a trust root, receipts
        // come first: of a governed key they alone prove that people endorsed.
        let (receipts, bundles) = candidates.into_iter().partition(|one| one.proof == Proof::Receipt);
        if matches!(self.whom, Whom::Platform(_)) {
            self.judge_all(&artifact, receipts, &mut judged);
        }
        if judged.good.is_empty() {
            self.judge_all(&artifact, bundles, &mut judged);
        }
        judged
    }

    fn judge_all(&self, artifact: &Artifact, candidates: Vec<Candidate>, judged: &mut Judged) {
        for Candidate { attached, proof, bytes, .. } in candidates {
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(cause) => {
                    judged.passed.push(Passed { attached, reasons: vec![model::told(&cause)] });
                    continue;
                }
            };
            match self.verify(artifact, proof, &bytes).and_then(|verified| verified.expect(&self.statement)) {
                Ok(verified) => judged.good.push((attached, verified)),
                Err(refused) => judged.pass(attached, refused),
            }
        }
    }

    fn verify(&self, artifact: &Artifact, proof: Proof, bytes: &[u8]) -> Result<Verified, Refused> {
        let (expectations, present) = (&self.expectations, self.present);
        let root = match &self.whom {
            Whom::Foreign(foreign, believed) => {
                return foreign.verify(artifact, bytes, believed.into(), expectations, present);
            }
            Whom::Platform(root) => root,
        };
        match proof {
            Proof::Bundle => {
                verify_bundle(artifact, bytes, BundleTrust::Platform(root), expectations, present)
            }
            Proof::Receipt => {
                let receipt = Receipt::parse(bytes).map_err(|cause| Refused::Bad {
                    part: Part::Receipt,
                    item: None,
                    fault: Fault::Unreadable(Box::new(cause)),
                })?;
                verify_receipt(artifact, &receipt, root, expectations, present)
            }
        }
    }
}

impl Judged {
    fn pass(&mut self, attached: String, refused: Refused) {
        let causes = std::iter::successors(refused.source(), |cause| (**cause).source());
        let reasons = std::iter::once(refused.to_string()).chain(causes.map(ToString::to_string)).collect();
        self.passed.push(Passed { attached, reasons });
        let is_worse = matches!(
            (&self.refused, &refused),
            (None, _) | (Some(Refused::CannotCheck { .. }), Refused::Bad { .. })
        );
        if is_worse {
            self.refused = Some(refused);
        }
    }

    fn show(&self, image: &str, terminal: Terminal) {
        for (attached, verified) in &self.good {
            crate::verbs::verify::show(verified, Path::new(image), terminal);
            terminal.line(format_args!("  attached {attached}"));
        }
        for Passed { attached, reasons } in &self.passed {
            terminal.note(format_args!("attached {attached} is passed over: {}", reasons.join(": ")));
        }
    }
}

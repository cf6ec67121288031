//! `avouch attest`: says something about files, in a form that others can check: with a managed key, or in the name of
//! an ID token's holder.

mod provenance;

use std::path::{Path, PathBuf};

use ::verify::Artifact;
use clap::Args;
use envelope::detached;
use envelope::in_toto::{self, PredicateType, Statement, Subject};
use formats::Prepared;
use model::{Base64, Content, limits};
use serde::Serialize;

use super::sign::call::{Call, RequestArgs, conclude};
use super::sign::keyless::{KeylessArgs, What};
use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::parameters::ParameterArgs;
use crate::reading::{ReadFile, is_stdin};
use crate::terminal::Terminal;

/// The flags of `avouch attest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch attest app.tar --type cyclonedx --predicate sbom.cdx.json --profile default/attest
  avouch attest app.tar app.sig --type https://example.com/tests/v1 --predicate tests.json --profile default/attest
  avouch attest app.tar --provenance --keyless

Kinds of claims that are looked into, by the words that cosign has for them, where it has any: slsaprovenance1,
slsaprovenance02, vsa, spdxjson (or spdx), cyclonedx, openvex, csaf, vuln, vulns, test-result, scai. What is not shaped as its
kind says is not signed, and the field is named. Any other is taken as it is, by its URI or as `custom`.

Beside the first file appear NAME.WORD.att.sigstore.json, an in-toto statement in a Sigstore bundle, which `avouch verify
--type WORD` and cosign's `verify-blob-attestation` check, and, unless it is keyless, NAME.WORD.att.receipt.json.")]
pub(crate) struct AttestArgs {
    /// The files that it is about; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What kind of claim it is: a word of those below, or a URI
    #[arg(long = "type", value_name = "WORD|URI", required_unless_present = "provenance")]
    predicate_type: Option<PredicateType>,
    /// What is claimed: a file of JSON, which is signed byte for byte
    #[arg(long, value_name = "FILE", required_unless_present = "provenance")]
    predicate: Option<PathBuf>,
    /// Claim that this job of GitHub Actions built the files, as its environment says (slsaprovenance1)
    #[arg(long, conflicts_with_all = ["predicate_type", "predicate"])]
    provenance: bool,
    /// The folder, which is there, for what comes back; otherwise beside the first file
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    request: RequestArgs,
    /// Attest as the holder of an ID token, without a managed key
    #[arg(long, conflicts_with_all = ["profile", "product", "version", "class", "source", "reason", "idempotency_key"])]
    keyless: bool,
    #[command(flatten, next_help_heading = "With --keyless")]
    holder: KeylessArgs,
    #[command(flatten)]
    context: ContextArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was attested keylessly, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    subject: &'a str,
    issuer: &'a str,
    written: &'a Path,
}

pub(super) fn run(args: &AttestArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let files: Vec<ReadFile> =
        args.files.iter().map(|path| crate::reading::file(path, None, &[])).collect::<Result<_, _>>()?;
    let claim = args.claim()?;
    let statement = claim.about(&files)?;
    let first = files.into_iter().next().expect("the command line asks for one at least");
    let beside = args.beside(&first, &claim.kind);
    if args.keyless {
        return args.attest_keyless(&first, statement, &beside, terminal);
    }
    let contents = vec![Content::Inline { bytes: Base64(statement) }];
    let prepared = Prepared { contents, ..first.prepared };
    let claim = ReadFile { path: Some(beside), format: in_toto::FORMAT, prepared, ..first };
    let context = args.context.load()?;
    let parameters = ParameterArgs::default();
    let call = Call { request: &args.request, parameters: &parameters, out: None, context: &context };
    let (view, written) = call.sign(&context.client()?, std::slice::from_ref(&claim))?;
    Ok(conclude(&view, written, args.json, terminal))
}

/// What is claimed.
struct Claim {
    kind: PredicateType,
    predicate: Vec<u8>,
    /// Where it came from.
    name: String,
}

impl Claim {
    /// The statement about these files, which is one that verifiers read.
    fn about(&self, files: &[ReadFile]) -> Result<Vec<u8>, Failure> {
        let Self { kind, predicate, name } = self;
        kind.read(predicate).map_err(Failure::input(name, "what `--type` says"))?;
        let subject = |file: &ReadFile| Subject::new(&file.name, &file.prepared.digests.sha256().into());
        let subjects: Vec<Subject> = files.iter().map(subject).collect();
        let statement = Statement::compose(&subjects, kind, predicate);
        Statement::parse(&statement)
            .map_err(Failure::input(name, "something that can be said of these files"))?;
        if statement.len() > limits::STATEMENT_BYTES_MAX {
            let (length, most) = (statement.len(), limits::STATEMENT_BYTES_MAX);
            return Err(Failure::Usage {
                what: format!("the statement has {length} bytes, where at most {most} are signed"),
                advice: TOO_LONG,
            });
        }
        Ok(statement)
    }
}

/// What to do about a claim that is too long.
const TOO_LONG: &str = "leave out of it what nobody needs, or claim that it is elsewhere, with its digest: `--type https://in-toto.io/attestation/reference/v0.1`";

impl AttestArgs {
    fn claim(&self) -> Result<Claim, Failure> {
        let (Some(kind), Some(path)) = (&self.predicate_type, &self.predicate) else {
            let kind = "slsaprovenance1".parse().expect("a word that is known");
            let name = "the environment of this job".to_owned();
            return Ok(Claim { kind, predicate: provenance::find()?, name });
        };
        let predicate = crate::files::read_bounded(path, limits::STATEMENT_BYTES_MAX)?;
        Ok(Claim { kind: kind.clone(), predicate, name: path.display().to_string() })
    }

    /// The name of what comes back, without its last part. One file may have many claims about it.
    fn beside(&self, first: &ReadFile, kind: &PredicateType) -> PathBuf {
        let path = match (&self.out, first.path.as_ref().filter(|path| !is_stdin(path))) {
            (Some(out), _) => out.join(&first.name),
            (None, Some(path)) => path.clone(),
            (None, None) => PathBuf::from(&first.name),
        };
        beside(&path, kind)
    }

    fn attest_keyless(
        &self,
        first: &ReadFile,
        statement: Vec<u8>,
        beside: &Path,
        terminal: Terminal,
    ) -> Result<Exit, Failure> {
        let artifact = Artifact { digests: first.prepared.digests.clone(), name: Some(first.name.clone()) };
        let mut session = self.holder.begin(&self.context)?;
        let bundle = session.sign(&artifact, What::Statement(statement))?;
        let path = crate::files::suffixed(beside, detached::Kind::Bundle.suffix());
        crate::files::write(&path, &bundle)?;
        let names = session.names();
        if self.json {
            let report = Report { subject: names.subject.text(), issuer: &names.issuer, written: &path };
            terminal.line(super::json(&report));
        } else {
            terminal.line(format_args!("{} {}", terminal.good("attested"), terminal.bold(&first.name)));
            terminal.line(format_args!("  as {:?}, vouched for by {}", names.subject.text(), names.issuer));
            terminal.line(format_args!("  {}", path.display()));
        }
        Ok(Exit::Done)
    }
}

/// How a claim of this kind about a file is called, without what says whether it is a receipt or a bundle.
pub(super) fn beside(file: &Path, predicate_type: &PredicateType) -> PathBuf {
    crate::files::suffixed(file, &format!(".{}.att", predicate_type.word()))
}

//! `avouch attest`: says something about files, in a form that others can check, in the name of an ID token's holder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ::verify::Artifact;
use clap::Args;
use envelope::in_toto::{Statement, Subject};
use serde::Serialize;

use super::sign::keyless::{KeylessArgs, What};
use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The longest predicate: a bill of materials of a large product fits.
const PREDICATE_BYTES_MAX: usize = 12 * 1024 * 1024;
/// What is added to a file's name for an attestation about it.
const SUFFIX: &str = ".att.sigstore.json";

/// Kinds of claims, by the short words that people have for them.
const TYPES: [(&str, &str); 5] = [
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("openvex", "https://openvex.dev/ns"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
];

/// The flags of `avouch attest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch attest app.tar --predicate sbom.cdx.json --type cyclonedx
  avouch attest app.tar --predicate tests.json --type https://example.com/tests/v1 --identity-token @token

Beside the file appears NAME.att.sigstore.json: an in-toto statement in a Sigstore bundle, which
`avouch verify --bundle` and cosign's `verify-blob-attestation` check.")]
pub(crate) struct AttestArgs {
    /// The file that it is about
    file: PathBuf,
    /// What is claimed: a file of JSON
    #[arg(long, value_name = "FILE")]
    predicate: PathBuf,
    /// What kind of claim it is: a URI, or slsaprovenance1, spdxjson, cyclonedx, openvex, vuln
    #[arg(long = "type", value_name = "URI", value_parser = predicate_type)]
    predicate_type: String,
    /// Where to write the bundle; otherwise beside the file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    keyless: KeylessArgs,
    #[command(flatten)]
    context: ContextArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was attested, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    subject: &'a str,
    issuer: &'a str,
    written: &'a Path,
}

pub(super) fn run(args: &AttestArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let artifact = crate::reading::artifact(&args.file, &[])?;
    let statement = args.statement(&artifact)?;
    let mut session = args.keyless.begin(&args.context)?;
    let bundle = session.sign(&artifact, What::Statement(statement))?;
    let beside = || crate::files::suffixed(&args.file, SUFFIX);
    let path = args.out.clone().unwrap_or_else(beside);
    crate::files::write(&path, &bundle)?;
    let names = session.names();
    if args.json {
        let report = Report { subject: names.subject.text(), issuer: &names.issuer, written: &path };
        terminal.line(super::json(&report));
    } else {
        let name = args.file.display().to_string();
        terminal.line(format_args!("{} {}", terminal.good("attested"), terminal.bold(&name)));
        terminal.line(format_args!("  as {:?}, vouched for by {}", names.subject.text(), names.issuer));
        terminal.line(format_args!("  {}", path.display()));
    }
    Ok(Exit::Done)
}

impl AttestArgs {
    fn statement(&self, artifact: &Artifact) -> Result<Vec<u8>, Failure> {
        let bytes = crate::files::read_bounded(&self.predicate, PREDICATE_BYTES_MAX)?;
        let name = self.predicate.display().to_string();
        let predicate =
            serde_json::from_slice(&bytes).map_err(Failure::input(name, "a predicate in JSON"))?;
        let digest = BTreeMap::from([("sha256".to_owned(), artifact.digests.sha256().to_string())]);
        let subject = Subject { name: artifact.name.clone().unwrap_or_default(), digest };
        let statement = Statement::new(vec![subject], &self.predicate_type, predicate);
        serde_json::to_vec(&statement).map_err(Failure::inside("write a statement"))
    }
}

fn predicate_type(text: &str) -> Result<String, String> {
    let known = TYPES.iter().find(|(word, _)| *word == text).map(|(_, uri)| (*uri).to_owned());
    let uri = || text.contains(':').then(|| text.to_owned());
    known.or_else(uri).ok_or_else(|| "a kind of claim is a URI, or one of the words in the help".to_owned())
}

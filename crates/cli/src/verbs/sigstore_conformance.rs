//! `avouch sigstore-conformance`: the protocol by which the public
//! [conformance suite](https://github.com/sigstore/sigstore-conformance) drives clients. Its exit code decides.

use std::path::PathBuf;

use ::verify::{Artifact, Expectations, Identity, Pattern, Present, TimeSource, Verified};
use clap::{Args, Subcommand};
use envelope::bundle::BUNDLE_BYTES_MAX;
use envelope::in_toto::Statement;
use model::Digest;

use super::sign::keyless::{KeylessArgs, What};
use super::verify::GivenKey;
use super::verify::foreign::{self, Foreign};
use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::id_token::TokenArgs;
use crate::terminal::Terminal;

/// The flags of `avouch sigstore-conformance`.
#[derive(Debug, Args)]
pub(crate) struct ConformanceArgs {
    #[command(subcommand)]
    verb: ConformanceVerb,
}

#[derive(Debug, Subcommand)]
enum ConformanceVerb {
    /// Sign a file, or an in-toto statement
    SignBundle(SignBundle),
    /// Verify a bundle
    VerifyBundle(VerifyBundle),
}

#[derive(Debug, Args)]
struct SignBundle {
    /// The staging instance is meant; where to sign says `--signing-config` all the same
    #[arg(long)]
    staging: bool,
    /// The file is an in-toto statement
    #[arg(long)]
    in_toto: bool,
    #[arg(long, value_name = "TOKEN")]
    identity_token: String,
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    signing_config: Option<PathBuf>,
    /// Certificates, in PEM, that the services' own come from: no flag of the suite's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    context: ContextArgs,
}

#[derive(Debug, Args)]
struct VerifyBundle {
    /// The staging instance is meant; whom to believe says `--trusted-root` all the same
    #[arg(long)]
    staging: bool,
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    #[arg(
        long,
        value_name = "IDENTITY",
        requires = "certificate_oidc_issuer",
        required_unless_present = "key"
    )]
    certificate_identity: Option<String>,
    #[arg(long, value_name = "URL", requires = "certificate_identity")]
    certificate_oidc_issuer: Option<String>,
    #[arg(long, value_name = "FILE", conflicts_with = "certificate_identity")]
    key: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    #[arg(value_name = "FILE_OR_DIGEST")]
    file: PathBuf,
    #[command(flatten)]
    context: ContextArgs,
}

pub(super) fn run(args: &ConformanceArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        ConformanceVerb::SignBundle(args) => args.sign(),
        ConformanceVerb::VerifyBundle(args) => {
            super::verify::show(&args.verify()?, &args.file, terminal);
            Ok(Exit::Done)
        }
    }
}

impl SignBundle {
    fn sign(&self) -> Result<Exit, Failure> {
        let keyless = KeylessArgs {
            token: TokenArgs { identity_token: Some(self.identity_token.clone()), ..TokenArgs::default() },
            signing_config: self.signing_config.clone(),
            trusted_root: self.trusted_root.clone(),
            ca: self.ca.clone(),
            tuf: None,
        };
        let (artifact, what) = match self.in_toto {
            true => self.statement()?,
            false => (crate::reading::artifact(&self.file, &[])?, What::File),
        };
        let bundle = keyless.begin(&self.context)?.sign(&artifact, what)?;
        crate::files::write(&self.bundle, &bundle)?;
        Ok(Exit::Done)
    }

    /// A statement, and the first artifact that it is about: the bundle is verified against that.
    fn statement(&self) -> Result<(Artifact, What), Failure> {
        let json = crate::files::read_bounded(&self.file, BUNDLE_BYTES_MAX / 2)?;
        const EXPECTED: &str = "an in-toto statement about a SHA-256";
        let name = self.file.display().to_string();
        let statement = Statement::parse(&json).map_err(Failure::input(&name, EXPECTED))?;
        let first = statement.subject.first().and_then(|subject| subject.digest.get("sha256")?.parse().ok());
        let none = || Failure::input(&name, EXPECTED)("it names none");
        let sha256: Digest = first.ok_or_else(none)?;
        Ok((Artifact { digests: sha256.into(), name: None }, What::Statement(json)))
    }
}

impl VerifyBundle {
    fn verify(&self) -> Result<Verified, Failure> {
        let json = crate::files::read_bounded(&self.bundle, BUNDLE_BYTES_MAX)?;
        let root = match &self.trusted_root {
            Some(path) => foreign::trusted_root(path)?,
            None => self.context.load()?.trust_root()?.sigstore().clone(),
        };
        let by = self.expected()?;
        let present = Present { at: crate::clock::now(), source: TimeSource::SystemClock };
        // A file is read for every digest that a signature may be by: this protocol asks once.
        let artifact = super::verify::artifact(&self.file, &model::Hash::ALL)?;
        let verified = by.verify(&artifact, &json, (&root).into(), &Expectations::default(), present);
        verified.map_err(|source| Failure::Refused {
            subject: format!("`{}` is refused by `{}`", self.file.display(), self.bundle.display()),
            source,
        })
    }

    /// The suite means texts, not patterns.
    fn expected(&self) -> Result<Foreign, Failure> {
        let exactly = |text: &Option<String>| {
            let text = text.clone().unwrap_or_default();
            Pattern::exactly(&text).map_err(Failure::input(text, "an identity"))
        };
        match &self.key {
            Some(path) => Ok(GivenKey::read(path)?.into()),
            None => Ok(Foreign::Holder(Identity {
                subject: exactly(&self.certificate_identity)?,
                issuer: exactly(&self.certificate_oidc_issuer)?,
            })),
        }
    }
}

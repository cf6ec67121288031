//! `avouch trust`: the trust root that verifiers start from, and the keys of the platform that it lists.

mod follow;
mod publish;
mod rotate;
mod show;
mod standing;
mod tuf;

use std::path::PathBuf;

use ::verify::TrustRoot;
use clap::{Args, Subcommand};
use envelope::openpgp::armored_certificates;
use model::{PublicKey, Space};
use quorum::KeyState;

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(super) use show::{governance, show};

/// The flags of `avouch trust`.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    #[command(subcommand)]
    verb: TrustVerb,
}

#[derive(Debug, Subcommand)]
enum TrustVerb {
    /// Fetch the platform's present trust root and print it
    #[command(
        after_help = "Examples:\n  avouch trust export > trust-root.json\n  avouch trust export --sigstore > trusted_root.json    for cosign and its kin\n  avouch trust export --roots > root.pem                for openssl\n  avouch trust export --tuf > root.json                 for cosign initialize --root\n  avouch trust export --key default/blob > key.pub.pem  for cosign --key\n  avouch trust export --openpgp default/openpgp > key.asc  for gpg --import, sqv --keyring and APT's signed-by"
    )]
    Export {
        #[command(flatten)]
        context: ContextArgs,
        /// Print Sigstore's `trusted_root.json`
        #[arg(long, group = "projection")]
        sigstore: bool,
        /// Print the newest root of the TUF repository, which clients of TUF begin with
        #[arg(long, group = "projection", conflicts_with = "from")]
        tuf: bool,
        /// Print the root certificates in PEM
        #[arg(long, group = "projection")]
        roots: bool,
        /// Print the OpenPGP certificates of a key, armored: of every generation that was not revoked
        #[arg(long, value_name = "KEY", group = "projection")]
        openpgp: Option<Space>,
        /// Print a key in PEM: its active generation
        #[arg(long, value_name = "KEY", group = "projection")]
        key: Option<Space>,
        /// Project this trust root, and ask nobody
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Show what a trust root trusts: each authority and log, since when, until when, and what is next
    #[command(after_help = "Example:\n  avouch trust show trust-root.json")]
    Show {
        /// The trust root; otherwise the one of the stored context
        file: Option<PathBuf>,
        #[command(flatten)]
        context: ContextArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Have another key take the place of an authority's or a log's
    Rotate(rotate::RotateArgs),
    /// Bring what is trusted now into the TUF repository
    Publish(publish::PublishArgs),
    /// Follow a TUF repository, this platform's or another's: what it proves comes into a folder
    Follow(follow::FollowArgs),
}

pub(super) fn run(args: &TrustArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        TrustVerb::Export { context, tuf: true, .. } => {
            let context = context.load()?;
            terminal.bytes(&tuf::root(&context, &context.renew_trust_root()?)?);
            terminal.line("");
        }
        TrustVerb::Export { context, sigstore, roots, openpgp, key, from, .. } => {
            let root = match from {
                Some(path) => crate::reading::trust_root(path)?,
                None => context.load()?.renew_trust_root()?,
            };
            if let Some(name) = openpgp {
                terminal.bytes(openpgp_certificates(&root, name)?.as_bytes());
            } else if let Some(name) = key {
                terminal.bytes(key_pem(&root, name)?.as_bytes());
            } else if *roots {
                terminal.bytes(roots_pem(&root).as_bytes());
            } else if *sigstore {
                terminal.bytes(&root.sigstore().to_json());
                terminal.line("");
            } else {
                // A trust root is read in its canonical form alone, which has no line break at its end.
                terminal.bytes(&root.encode());
            }
        }
        TrustVerb::Show { file, context, json } => {
            let root = match file {
                Some(path) => crate::reading::trust_root(path)?,
                None => context.load()?.trust_root()?,
            };
            if *json { terminal.bytes(&root.encode()) } else { show(&root, terminal) }
        }
        TrustVerb::Rotate(args) => return rotate::run(args, terminal),
        TrustVerb::Publish(args) => return publish::run(args, terminal),
        TrustVerb::Follow(args) => return follow::run(args, terminal),
    }
    Ok(Exit::Done)
}

/// The root certificates, for tools that read PEM.
pub(super) fn roots_pem(root: &TrustRoot) -> String {
    root.roots().iter().map(pki::Certificate::to_pem).collect()
}

/// The OpenPGP certificates of a key: what it signed before it was followed by another is still verified.
fn openpgp_certificates(root: &TrustRoot, name: &Space) -> Result<String, Failure> {
    let known = root.registry().keys().filter(|key| key.record.name == *name);
    let keys = known.filter(|key| key.state != KeyState::Revoked);
    let certificates: Vec<&[u8]> = keys.filter_map(|key| root.openpgp(&key.record.id())).collect();
    if certificates.is_empty() {
        return Err(Failure::Usage {
            what: format!("the trust root knows no OpenPGP certificate of a key `{name}`"),
            advice: "`avouch trust show` lists the keys; those of form openpgp have such certificates",
        });
    }
    Ok(armored_certificates(certificates))
}

fn key_pem(root: &TrustRoot, name: &Space) -> Result<String, Failure> {
    let key = root.registry().active_key(name).ok_or_else(|| Failure::Usage {
        what: format!("the trust root knows no active key `{name}`"),
        advice: "`avouch trust show` lists the keys",
    })?;
    Ok(public_key_pem(&key.record.public_key))
}

/// A public key in PEM (RFC 7468 §13).
pub(super) fn public_key_pem(key: &PublicKey) -> String {
    let base64 = data_encoding::BASE64.encode(key.spki());
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

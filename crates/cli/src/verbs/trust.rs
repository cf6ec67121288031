//! `avouch trust`: the trust root that verifiers start from.

use std::path::PathBuf;

use ::verify::TrustRoot;
use clap::{Args, Subcommand};
use quorum::Governance;

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

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
        after_help = "Examples:\n  avouch trust export > trust-root.json\n  avouch trust export --sigstore > trusted_root.json    for cosign and its kin"
    )]
    Export {
        #[command(flatten)]
        context: ContextArgs,
        /// Print Sigstore's `trusted_root.json`
        #[arg(long)]
        sigstore: bool,
        /// Project this trust root, and ask nobody
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Show what a trust root trusts
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
}

pub(super) fn run(args: &TrustArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        TrustVerb::Export { context, sigstore, from } => {
            let root = match from {
                Some(path) => crate::reading::trust_root(path)?,
                None => context.load()?.renew_trust_root()?,
            };
            let bytes = if *sigstore { root.sigstore().to_json() } else { root.encode() };
            terminal.bytes(&bytes);
            terminal.line("");
        }
        TrustVerb::Show { file, context, json } => {
            let root = match file {
                Some(path) => crate::reading::trust_root(path)?,
                None => context.load()?.trust_root()?,
            };
            if *json { terminal.bytes(&root.encode()) } else { show(&root, terminal) }
        }
    }
    Ok(Exit::Done)
}

/// Shows a trust root to people.
pub(super) fn show(root: &TrustRoot, terminal: Terminal) {
    let registry = root.registry();
    terminal.line(format_args!("{} {}", terminal.bold("platform"), root.platform()));
    terminal.line(format_args!("  fingerprint {}", root.fingerprint()));
    let governance = match registry.governance() {
        Governance::Solo => "governed by a single person (solo)",
        Governance::Quorum => "governed by a quorum",
    };
    terminal.line(format_args!(
        "  host {}, {governance}, {} registry entries, head {}",
        registry.host(),
        registry.entries(),
        registry.head()
    ));
    terminal.line(format_args!("  expires {}", root.expires()));
    for log in root.logs() {
        terminal.line(format_args!("{} {}", terminal.bold("log"), log.encode()));
    }
    terminal.line(format_args!(
        "{} {} (unanchored: no witness cosigns it)",
        terminal.bold("journal"),
        root.journal().encode()
    ));
    for root in root.roots() {
        terminal.line(format_args!(
            "{} {} until {}",
            terminal.bold("root"),
            root.subject_text(),
            root.not_after()
        ));
    }
    for key in registry.keys() {
        super::key::line(key, terminal);
    }
    terminal.line(
        "not protected: who asks is the server's word; what one administrator of a solo platform changes",
    );
}

//! `avouch upgrade --check`: what this avouch would do to a data folder that another release wrote.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use model::{Disk, told};
use serde::Serialize;
use signerd::FileDisk;
use store::Reader;

use crate::config::{FILE, Folder};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch upgrade`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  avouch upgrade --check /var/lib/avouch    with the new release, before it is started"
)]
pub(crate) struct UpgradeArgs {
    /// The data folder
    dir: PathBuf,
    /// Say what would be done, and do nothing; the upgrade itself is the next `avouch serve`
    #[arg(long, required = true)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What would be done to one part.
#[derive(Debug, Serialize)]
struct Part {
    part: &'static str,
    state: PartState,
    evidence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum PartState {
    /// It is read as it is.
    Nothing,
    /// It is brought up to date at the next start.
    Upgraded,
    /// This avouch does not read it.
    Refused,
}

pub(super) fn run(args: &UpgradeArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.dir)?;
    let version = env!("CARGO_PKG_VERSION");
    let config = Part {
        part: "configuration",
        state: PartState::Nothing,
        evidence: format!("`{FILE}` is read as it is"),
    };
    let parts = [config, store(&folder), journal(&folder)];
    if args.json {
        terminal.line(super::json(&parts));
    } else {
        terminal.line(format_args!("avouch {version} on `{}`:", folder.path().display()));
        for part in &parts {
            let mark = match part.state {
                PartState::Nothing => terminal.good("as it is "),
                PartState::Upgraded => terminal.bold("upgraded "),
                PartState::Refused => terminal.bad("refused  "),
            };
            terminal.line(format_args!("{mark} {}: {}", part.part, part.evidence));
        }
        if parts.iter().any(|part| part.state == PartState::Upgraded) {
            terminal.line(
                "make a backup first (`avouch backup`): an older release does not read what this one writes",
            );
        }
    }
    let refused = parts.iter().any(|part| part.state == PartState::Refused);
    Ok(if refused { Exit::Bad } else { Exit::Done })
}

fn store(folder: &Folder) -> Part {
    let read = Reader::beside(&folder.at(&folder.config.server.folder)).and_then(|store| store.schema());
    let (state, evidence) = match read {
        Ok(schema) if schema.missing.is_empty() => (PartState::Nothing, format!("schema `{}`", schema.name)),
        Ok(schema) => {
            (PartState::Upgraded, format!("schema `{}`, then {}", schema.name, schema.missing.join(", ")))
        }
        Err(cause) => (PartState::Refused, told(&cause)),
    };
    Part { part: "store", state, evidence }
}

fn journal(folder: &Folder) -> Part {
    let disk: Arc<dyn Disk> =
        Arc::new(FileDisk::new(&folder.at(&folder.config.signerd.folder).join("journal")));
    let (state, evidence) = match signerd::inspect(&disk) {
        Ok(Some(journal)) => (PartState::Nothing, format!("version 1, {} leaves", journal.head.size)),
        Ok(None) => (PartState::Nothing, "none yet".to_owned()),
        Err(cause) => (PartState::Refused, told(&cause)),
    };
    Part { part: "journal", state, evidence }
}

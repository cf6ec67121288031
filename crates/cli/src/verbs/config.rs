//! `avouch config check`: reads the configuration as the server does.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::Form;

use crate::config::{FILE, Folder};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Check a configuration, and that it still names the host of the platform
    #[command(after_help = "Example:\n  avouch config check /var/lib/avouch")]
    Check {
        /// The data folder
        dir: PathBuf,
    },
}

pub(super) fn run(args: &ConfigArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let ConfigVerb::Check { dir } = &args.verb;
    let folder = Folder::open(dir)?;
    check_host(&folder)?;
    terminal.line(format_args!("`{}` is good", folder.at(FILE).display()));
    Ok(Exit::Done)
}

/// The host was fixed by the genesis: another one would name another log and another journal.
pub(super) fn check_host(folder: &Folder) -> Result<(), Failure> {
    let path = folder.at(super::init::TRUST_ROOT);
    if !path.exists() {
        return Ok(());
    }
    let root = crate::reading::trust_root(&path)?;
    let (fixed, named) = (root.registry().host(), &folder.config.platform.host);
    if fixed == named {
        return Ok(());
    }
    let log = root.registry().platform_key(Form::Checkpoint).and_then(|key| key.record.origin.clone());
    Err(Failure::ConfigKey {
        path: folder.at(FILE),
        key: "platform.host",
        fault: format!(
            "the platform began as `{fixed}`, and `{named}` would break its log ({}), its journal and every trust root",
            log.unwrap_or_default()
        ),
    })
}

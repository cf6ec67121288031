//! `avouch signerd`: the key process, with the same code as `avouch-signerd`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ::signerd::{Config, Cost, Passphrase, SystemClock};
use clap::Args;

use crate::config::Folder;
use crate::exit::Exit;
use crate::failure::Failure;

/// The word on the command line that makes a process the key process.
pub(crate) const VERB: &str = "signerd";

/// The flags of `avouch signerd`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  avouch signerd /var/lib/avouch    under a user of its own, by the init system"
)]
pub(crate) struct SignerdArgs {
    /// The data folder that `avouch init` made
    dir: PathBuf,
}

pub(super) fn run(args: &SignerdArgs) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.dir)?;
    let wiring = &folder.config.signerd;
    let passphrase_file = folder.at(&wiring.passphrase_file);
    let content = fs::read(&passphrase_file).map_err(Failure::file("read", &passphrase_file))?;
    let not_one = Failure::input(passphrase_file.display().to_string(), "a passphrase");
    let config = Config {
        folder: folder.at(&wiring.folder),
        passphrase: Passphrase::from_file_content(content.into()).map_err(not_one)?,
        cost: Cost::RECOMMENDED,
        socket: folder.at(&wiring.socket),
        admin_socket: folder.at(&wiring.admin_socket),
        order_users: Vec::new(),
        admin_users: Vec::new(),
    };
    ::signerd::run(&config, Arc::new(SystemClock)).map_err(Failure::inside("run the key process"))?;
    Ok(Exit::Done)
}

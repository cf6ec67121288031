//! `avouch signerd`: the key process, with the same code as `avouch-signerd`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::signerd::{Config, Cost, SystemClock};
use clap::{Args, Subcommand};

use crate::config::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::adopt::AdoptArgs;

/// The word on the command line that makes a process the key process.
pub(crate) const VERB: &str = "signerd";

/// The flags of `avouch signerd`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Example:\n  avouch signerd /var/lib/avouch    under a user of its own, by the init system"
)]
pub(crate) struct SignerdArgs {
    /// The data folder that `avouch init` made
    #[arg(required = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<SignerdVerb>,
}

#[derive(Debug, Subcommand)]
enum SignerdVerb {
    /// Take up a state that was restored: a new journal and a new log begin
    Adopt(AdoptArgs),
    /// Be the process in which a hardware token's module runs; the key process starts it
    #[command(hide = true)]
    Lane {
        /// What the module may reach
        #[arg(value_name = "WORD=VALUE")]
        words: Vec<OsString>,
    },
}

pub(super) fn run(args: SignerdArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match (args.verb, args.dir) {
        (Some(SignerdVerb::Adopt(adopt)), _) => super::adopt::run(&adopt, terminal),
        (Some(SignerdVerb::Lane { words }), _) => {
            ::signerd::lane(&words).map_err(Failure::inside("run a lane process"))?;
            Ok(Exit::Done)
        }
        (None, dir) => serve(&dir.unwrap_or_default()),
    }
}

fn serve(dir: &Path) -> Result<Exit, Failure> {
    let folder = Folder::open(dir)?;
    let wiring = &folder.config.signerd;
    let passphrase_file = folder.at(&wiring.passphrase_file);
    let content = fs::read(&passphrase_file).map_err(Failure::file("read", &passphrase_file))?;
    let not_one = Failure::input(passphrase_file.display().to_string(), "a passphrase");
    let config = Config {
        folder: folder.at(&wiring.folder),
        passphrase: ::signerd::passphrase(content).map_err(not_one)?,
        cost: Cost::RECOMMENDED,
        socket: folder.at(&wiring.socket),
        admin_socket: folder.at(&wiring.admin_socket),
        order_users: folder.server_user()?.into_iter().map(|user| user.user).collect(),
        admin_users: folder.admin_users()?,
        stores: crate::stores::stores(&folder)?,
    };
    ::signerd::run(&config, Arc::new(SystemClock)).map_err(Failure::inside("run the key process"))?;
    Ok(Exit::Done)
}

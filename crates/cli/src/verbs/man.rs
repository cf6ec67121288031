//! `avouch man`: the manual pages, one a verb.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch man`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  avouch man /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The folder to write them to
    dir: PathBuf,
}

pub(super) fn run(args: &ManArgs, terminal: Terminal) -> Result<Exit, Failure> {
    std::fs::create_dir_all(&args.dir).map_err(Failure::file("make the folder", &args.dir))?;
    clap_mangen::generate_to(crate::command(), &args.dir)
        .map_err(Failure::file("write manual pages to", &args.dir))?;
    terminal.line(format_args!("wrote the manual pages to `{}`", args.dir.display()));
    Ok(Exit::Done)
}

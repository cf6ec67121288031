//! `avouch serve`: both processes of a data folder, kept running.

use std::path::PathBuf;

use clap::Args;
use server::Addresses;

use crate::config::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::launch::{self, Household};
use crate::readiness::Readiness;
use crate::terminal::Terminal;
use crate::verbs::init;

/// The flags of `avouch serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  avouch serve /var/lib/avouch\n  avouch serve --init --detach ~/avouch    make the folder first, if it is not there; come back once it serves"
)]
pub(crate) struct ServeArgs {
    /// The data folder that `avouch init` made
    dir: PathBuf,
    /// Make the folder first, if it is not there
    #[arg(long)]
    init: bool,
    /// Serve in the background, and come back once it does; what it says goes to DIR/run/serve.log
    #[arg(long)]
    detach: bool,
}

pub(super) fn run(args: &ServeArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if args.init && !args.dir.join(crate::config::FILE).exists() {
        init::run(&init::InitArgs::for_folder(&args.dir), terminal)?;
    }
    let folder = Folder::open(&args.dir)?;
    if args.detach {
        return detach(&folder, terminal);
    }
    Household::serve(folder, terminal, |addresses| {
        terminal.note(format_args!(
            "avouch serves: requests at https://{}, log, timestamps and trust root at {}, metrics and health at http://{}",
            addresses.listen, addresses.public_url, addresses.monitor_listen
        ));
        tell_missing(addresses, terminal);
    })
}

/// Says at once what keeps the server from signing, and so how to go forward where it only reads.
fn tell_missing(addresses: &Addresses, terminal: Terminal) {
    // A server that does not tell is not ready, and `avouch doctor` will find out why.
    let Ok(readiness) = Readiness::ask(addresses.monitor_listen) else { return };
    for check in readiness.missing() {
        terminal.note(format_args!("{} {}: {}", terminal.bad("not ready:"), check.name, check.evidence));
    }
    for wall in launch::missing(&readiness.guarantees) {
        terminal.note(format_args!("{} {}: {}", terminal.bad("no boundary:"), wall.what, wall.evidence));
    }
}

/// Starts the launcher once more, out of this terminal's reach, and waits until it serves.
fn detach(folder: &Folder, terminal: Terminal) -> Result<Exit, Failure> {
    let log = folder.at("run/serve.log");
    let (process, addresses) = Household::detached(folder, &log)?;
    terminal.note(format_args!(
        "avouch serves in the background: requests at https://{}; it writes to `{}`, and ends with `kill {process}`",
        addresses.listen,
        log.display()
    ));
    Ok(Exit::Done)
}
